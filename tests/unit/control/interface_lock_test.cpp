// Mirrors control/interface_lock.hpp.
#include "control/interface_lock.hpp"

#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

namespace synward::control {
namespace {

TEST(InterfaceLock, LetsOneProcessServeAnInterface) {
  auto first = std::make_unique<InterfaceLock>("net_af_packet0,iface=unit-lock,qpairs=2");
  try {
    const InterfaceLock second{"net_tap3,iface=unit-lock"};
    FAIL() << "two hold it";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "interface unit-lock is already served by another synward");
  }
  EXPECT_NO_THROW(InterfaceLock{"net_af_packet0,iface=unit-lock2"});
  first.reset();
  EXPECT_NO_THROW(InterfaceLock{"net_af_packet0,iface=unit-lock"});
}

TEST(InterfaceLock, IsSeenByWhoTakesNone) {
  EXPECT_FALSE(is_served("unit-seen"));
  const InterfaceLock lock{"net_af_packet0,iface=unit-seen"};
  EXPECT_TRUE(is_served("unit-seen"));
  EXPECT_FALSE(is_served("unit-see")) << "another interface";
  EXPECT_FALSE(is_served("seen"));
}

TEST(InterfaceLock, LeavesDevicesThatAreNoInterfaceAlone) {
  const InterfaceLock null{"net_null0"}, other_null{"net_null0"}, pci{"0000:3b:00.0"};
  EXPECT_NO_THROW(InterfaceLock{"net_null0"});
}

}  // namespace
}  // namespace synward::control
