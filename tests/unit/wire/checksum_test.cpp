// Mirrors dataplane/wire/checksum.hpp.
#include "dataplane/wire/checksum.hpp"

#include <array>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/wire/ip_protocol.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/reference_checksum.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::bytes_of;
using test::reference_checksum;

Bytes random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random{seed};
  Bytes bytes(size);
  for (auto& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

TEST(Rfc1071, TheExampleOfSection3) {
  const auto data = bytes_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7});
  EXPECT_EQ(finish(add_bytes(0, data)), Checksum{BigEndian16{0x220d}});  // ~0xddf2
}

TEST(AddBytes, EqualsTheSumByteByByteAtEveryLengthAndAddress) {
  for (std::size_t size = 1; size <= 300; ++size) {
    const auto data = random_bytes(size, std::uint32_t(size));
    for (std::size_t shift = 0; shift < 8; ++shift) {
      // Exactly as long as the data ask for, so that ASan sees one byte too far.
      const auto buffer = std::make_unique<std::byte[]>(shift + size);
      std::copy(data.begin(), data.end(), buffer.get() + shift);
      const std::span<const std::byte> span{buffer.get() + shift, size};
      ASSERT_EQ(finish(add_bytes(0, span)), reference_checksum(data)) << size << " bytes at " << shift;
    }
  }
}

TEST(AddBytes, LosesNoCarry) {
  for (const std::size_t size :
       {1u, 2u, 7u, 8u, 9u, 15u, 16u, 31u, 32u, 33u, 40u, 64u, 127u, 128u, 1460u, 65535u, (2u << 20) + 37}) {
    const Bytes ones(size, std::byte{0xff});
    EXPECT_EQ(finish(add_bytes(0, ones)), reference_checksum(ones)) << size;
    EXPECT_EQ(finish(add_bytes(~std::uint64_t{0}, ones)), reference_checksum(ones))
        << size;  // -0 adds nothing
  }
}

