#include "dataplane/handshake/isn.hpp"

#include <bit>
#include <cstdint>
#include <random>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::handshake {
namespace {

using wire::Family;
using wire::Port;

crypto::AesBlock secret_of(std::uint8_t fill) {
  crypto::AesBlock secret;
  secret.bytes.fill(std::byte{fill});
  return secret;
}

template <Family kFamily>
FourTuple<kFamily> tuple_of(std::uint16_t port) {
  if constexpr (kFamily == Family::kIpv4) {
    return {test::ip4("198.18.0.1"), test::ip4("198.18.0.10"), Port{port}, Port{443}};
  } else {
    return {test::ip6("2001:2::1"), test::ip6("2001:2::a"), Port{port}, Port{443}};
  }
}

template <typename FamilyConstant>
class Isn : public testing::Test {
 public:
  static constexpr Family kFamily = FamilyConstant::value;
  IsnGenerator generator{crypto::portable_aes(), secret_of(1)};
  std::uint32_t isn(const FourTuple<kFamily>& tuple, std::uint64_t now_us = 0) const {
    return generator.initial_numbers(tuple, now_us).iss.value();
  }
};
using Families = testing::Types<std::integral_constant<Family, Family::kIpv4>,
                                std::integral_constant<Family, Family::kIpv6>>;
TYPED_TEST_SUITE(Isn, Families);

TYPED_TEST(Isn, IsUniqueOverAHundredTuples) {
  std::set<std::uint32_t> seen;
  for (std::uint16_t port = 1; port <= 100; ++port)
    seen.insert(this->isn(tuple_of<TestFixture::kFamily>(port)));
  EXPECT_EQ(seen.size(), 100u);
}

TYPED_TEST(Isn, IsUniqueOverAHundredRuns) {  // a run is a secret
  std::set<std::uint32_t> seen;
  for (std::uint8_t run = 1; run <= 100; ++run) {
    const IsnGenerator other{crypto::portable_aes(), secret_of(run)};
    seen.insert(other.initial_numbers(tuple_of<TestFixture::kFamily>(1), 0).iss.value());
  }
  EXPECT_EQ(seen.size(), 100u);
}

TYPED_TEST(Isn, OfOneTupleFollowsTheFourMicrosecondClock) {
  const auto tuple = tuple_of<TestFixture::kFamily>(1);
  const std::uint32_t start = this->isn(tuple);
  EXPECT_EQ(this->isn(tuple, 3), start);
  EXPECT_EQ(this->isn(tuple, 4), start + 1);
  EXPECT_EQ(this->isn(tuple, 1'000'000), start + 250'000);
  std::uint32_t last = start;
  for (std::uint64_t now_us = 4; now_us < 4000; now_us += 37) {
    const std::uint32_t next = this->isn(tuple, now_us);
    EXPECT_TRUE(wire::before(wire::SeqNum{last}, wire::SeqNum{next}));
    last = next;
  }
}

TYPED_TEST(Isn, ChangesWithEveryFieldOfTheTuple) {
  const auto tuple = tuple_of<TestFixture::kFamily>(1);
  std::set<std::uint32_t> seen{this->isn(tuple), this->isn(tuple.from_the_other_end())};
  const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof tuple>>(tuple);
  for (std::size_t bit = 0; bit < 8 * sizeof tuple; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    seen.insert(this->isn(std::bit_cast<FourTuple<TestFixture::kFamily>>(changed)));
  }
  EXPECT_EQ(seen.size(), 2 + 8 * sizeof tuple);
}

TYPED_TEST(Isn, TellsNothingByItsBits) {
  // 4096 neighbouring tuples: each bit of F is set in about half of them (8 sigma is 256), and so is each bit
  // of what one tuple's F has in common with the next one's.
  std::array<int, 32> set{}, flipped{};
  std::uint32_t last = this->isn(tuple_of<TestFixture::kFamily>(0));
  for (std::uint16_t port = 1; port <= 4096; ++port) {
    const std::uint32_t isn = this->isn(tuple_of<TestFixture::kFamily>(port));
    for (unsigned bit = 0; bit < 32; ++bit) {
      set[bit] += static_cast<int>(isn >> bit & 1);
      flipped[bit] += static_cast<int>((isn ^ last) >> bit & 1);
    }
    last = isn;
  }
  for (unsigned bit = 0; bit < 32; ++bit) {
    EXPECT_NEAR(set[bit], 2048, 256) << bit;
    EXPECT_NEAR(flipped[bit], 2048, 256) << bit;
  }
}

TYPED_TEST(Isn, IsTheSameUnderEveryAes) {
  const IsnGenerator best{crypto::best_aes(), secret_of(1)};
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const auto tuple = tuple_of<TestFixture::kFamily>(port);
    const auto numbers = best.initial_numbers(tuple, 12345);
    EXPECT_EQ(numbers.iss, this->generator.initial_numbers(tuple, 12345).iss);
    EXPECT_EQ(numbers.ts_offset, this->generator.initial_numbers(tuple, 12345).ts_offset);
  }
}

TYPED_TEST(Isn, TimestampOffsetsBelongToTheTupleAndDoNotMove) {
  std::set<std::uint32_t> seen;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const auto tuple = tuple_of<TestFixture::kFamily>(port);
    const auto numbers = this->generator.initial_numbers(tuple, 0);
    EXPECT_EQ(this->generator.initial_numbers(tuple, 1'000'000).ts_offset, numbers.ts_offset);
    EXPECT_NE(numbers.ts_offset, numbers.iss.value());
    seen.insert(numbers.ts_offset);
  }
  EXPECT_EQ(seen.size(), 100u);
}

// isn.hpp's threat model, recomputed.
TEST(IsnThreatModel, ArithmeticOfTheHeader) {
  constexpr double kSpace = 4294967296.0;
  constexpr double kWrapSeconds = kSpace * kIsnTickUs / 1e6;
  EXPECT_EQ(static_cast<int>(kWrapSeconds), 17179);
  EXPECT_EQ(static_cast<int>(kWrapSeconds / 3600), 4);
  EXPECT_EQ(static_cast<int>(kWrapSeconds / 60) % 60, 46);
  EXPECT_GT(kWrapSeconds, 2 * 120);  // two MSL
  EXPECT_EQ(1'000'000 / kIsnTickUs, 250'000u);
  EXPECT_EQ(65536 / kSpace, 1.0 / 65536);  // 2^-16: the window of 64 KiB
}

}  // namespace
}  // namespace synward::handshake
