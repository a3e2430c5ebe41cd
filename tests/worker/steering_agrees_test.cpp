// Software steering against DPDK's own Toeplitz, fed what a NIC's symmetric function is fed: the XOR of both
// addresses in the place of each, and of both ports.
#include <array>
#include <random>

#include <gtest/gtest.h>
#include <rte_thash.h>

#include "dataplane/steering.hpp"

namespace synward {
namespace {

using wire::Family;

template <typename Family>
class SteeringAgrees : public testing::Test {};

template <Family kValue>
struct FamilyType {
  static constexpr Family kFamily = kValue;
};
using Families = testing::Types<FamilyType<Family::kIpv4>, FamilyType<Family::kIpv6>>;
TYPED_TEST_SUITE(SteeringAgrees, Families, );

TYPED_TEST(SteeringAgrees, WithSoftRssOverTheXorOfBothEnds) {
  using Address = wire::Address<TypeParam::kFamily>;
  constexpr std::size_t kWords = sizeof(Address) / 4;
  std::mt19937 random{11};
  for (int round = 0; round < 1000; ++round) {
    alignas(4) Steering::Key key;
    for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
    Address client, server;
    std::array<std::uint32_t, 2 * kWords + 1> input;
    for (std::size_t word = 0; word < kWords; ++word) {
      const std::array<std::uint32_t, 2> values{static_cast<std::uint32_t>(random()),
                                                static_cast<std::uint32_t>(random())};
      for (std::size_t byte = 0; byte < 4; ++byte) {
        client.bytes[4 * word + byte] = static_cast<std::uint8_t>(values[0] >> (24 - 8 * byte));
        server.bytes[4 * word + byte] = static_cast<std::uint8_t>(values[1] >> (24 - 8 * byte));
      }
      input[word] = input[kWords + word] = values[0] ^ values[1];
    }
    const auto client_port = static_cast<std::uint16_t>(random());
    const std::uint32_t ports = client_port ^ 443u;
    input.back() = ports << 16 | ports;

    const Steering steering{key, 7};
    const auto owner =
        steering.template owner<TypeParam::kFamily>(client, server, wire::Port{client_port}, wire::Port{443});
    EXPECT_EQ(owner, steering.table()[rte_softrss(input.data(), input.size(), key.data()) & 127]);
  }
}

}  // namespace
}  // namespace synward
