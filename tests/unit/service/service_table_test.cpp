// Mirrors dataplane/service/service_table.hpp.
#include "dataplane/service/service_table.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::service {
namespace {

using test::ip4;
using test::ip6;
using wire::Family;
using wire::Port;

TEST(ServiceTable, FindsAddressAndPortAndNothingElse) {
  const ServiceTable table{
      {{.name = "a", .address = ip4("198.18.0.1"), .prefix_bits = 32, .port = Port{80}},
       {.name = "b", .address = ip6("2001:2::1"), .prefix_bits = 128, .port = Port{443}}}};
  EXPECT_EQ(table.find<Family::kIpv4>(ip4("198.18.0.1"), Port{80}), 0);
  EXPECT_EQ(table.find<Family::kIpv4>(ip4("198.18.0.1"), Port{81}), kNoService);
  EXPECT_EQ(table.find<Family::kIpv4>(ip4("198.18.0.2"), Port{80}), kNoService);
  EXPECT_EQ(table.find<Family::kIpv4>(ip4("198.18.0.1"), Port{0}), kNoService);
  EXPECT_EQ(table.find<Family::kIpv6>(ip6("2001:2::1"), Port{443}), 1);
  EXPECT_EQ(table.find<Family::kIpv6>(ip6("2001:2::1"), Port{80}), kNoService);
  EXPECT_TRUE(table.owns<Family::kIpv4>(ip4("198.18.0.1")));
  EXPECT_FALSE(table.owns<Family::kIpv4>(ip4("198.18.0.3")));
}

TEST(ServiceTable, PrefersTheLongestPrefix) {
  const ServiceTable table{
      {{.name = "all", .address = ip4("198.18.0.0"), .prefix_bits = 15, .port = Port{80}},
       {.name = "one", .address = ip4("198.18.7.7"), .prefix_bits = 32, .port = Port{80}},
       {.name = "net", .address = ip4("198.18.7.0"), .prefix_bits = 24, .port = Port{80}},
       {.name = "every", .address = ip6("::"), .prefix_bits = 0, .port = Port{80}}}};
  EXPECT_EQ(table[table.find<Family::kIpv4>(ip4("198.18.7.7"), Port{80})].name, "one");
  EXPECT_EQ(table[table.find<Family::kIpv4>(ip4("198.18.7.8"), Port{80})].name, "net");
  EXPECT_EQ(table[table.find<Family::kIpv4>(ip4("198.19.255.255"), Port{80})].name, "all");
  EXPECT_EQ(table.find<Family::kIpv4>(ip4("198.20.0.0"), Port{80}), kNoService);
  EXPECT_EQ(table[table.find<Family::kIpv6>(ip6("2001:2::5"), Port{80})].name, "every");
  for (const char* address : {"198.18.0.0", "198.18.7.7", "198.19.255.255"})
    EXPECT_TRUE(table.owns<Family::kIpv4>(ip4(address))) << address;
  for (const char* address : {"198.17.255.255", "198.20.0.0", "0.0.0.0", "255.255.255.255"})
    EXPECT_FALSE(table.owns<Family::kIpv4>(ip4(address))) << address;
  for (const char* address : {"::", "2001:2::5", "ffff::1"})
    EXPECT_TRUE(table.owns<Family::kIpv6>(ip6(address))) << address;
}

TEST(ServiceTable, HoldsTenThousandServices) {
  std::vector<Service> services;
  for (int i = 0; i < 10'000; ++i) {
    const auto address = ip4("198.18." + std::to_string(i / 100) + "." + std::to_string(i % 100));
    services.push_back({.name = std::to_string(i), .address = address, .prefix_bits = 32, .port = Port{443}});
  }
  const ServiceTable table{services};
  for (std::size_t i = 0; i < services.size(); ++i) {
    const auto address = std::get<wire::Ipv4Address>(services[i].address);
    EXPECT_EQ(table.find<Family::kIpv4>(address, Port{443}), i);
    EXPECT_TRUE(table.owns<Family::kIpv4>(address));
  }
  EXPECT_FALSE(table.owns<Family::kIpv4>(ip4("198.18.0.200")));
}

}  // namespace
}  // namespace synward::service