TEST(AddBytes, OfNothingIsTheSumItself) {
  EXPECT_EQ(add_bytes(0x1234'5678'9abc'def0, {}), 0x1234'5678'9abc'def0);
}

TEST(AddBytes, MayBeDoneInPiecesOfEvenLength) {
  const auto data = random_bytes(101, 1);
  const std::span<const std::byte> all{data};
  for (std::size_t cut = 0; cut <= all.size(); cut += 2)
    ASSERT_EQ(fold(add_bytes(add_bytes(0, all.first(cut)), all.subspan(cut))), fold(add_bytes(0, all)))
        << cut;
}

struct FoldCase {
  std::string_view name;
  std::uint64_t sum;
  std::uint16_t folded;
};

class Fold : public testing::TestWithParam<FoldCase> {};

TEST_P(Fold, BringsEveryCarryRound) {
  EXPECT_EQ(fold(GetParam().sum), GetParam().folded);
  EXPECT_EQ(verifies(GetParam().sum), GetParam().folded == 0xffff);
}

constexpr FoldCase kFolds[] = {
    {.name = "Zero", .sum = 0, .folded = 0},
    {.name = "OneWord", .sum = 0x1234, .folded = 0x1234},
    {.name = "AllOnesIsMinusZero", .sum = ~std::uint64_t{0}, .folded = 0xffff},
    {.name = "CarryOutOfEachWord", .sum = 0xffff'0001'0000'0000, .folded = 1},
    {.name = "CarryOutOfTheLowerHalf", .sum = 0x0000'0001'ffff'ffff, .folded = 1},
    {.name = "OneBelowAllOnes", .sum = 0xffff'ffff'ffff'fffe, .folded = 0xfffe},
    {.name = "TopWordOnly", .sum = 0x8000'0000'0000'0000, .folded = 0x8000},
};
INSTANTIATE_TEST_SUITE_P(Rfc1071, Fold, testing::ValuesIn(kFolds),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PseudoHeader, OfIpv4IsThatOfRfc9293) {
  const auto source = test::ip4("198.18.255.254"), destination = test::ip4("198.19.255.255");
  for (const std::uint16_t length : std::to_array<std::uint16_t>({20, 1460, 65535})) {
    const auto expected =
        reference_checksum(test::pseudo_header(source, destination, IpProtocol::kTcp, length));
    EXPECT_EQ(finish(pseudo_header_sum(source, destination, IpProtocol::kTcp, length)), expected);
  }
}

TEST(PseudoHeader, OfIpv6IsThatOfRfc8200) {
  const auto source = test::ip6("2001:2::ffff:ffff:ffff"), destination = test::ip6("ffff:ffff::1");
  for (const std::uint16_t length : std::to_array<std::uint16_t>({20, 1440, 65535})) {
    const auto expected =
        reference_checksum(test::pseudo_header(source, destination, IpProtocol::kTcp, length));
    EXPECT_EQ(finish(pseudo_header_sum(source, destination, IpProtocol::kTcp, length)), expected);
  }
}

TEST(Verifies, TheChecksumWithPseudoHeaderVerifiesToZero) {
  const auto source = test::ip4("198.18.0.1"), destination = test::ip4("198.18.0.10");
  for (const std::size_t size : {20u, 21u, 40u, 61u}) {
    auto segment = random_bytes(size, 7);
    segment[16] = segment[17] = std::byte{0};
    const auto pseudo = pseudo_header_sum(source, destination, IpProtocol::kTcp, std::uint16_t(size));
    const auto field = bytes_of(finish(add_bytes(pseudo, segment)));
    std::copy(field.begin(), field.end(), segment.begin() + 16);
    EXPECT_TRUE(verifies(add_bytes(pseudo, segment)));
    EXPECT_EQ(finish(add_bytes(pseudo, segment)), Checksum{});  // zero
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      segment[bit / 8] ^= std::byte(1 << bit % 8);
      ASSERT_FALSE(verifies(add_bytes(pseudo, segment))) << "bit " << bit;
      segment[bit / 8] ^= std::byte(1 << bit % 8);
    }
  }
}

TEST(Rfc1624, TheExampleOfSection4GivesZeroAndNotItsComplement) {
  EXPECT_EQ(update(Checksum{BigEndian16{0xdd2f}}, BigEndian16{0x5555}, BigEndian16{0x3285}),
            Checksum{BigEndian16{0x0000}});
}

// Every value of a 16-bit field, each way to and from the values at the corners, below data that make the
// checksum take all values, 0x0000 among them: bit for bit what summing anew gives.
TEST(Rfc1624, EqualsSummingAnewForEvery16BitField) {
  constexpr std::uint16_t kCorners[] = {0, 1, 2, 0x00ff, 0xff00, 0x7fff, 0x8000, 0xdd2f, 0xfffe, 0xffff};
  const auto anew = [](std::uint16_t field, std::uint16_t rest) {
    const std::uint32_t sum = std::uint32_t{field} + rest;
    return Checksum{BigEndian16{static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)))}};
  };
  for (const auto rest : kCorners) {
    if (rest == 0) continue;  // all data zero does not occur below a header
    for (const auto corner : kCorners) {
      for (std::uint32_t value = 0; value <= 0xffff; ++value) {
        const auto field = static_cast<std::uint16_t>(value);
        ASSERT_EQ(update(anew(field, rest), BigEndian16{field}, BigEndian16{corner}), anew(corner, rest))
            << field << " to " << corner << " beside " << rest;
        ASSERT_EQ(update(anew(corner, rest), BigEndian16{corner}, BigEndian16{field}), anew(field, rest))
            << corner << " to " << field << " beside " << rest;
      }
    }
  }
}

TEST(Rfc1624, EqualsSummingAnewFor32BitFields) {
  constexpr std::uint32_t kCorners[] = {0,          1,          0xffff,     0x10000,
                                        0xffff0000, 0x7fffffff, 0xdeadbeef, 0xffffffff};
  for (const auto from : kCorners) {
    for (const auto to : kCorners) {
      auto data = random_bytes(40, 3);
      const auto before = bytes_of(BigEndian32{from}), after = bytes_of(BigEndian32{to});
      std::copy(before.begin(), before.end(), data.begin() + 6);
      const auto old = reference_checksum(data);
      std::copy(after.begin(), after.end(), data.begin() + 6);
      EXPECT_EQ(update(old, BigEndian32{from}, BigEndian32{to}), reference_checksum(data))
          << from << " " << to;
    }
  }
}

TEST(Rfc1624, EqualsSummingAnewForSpansOfAnyLength) {
  for (std::size_t size = 0; size <= 40; ++size) {  // an odd span is the last of its data
    auto data = random_bytes(20 + size, 5);
    const auto replacement = random_bytes(size, 9);
    const auto old = reference_checksum(data);
    const Bytes replaced(data.begin() + 20, data.end());
    std::copy(replacement.begin(), replacement.end(), data.begin() + 20);
    EXPECT_EQ(update(old, replaced, replacement), reference_checksum(data)) << size;
  }
}

TEST(Rfc1624, EqualsSummingAnewWhenASpanGrowsOrShrinks) {
  const auto head = random_bytes(20, 5), options = random_bytes(20, 6), fewer = random_bytes(12, 7);
  auto with = head, with_fewer = head;
  test::append(with, options);
  test::append(with_fewer, fewer);
  EXPECT_EQ(update(reference_checksum(with), options, fewer), reference_checksum(with_fewer));
  EXPECT_EQ(update(reference_checksum(with_fewer), fewer, options), reference_checksum(with));
  EXPECT_EQ(update(reference_checksum(with), options, {}), reference_checksum(head));
}

TEST(Rfc1624, KeepsCorruptDataCorrupt) {
  auto data = random_bytes(40, 3);
  auto corrupt = reference_checksum(data);
  corrupt = Checksum{BigEndian16{static_cast<std::uint16_t>(corrupt.wire.host() ^ 0x0400)}};
  const Bytes before(data.begin(), data.begin() + 4);
  const auto after = bytes_of({1, 2, 3, 4});
  std::copy(after.begin(), after.end(), data.begin());
  const auto updated = update(corrupt, before, after);
  EXPECT_NE(updated, reference_checksum(data));
  EXPECT_FALSE(verifies(add_bytes(add_bytes(0, data), bytes_of(updated))));
}

}  // namespace
}  // namespace synward::wire
