// Mirrors control/memory_plan.hpp.
#include "control/memory_plan.hpp"

#include <gtest/gtest.h>

namespace synward::control {
namespace {

const config::Config kEndpoint{.lcores = {1}, .ports = {{"out", "net_null0"}}};
const config::Config kWire{.lcores = {1}, .ports = {{"outside", "net_null0"}, {"inside", "net_null1"}}};

TEST(MemoryPlan, FramesAreAsLongAsTheLargerMtuAllows) {
  EXPECT_EQ(frame_bytes(kEndpoint), 2048u);
  for (const std::size_t p : {0u, 1u}) {
    config::Config config = kWire;
    EXPECT_EQ(frame_bytes(config), 2048u);
    config.ports[p].mtu = 9000;
    EXPECT_EQ(frame_bytes(config), 9000u + 14 + 2 * 4 + 4);
  }
}

TEST(MemoryPlan, PacketsFillTheRingsOfEveryPortAndOfAWireThoseThatWait) {
  EXPECT_EQ(packets(kEndpoint), 4096u - 1);
  EXPECT_EQ(packets(kWire), 2u * 4096 + kHeldPerCore - 1);
  config::Config three = kWire;
  three.lcores = {1, 2, 3};
  EXPECT_EQ(packets(three), 3 * (2u * 4096 + kHeldPerCore) - 1);
}

TEST(MemoryPlan, AFamilyWithoutAServiceNeedsNoTable) {
  config::Config config = kWire;
  config.services.push_back({.name = "six", .address = wire::Ipv6Address{}, .prefix_bits = 128, .port = 443});
  EXPECT_EQ(connections_of<wire::Family::kIpv4>(config), 0u);
  EXPECT_EQ(connections_of<wire::Family::kIpv6>(config), config.connections_per_core);
}

/// In a guest with huge pages one worker took 192 MiB of them, and two took 380.
TEST(MemoryPlan, AWorkerTakesOfHugePagesWhatWasMeasured) {
  config::Config config = kWire;
  config.lcores.clear();  // not planned yet
  config.services.push_back({.name = "four", .address = wire::Ipv4Address{}, .prefix_bits = 32, .port = 443});
  config.services.push_back({.name = "six", .address = wire::Ipv6Address{}, .prefix_bits = 128, .port = 443});
  EXPECT_NEAR(static_cast<double>(worker_bytes(config) >> 20), 190, 8);
  config.ports[0].mtu = 9000;
  EXPECT_NEAR(static_cast<double>(worker_bytes(config) >> 20), 260, 8);
}

TEST(MemoryPlan, OrdinaryMemoryHoldsThePacketsOfBothPortsAndTheTablesTwice) {
  constexpr std::size_t kMib = std::size_t{1} << 20, kMbufAndHeadroom = 256;
  config::Config config = kWire;
  config.ports[0].mtu = config.ports[1].mtu = 9000;
  config.services.push_back({.name = "six", .address = wire::Ipv6Address{}, .prefix_bits = 128, .port = 443});
  for (const std::vector<std::uint16_t>& lcores : {std::vector<std::uint16_t>{1}, {1, 2, 3}}) {
    config.lcores = lcores;
    EXPECT_GE(ordinary_memory_mib(config) * kMib,
              256 * kMib + packets(config) * (frame_bytes(config) + kMbufAndHeadroom) +
                  lcores.size() * 2 * table_bytes<wire::Family::kIpv6>(config));
  }
}

}  // namespace
}  // namespace synward::control
