// Mirrors dataplane/service/service_table.hpp.
#include "dataplane/service/service_table.hpp"

#include <algorithm>
#include <random>
#include <set>

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

TEST(ServiceTable, ARetiredServiceGivesWayToAServedOneAroundIt) {
  const auto service = [](const char* address, std::uint8_t bits, Standing standing,
                          std::uint16_t port = 80) {
    return Service{.name = address,
                   .address = ip4(address),
                   .prefix_bits = bits,
                   .port = Port{port},
                   .standing = standing};
  };
  const ServiceTable table{
      {service("198.18.7.7", 32, Standing::kRetired), service("198.18.7.0", 24, Standing::kServed),
       service("198.18.0.0", 16, Standing::kRetired), service("198.18.9.0", 24, Standing::kRetired),
       service("198.18.9.9", 32, Standing::kServed), service("198.18.7.8", 32, Standing::kRetired, 81)}};
  const auto found = [&](const char* address, std::uint16_t port = 80) {
    return table.find<Family::kIpv4>(ip4(address), Port{port});
  };
  EXPECT_EQ(found("198.18.7.7"), 1);
  EXPECT_EQ(found("198.18.7.8"), 1);
  EXPECT_EQ(found("198.18.1.1"), 2);
  EXPECT_EQ(found("198.18.9.1"), 3) << "what is around it is retired, too; what is served lies within it";
  EXPECT_EQ(found("198.18.9.9"), 4);
  EXPECT_EQ(found("198.18.7.8", 81), 5) << "another port is another service";
  EXPECT_TRUE(table.is_retired(0));
  EXPECT_TRUE(table.owns<Family::kIpv4>(ip4("198.18.7.7")));
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

/// Whether `prefix` and `address` agree in the first `bits` bits.
template <typename Address>
bool covers(const Address& prefix, std::uint8_t bits, const Address& address) {
  for (std::size_t bit = 0; bit < bits; ++bit) {
    if (((prefix.bytes[bit / 8] ^ address.bytes[bit / 8]) << bit % 8 & 0x80) != 0) return false;
  }
  return true;
}

/// What find() should say, by asking every service.
template <Family kFamily>
ServiceId found_one_by_one(const std::vector<Service>& services, const wire::Address<kFamily>& address,
                           Port port) {
  ServiceId best = kNoService;
  for (std::size_t i = 0; i < services.size(); ++i) {
    const auto* prefix = std::get_if<wire::Address<kFamily>>(&services[i].address);
    if (prefix == nullptr || services[i].port != port || !covers(*prefix, services[i].prefix_bits, address))
      continue;
    if (best == kNoService || services[i].prefix_bits > services[best].prefix_bits)
      best = static_cast<ServiceId>(i);
  }
  return best;
}

/// Prefixes of every length over one another, some with bits behind their length; three ports.
template <Family kFamily>
void expect_found_as_one_by_one() {
  using Address = wire::Address<kFamily>;
  constexpr auto kBits = static_cast<std::uint8_t>(8 * sizeof(Address));
  std::mt19937 random{5};
  const auto some_address = [&random] {
    Address address{};
    for (auto& byte : address.bytes) byte = random() % 4 == 0 ? 1 : 0;
    return address;
  };
  const auto some_port = [&random] { return Port{static_cast<std::uint16_t>(80 + random() % 3)}; };
  std::vector<Service> services;
  for (std::uint8_t bits = 0; bits <= kBits; ++bits) {
    for (int n = 0; n < 3; ++n) {
      const Address address = some_address();
      const Port port = some_port();
      const bool same = std::ranges::any_of(services, [&](const Service& other) {
        return other.prefix_bits == bits && other.port == port &&
               covers(std::get<Address>(other.address), bits, address);
      });
      if (!same) services.push_back({.name = "", .address = address, .prefix_bits = bits, .port = port});
    }
  }
  const ServiceTable table{services};
  std::set<ServiceId> seen;
  for (int n = 0; n < 20'000; ++n) {
    // Of some prefix, but for one bit: then a shorter one may be the longest that covers it.
    const Service& near = services[random() % services.size()];
    auto address = std::get<Address>(near.address);
    const std::size_t bit = random() % kBits;
    address.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    const Port port = random() % 8 == 0 ? some_port() : near.port;
    const ServiceId found = table.find<kFamily>(address, port);
    ASSERT_EQ(found, found_one_by_one<kFamily>(services, address, port));
    seen.insert(found);
  }
  EXPECT_GT(seen.size(), services.size() / 2) << "most prefixes are the longest for someone";
}

TEST(ServiceTable, FindsTheLongestOfPrefixesOfEveryLength) {
  expect_found_as_one_by_one<Family::kIpv4>();
  expect_found_as_one_by_one<Family::kIpv6>();
}

}  // namespace
}  // namespace synward::service
