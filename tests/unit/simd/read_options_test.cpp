// Mirrors dataplane/simd/read_options.hpp: what the kernels read of a SYN without a walk is what
// wire::parse_tcp_options(), which walks, reads of it.
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/simd/kernels.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/kernel_isas.hpp"

namespace synward::simd {
namespace {

using test::Bytes;
using test::bytes_of;

struct Terms {
  std::uint32_t offered, tsval;
  friend bool operator==(const Terms&, const Terms&) = default;
};
std::ostream& operator<<(std::ostream& out, const Terms& terms) {
  return out << std::hex << terms.offered << ' ' << terms.tsval;
}

constexpr std::uint16_t kDefaultMss = 536;
constexpr int kRounds = 60'000;  // lists at random: a second each under sanitizers
constexpr std::uint8_t kEcn = wire::TcpFlags::kEce | wire::TcpFlags::kCwr;

/// A header with `list` behind it, and behind that what would count if it were still part of it.
Bytes header_with(const Bytes& list, std::uint8_t flags) {
  Bytes header(sizeof(wire::TcpHeader));
  auto& tcp = wire::overlay<wire::TcpHeader>(header.data());
  tcp.offset_and_reserved = wire::TcpHeader::offset_of(sizeof tcp + list.size()) | 0x0f;
  tcp.flags = flags;
  header.insert(header.end(), list.begin(), list.end());
  while (header.size() < kOptionsRead) {
    const Bytes more = bytes_of({2, 4, 1, 2, 3, 3, 5, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8});
    header.insert(header.end(), more.begin(), more.end());
  }
  header.resize(kOptionsRead);
  header.shrink_to_fit();  // ASan sees one byte too far
  return header;
}

Terms walked(const Bytes& list, std::uint8_t flags) {
  const auto options = wire::parse_tcp_options(list);
  const auto stamps = options.timestamps();
  std::uint32_t offered = std::uint32_t{options.mss().value_or(kDefaultMss)} << SynTerms::kMssBit;
  offered |= static_cast<std::uint32_t>((sizeof(wire::TcpHeader) + list.size()) / 4) << SynTerms::kOffsetBit;
  if (options.window_scale())
    offered |= SynTerms::kScale | std::uint32_t{*options.window_scale()} << SynTerms::kShiftBit;
  if (options.sack_permitted()) offered |= SynTerms::kSack;
  if (stamps) offered |= SynTerms::kTimestamps;
  if ((flags & kEcn) == kEcn) offered |= SynTerms::kEcn;
  return {offered, stamps ? std::bit_cast<std::uint32_t>(wire::BigEndian32{stamps->tsval}) : 0};
}

class ReadOptions : public testing::TestWithParam<Isa> {
 protected:
  /// Of a SYN without timestamps its TSval is of no meaning.
  Terms read(const Bytes& list, std::uint8_t flags) {
    const Bytes header = header_with(list, flags);
    constexpr std::uint8_t kLane = 61;
    std::array<const std::byte*, SynBatch::kMax> tcp{};
    tcp[kLane] = header.data();
    kernels_of(GetParam())->read({tcp.data(), &kLane, 1, kDefaultMss}, *batch_);
    const std::uint32_t offered = batch_->offered[kLane];
    return {offered, (offered & SynTerms::kTimestamps) != 0 ? batch_->tsval[kLane] : 0};
  }
  static std::optional<wire::TcpTimestamps> timestamps(const Bytes& list, std::uint8_t flags) {
    const Bytes header = header_with(list, flags);
    wire::TcpTimestamps found{};
    return kernels_of(GetParam())->timestamps(header.data(), found) ? std::optional{found} : std::nullopt;
  }
  void expect_same(const Bytes& list, std::uint8_t flags = wire::TcpFlags::kSyn) {
    ASSERT_EQ(list.size() % 4, 0u);
    ASSERT_EQ(read(list, flags), walked(list, flags)) << testing::PrintToString(list);
    ASSERT_EQ(timestamps(list, flags), wire::parse_tcp_options(list).timestamps())
        << testing::PrintToString(list);
  }

