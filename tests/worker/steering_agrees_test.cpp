// Software steering against DPDK's own Toeplitz, fed what a NIC is fed: a client's segment at the port of the
// one key, its answer at that of the other.
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

TYPED_TEST(SteeringAgrees, WithSoftRssInBothDirections) {
  using Address = wire::Address<TypeParam::kFamily>;
  constexpr std::size_t kWords = sizeof(Address) / 4;
  std::mt19937 random{11};
  for (int round = 0; round < 1000; ++round) {
    Steering::Seed seed;
    for (auto& byte : seed) byte = static_cast<std::uint8_t>(random());
    const Steering steering{seed, 7};
    Address client, service;
    std::array<std::uint32_t, 2 * kWords + 1> there, back;
    for (std::size_t word = 0; word < kWords; ++word) {
      there[word] = back[kWords + word] = static_cast<std::uint32_t>(random());
      there[kWords + word] = back[word] = static_cast<std::uint32_t>(random());
      for (std::size_t byte = 0; byte < 4; ++byte) {
        client.bytes[4 * word + byte] = static_cast<std::uint8_t>(there[word] >> (24 - 8 * byte));
        service.bytes[4 * word + byte] = static_cast<std::uint8_t>(back[word] >> (24 - 8 * byte));
      }
    }
    const auto client_port = static_cast<std::uint16_t>(random());
    there.back() = std::uint32_t{client_port} << 16 | 443;
    back.back() = 443u << 16 | client_port;

    const auto owner = steering.template owner<TypeParam::kFamily>(client, service, wire::Port{client_port},
                                                                   wire::Port{443});
    const auto queue = [&](auto& input, const Toeplitz::Key& key) {
      alignas(4) Toeplitz::Key aligned = key;
      return steering
          .table()[rte_softrss(input.data(), static_cast<std::uint32_t>(input.size()), aligned.data()) & 127];
    };
    ASSERT_EQ(owner, queue(there, steering.client_key()));
    ASSERT_EQ(owner, queue(back, steering.backend_key()));
    ASSERT_NE(steering.client_key(), steering.backend_key());
  }
}

}  // namespace
}  // namespace synward
