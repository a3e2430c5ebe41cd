// Mirrors control/ports.hpp: what two ports must agree on, and which is which.
#include "control/ports.hpp"

#include <gtest/gtest.h>

#include "dataplane/nic/setup_error.hpp"

namespace synward::control {
namespace {

std::string refusal(const config::Config& config, const std::vector<PortInfo>& found) {
  try {
    check_mtus(config, found);
  } catch (const nic::SetupError& error) {
    return error.what();
  }
  return "none";
}

TEST(CheckMtus, RefusesAPortWhoseFramesThePacketsDoNotHold) {
  config::Config config{.lcores = {1}, .ports = {{"out", "0000:3b:00.0"}}};
  EXPECT_EQ(refusal(config, {{.mtu = 2022}}), "none");
  EXPECT_EQ(refusal(config, {{.mtu = 2023}}),  // a frame of 2049 bytes in 2048
            "port \"0000:3b:00.0\" has an MTU of 2023, more than packets here hold: "
            "write mtu = 2023 below its device, or lower it");
  config.ports[0].mtu = 9000;
  EXPECT_EQ(refusal(config, {{.mtu = 9000}}), "none");
}

TEST(CheckMtus, RefusesTheSecondPortTooWhenItsFramesDoNotFit) {
  const config::Config config{.lcores = {1}, .ports = {{"outside", "net_null0"}, {"inside", "net_null1"}}};
  EXPECT_EQ(refusal(config, {{.mtu = 1500}, {.mtu = 9000}}),
            "port \"net_null1\" has an MTU of 9000, more than packets here hold: "
            "write mtu = 9000 below its device, or lower it");
}

TEST(CheckMtus, RefusesTwoPortsOfDifferentMtus) {
  const config::Config config{.lcores = {1}, .ports = {{"outside", "net_null0"}, {"inside", "net_null1"}}};
  EXPECT_EQ(refusal(config, {{.mtu = 1500}, {.mtu = 1500}}), "none");
  EXPECT_EQ(
      refusal(config, {{.mtu = 1500}, {.mtu = 1400}}),
      "port \"outside\" has an MTU of 1500 and port \"inside\" one of 1400, and what comes in at one must "
      "fit the other: write mtu = 1400 below both devices");
}

TEST(WithSides, IsAnEndpointsPortWhenThereIsOne) {
  const auto ports = with_sides({{.mtu = 1400}});
  ASSERT_EQ(ports.size(), 1u);
  EXPECT_EQ(ports[0].side, Side::kEndpoint);
  EXPECT_EQ(ports[0].mtu, 1400);
}

TEST(WithSides, IsOutsideThenInsideAndEachLeadsToTheOther) {
  const auto ports = with_sides({{.mac = {{1}}, .mtu = 1400}, {.mac = {{2}}, .mtu = 1400}});
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0].side, Side::kOutside);
  EXPECT_EQ(ports[0].other, 1);
  EXPECT_EQ(ports[0].mac, wire::MacAddress{{1}});
  EXPECT_EQ(ports[1].side, Side::kInside);
  EXPECT_EQ(ports[1].other, 0);
  EXPECT_EQ(ports[1].mac, wire::MacAddress{{2}});
}

}  // namespace
}  // namespace synward::control
