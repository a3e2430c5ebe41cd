// Mirrors dataplane/steering.hpp.
#include "dataplane/steering.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward {
namespace {

using test::ip4;
using test::ip6;
using wire::Family;
using wire::Port;

/// The key of Microsoft's RSS specification, "Verifying the RSS Hash Calculation".
constexpr Steering::Key kMicrosoftKey{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                      0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                      0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                      0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

TEST(Steering, ComputesTheHashesOfMicrosoftsSpecification) {
  const Steering steering{kMicrosoftKey, 1};
  // 66.9.149.187:2794 -> 161.142.100.80:1766, TCP over IPv4, source first.
  const std::array<std::uint8_t, 12> input{66,  9,  149,       187,         161,       142,
                                           100, 80, 2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff};
  EXPECT_EQ(steering.toeplitz(input), 0x51ccc178u);
  EXPECT_EQ(steering.toeplitz(std::span{input}.first(8)), 0x323e8fc2u);
}

TEST(Steering, SendsBothDirectionsToOneCoreAndDealsFlowsOutEvenly) {
  std::mt19937 random{7};
  Steering::Key key;
  for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
  for (std::uint16_t cores = 1; cores <= 8; ++cores) {
    const Steering steering{key, cores};
    std::vector<int> flows(cores);
    constexpr int kFlows = 8000;
    for (int i = 0; i < kFlows; ++i) {
      const auto client = std::bit_cast<wire::Ipv4Address>(static_cast<std::uint32_t>(random()));
      const Port port{static_cast<std::uint16_t>(random())};
      const auto there = steering.owner<Family::kIpv4>(client, ip4("198.18.0.1"), port, Port{443});
      EXPECT_EQ(there, steering.owner<Family::kIpv4>(ip4("198.18.0.1"), client, Port{443}, port));
      ASSERT_LT(there, cores);
      ++flows[there];
    }
    const double share = static_cast<double>(kFlows) / cores;
    for (const int n : flows) EXPECT_NEAR(n, share, share / 5) << cores;
  }
}

TEST(Steering, IsSymmetricOverIpv6) {
  const Steering steering{kMicrosoftKey, 5};
  for (std::uint16_t port = 1; port < 500; ++port) {
    EXPECT_EQ(steering.owner<Family::kIpv6>(ip6("2001:2::1"), ip6("2001:2::2"), Port{port}, Port{80}),
              steering.owner<Family::kIpv6>(ip6("2001:2::2"), ip6("2001:2::1"), Port{80}, Port{port}));
  }
}

}  // namespace
}  // namespace synward