 private:
  std::unique_ptr<SynBatch> batch_ = std::make_unique<SynBatch>();
};

/// As many of `parts` as go into `bytes`, one after the other; the rest is zeros, or a part cut short.
template <typename Next>
Bytes list_of(std::size_t bytes, Next&& next) {
  Bytes list;
  while (list.size() < bytes) {
    const Bytes part = next();
    list.insert(list.end(), part.begin(), part.end());
  }
  list.resize(bytes);
  return list;
}

TEST_P(ReadOptions, OfOneKindAgainAndAgain) {
  const Bytes kParts[] = {bytes_of({1}),
                          bytes_of({0}),
                          bytes_of({4, 2}),
                          bytes_of({1, 4, 2}),
                          bytes_of({1, 1, 4, 2}),
                          bytes_of({99, 2}),
                          bytes_of({1, 99, 2}),
                          bytes_of({1, 1, 1, 99, 2}),
                          bytes_of({3, 3, 255}),
                          bytes_of({2, 4, 5, 6}),
                          bytes_of({8, 10, 1, 2, 3, 4, 5, 6, 7, 8}),
                          bytes_of({5, 10, 2, 4, 8, 10, 3, 3, 4, 2}),
                          bytes_of({34, 6, 2, 4, 8, 10}),
                          bytes_of({99, 40}),
                          bytes_of({99, 41}),
                          bytes_of({99, 255}),
                          bytes_of({2, 0}),
                          bytes_of({2, 1}),
                          bytes_of({18, 4, 5, 6}),    // a known kind and 16
                          bytes_of({130, 4, 5, 6})};  // and 128
  const Bytes kBehind[] = {{}, bytes_of({4, 2}), bytes_of({2, 4, 1, 2, 3, 3, 9, 8, 10, 1, 2, 3, 4})};
  for (const Bytes& part : kParts) {
    for (const Bytes& behind : kBehind) {
      for (std::size_t bytes = 0; bytes <= wire::kMaxTcpOptionBytes; bytes += 4) {
        for (std::size_t repeated = 0; repeated <= bytes; ++repeated) {
          std::size_t n = 0;
          expect_same(list_of(bytes, [&] { return n++ < repeated || behind.empty() ? part : behind; }));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

/// Bytes that are often kinds and lengths, so that chains are long and end anywhere.
TEST_P(ReadOptions, OfBytesAtRandom) {
  std::mt19937 random{41};
  constexpr std::array<std::uint8_t, 16> kOften{0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 8, 10, 10, 34, 99};
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    const std::uint32_t rare = 1 + below(64);
    const Bytes list = list_of(4 * below(11), [&] {
      const std::uint32_t byte = below(rare) == 0 ? below(256) : kOften[below(kOften.size())];
      return Bytes{static_cast<std::byte>(byte)};
    });
    expect_same(list, static_cast<std::uint8_t>(wire::TcpFlags::kSyn | below(256)));
  }
}

TEST_P(ReadOptions, OfProperOptionsInAnyOrder) {
  std::mt19937 random{42};
  const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const Bytes kParts[] = {bytes_of({1}),          bytes_of({2, 4, 5, 180}),
                          bytes_of({3, 3, 7}),    bytes_of({4, 2}),
                          bytes_of({0}),          bytes_of({8, 10, 9, 8, 7, 6, 5, 4, 3, 2}),
                          bytes_of({99, 3, 255}), bytes_of({34, 2})};
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    expect_same(list_of(4 * below(11), [&] {
      Bytes part = kParts[below(std::size(kParts) - (below(8) == 0 ? 0 : 3))];
      if (part.size() > 2) part.back() = static_cast<std::byte>(below(256));
      return part;
    }));
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, ReadOptions, testing::ValuesIn(test::kernel_isas()),
                         [](const auto& with) { return std::string{name_of(with.param)}; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReadOptions);  // a CPU without any

}  // namespace
}  // namespace synward::simd
