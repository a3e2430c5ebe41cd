// Mirrors dataplane/steering.hpp.
#include "dataplane/steering.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward {
namespace {

using test::ip4;
using wire::Family;
using wire::Port;

/// The key of Microsoft's RSS specification, "Verifying the RSS Hash Calculation".
constexpr Toeplitz::Key kMicrosoftKey{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                      0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                      0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                      0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

TEST(Toeplitz, ComputesTheHashesOfMicrosoftsSpecification) {
  const Toeplitz toeplitz{kMicrosoftKey};
  // 66.9.149.187:2794 -> 161.142.100.80:1766, TCP over IPv4, source first.
  const std::array<std::uint8_t, 12> input{66,  9,  149,       187,         161,       142,
                                           100, 80, 2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff};
  EXPECT_EQ(toeplitz(input), 0x51ccc178u);
  EXPECT_EQ(toeplitz(std::span{input}.first(8)), 0x323e8fc2u);
}

Steering::Seed seed_at_random(std::uint32_t number) {
  std::mt19937 random{number};
  Steering::Seed seed;
  for (auto& byte : seed) byte = static_cast<std::uint8_t>(random());
  return seed;
}

/// How many of `flows` each of `cores` owns.
template <typename ClientOf>
void expect_even_shares(std::uint16_t cores, const ClientOf& client_of) {
  const Steering steering{seed_at_random(cores), cores};
  constexpr int kFlows = 8000;
  std::vector<int> flows(cores);
  for (int i = 0; i < kFlows; ++i) {
    const auto [client, port] = client_of(static_cast<std::uint32_t>(i));
    const auto owner = steering.owner<Family::kIpv4>(client, ip4("198.18.0.1"), Port{port}, Port{443});
    ASSERT_LT(owner, cores);
    ++flows[owner];
  }
  const double share = static_cast<double>(kFlows) / cores;
  for (const int n : flows) EXPECT_NEAR(n, share, share / 5) << cores;
}

TEST(Steering, DealsFlowsOutEvenly) {
  std::mt19937 random{7};
  for (std::uint16_t cores = 1; cores <= 8; ++cores) {
    expect_even_shares(cores, [&](std::uint32_t) {
      const auto client = static_cast<std::uint32_t>(random());
      return std::pair{std::bit_cast<wire::Ipv4Address>(client), static_cast<std::uint16_t>(random())};
    });
  }
}

/// The keys' equal bits make the same of these differences in address and port, so the lowest bits of the
/// hash never tell them apart: with a table in turn all would be one core's, whatever the keys.
TEST(Steering, SpreadsFlowsWhoseAddressAndPortDifferByTheSame) {
  for (const auto cores : std::array<std::uint16_t, 3>{2, 4, 8}) {
    constexpr int kSeeds = 500, kFlows = 16;  // such flows are few, so many keys are asked
    int with_the_first = 0;
    for (std::uint32_t number = 0; number < kSeeds; ++number) {
      const Steering steering{seed_at_random(number), cores};
      const auto owner_of = [&](int bits) {
        auto client = ip4("203.0.113.64");
        client.bytes[3] = static_cast<std::uint8_t>(client.bytes[3] ^ bits);
        const Port port{static_cast<std::uint16_t>(40000 ^ bits)};
        return steering.owner<Family::kIpv4>(client, ip4("198.18.0.1"), port, Port{443});
      };
      for (int bits = 1; bits < kFlows; ++bits) with_the_first += owner_of(bits) == owner_of(0) ? 1 : 0;
    }
    const double share = kSeeds * (kFlows - 1.0) / cores;
    EXPECT_LT(with_the_first, 2 * share) << cores;
    EXPECT_GT(with_the_first, share / 2) << cores;
  }
}

TEST(Steering, DealsItsTableOutEvenlyInAnotherOrderForEachSeed) {
  const Steering one{seed_at_random(1), 5}, other{seed_at_random(2), 5};
  EXPECT_NE(one.table(), other.table());
  for (std::uint16_t core = 0; core < 5; ++core)
    EXPECT_EQ(std::count(one.table().begin(), one.table().end(), core), core < 3 ? 26 : 25);
}

/// With one key of a repeated word, all of these would be one core's.
TEST(Steering, SpreadsFlowsWhoseWordsHaveTheSameXor) {
  for (std::uint16_t cores = 2; cores <= 8; ++cores) {
    expect_even_shares(cores, [](std::uint32_t i) {
      const auto high = static_cast<std::uint16_t>(i * 40'503u),
                 low = static_cast<std::uint16_t>(i * 30'011u >> 3);
      return std::pair{
          std::bit_cast<wire::Ipv4Address>(static_cast<std::uint32_t>(high) << 16 | low),
          std::bit_cast<std::uint16_t>(wire::BigEndian16{static_cast<std::uint16_t>(high ^ low ^ 0x1234)})};
    });
  }
}

}  // namespace
}  // namespace synward
