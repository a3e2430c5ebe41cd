// The impairment device's decisions: what becomes of each frame, and when.
#include "tests/impair/impairment.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/expect_frame.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::impair {
namespace {

using namespace std::chrono_literals;
using test::FrameBuilder;
using test::ip4;
using test::ip6;
using wire::TcpFlags;

constexpr std::uint8_t kSynAck = TcpFlags::kSyn | TcpFlags::kAck, kFinAck = TcpFlags::kFin | TcpFlags::kAck;
constexpr Clock::time_point kNow{1'000s};
constexpr std::uint64_t kManyFrames = 100'000;

FrameBuilder packet4() { return FrameBuilder{}.ipv4(ip4("198.18.0.1"), ip4("198.18.0.10")); }
FrameBuilder packet6() { return FrameBuilder{}.ipv6(ip6("2001:2::1"), ip6("2001:2::10")); }
FrameBuilder segment(std::uint8_t flags) { return packet4().tcp(40'000, 443, flags); }
/// The frames of a test differ in their sequence numbers.
Frame numbered(std::uint32_t seq) {
  return segment(TcpFlags::kAck).seq(seq).payload("0123456789abcdef").build();
}
std::uint32_t number_of(const Frame& frame) {
  return wire::overlay<wire::TcpHeader>(frame.data() + sizeof(wire::EthernetHeader) +
                                        sizeof(wire::Ipv4Header))
      .seq.host();
}

/// What leaves, in the order in which it does, when one numbered frame comes every `gap`.
std::vector<Departure> sent(const Settings& settings, std::uint32_t frames, std::chrono::nanoseconds gap,
                            Direction direction = Direction::kAToB) {
  Impairment impairment{settings, direction};
  std::vector<Departure> all;
  for (std::uint32_t i = 0; i < frames; ++i) {
    for (auto& departure : impairment.pass(numbered(i), kNow + i * gap)) all.push_back(std::move(departure));
  }
  std::ranges::stable_sort(all, {}, &Departure::when);
  return all;
}

std::vector<std::uint32_t> numbers(const std::vector<Departure>& departures) {
  std::vector<std::uint32_t> all;
  all.reserve(departures.size());
  for (const auto& departure : departures) all.push_back(number_of(departure.frame));
  return all;
}

int bits_that_differ(const Frame& one, const Frame& other) {
  EXPECT_EQ(one.size(), other.size());
  int bits = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    bits += std::popcount(std::to_integer<std::uint8_t>(one[i] ^ other[i]));
  return bits;
}

// Rules.

class EachKind : public testing::TestWithParam<Kind> {};

/// Two flows' worth of every kind in turn, each frame with a number of its own, from 0.
std::vector<Frame> mixed_traffic(std::uint32_t rounds) {
  std::vector<Frame> frames;
  for (std::uint32_t seq = 0; seq < rounds * kCountOf<Kind>;) {
    for (const auto flags :
         {TcpFlags::kSyn, kSynAck, TcpFlags::kAck, TcpFlags::kAck, kFinAck, TcpFlags::kRst}) {
      const bool text = seq % kCountOf<Kind> == std::size_t(Kind::kData);
      frames.push_back(segment(flags).seq(seq++).payload(text ? "text" : "").build());
    }
    frames.push_back(packet4().echo_request(1, 1).build());  // counts as nothing
  }
  return frames;
}

TEST_P(EachKind, DropHitsExactlyTheNthOfItsKindAndDirection) {
  constexpr std::uint64_t kNth = 3;
  Settings settings;
  settings.rules = {{Action::kDrop, Direction::kAToB, GetParam(), kNth}};
  Impairment there{settings, Direction::kAToB}, back{settings, Direction::kBToA};
  const std::uint32_t wanted = (kNth - 1) * kCountOf<Kind> + std::uint32_t(GetParam());
  for (const Frame& frame : mixed_traffic(5)) {
    const bool hit = kind_of(frame) && number_of(frame) == wanted;
    const auto out = there.pass(frame, kNow);
    ASSERT_EQ(out.size(), hit ? 0u : 1u) << number_of(frame);
    EXPECT_TRUE(hit || test::same_frame(out[0].frame, frame));
    EXPECT_EQ(back.pass(frame, kNow).size(), 1u);
  }
  EXPECT_EQ(there.counts()[Count::kDropped], 1u);
  EXPECT_EQ(there.counts()[Count::kLost], 0u);
  EXPECT_EQ(back.counts()[Count::kDropped], 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, EachKind,
                         testing::Values(Kind::kSyn, Kind::kSynAck, Kind::kAck, Kind::kData, Kind::kFin,
                                         Kind::kRst),
                         [](const auto& test) {
                           std::string name{kKinds[std::size_t(test.param)].label};
                           std::erase(name, '-');
                           return name;
                         });

TEST(Rules, OfOneSegmentAllHold) {
  Settings settings;
  for (const auto action : {Action::kDuplicate, Action::kCorrupt, Action::kDelay})
    settings.rules.push_back({action, Direction::kAToB, Kind::kData, 2, 70ms});
  settings.delay = 10ms;
  Impairment impairment{settings, Direction::kAToB};
  ASSERT_EQ(impairment.pass(numbered(0), kNow).size(), 1u);
  const auto out = impairment.pass(numbered(1), kNow);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].when, kNow + 80ms);
  EXPECT_EQ(bits_that_differ(out[0].frame, numbered(1)), 1);
  EXPECT_EQ(out[1].when, kNow + 10ms);
  EXPECT_TRUE(test::same_frame(out[1].frame, numbered(1)));
  for (const auto what : {Count::kDuplicated, Count::kCorrupted, Count::kDelayed})
    EXPECT_EQ(impairment.counts()[what], 1u);
  EXPECT_EQ(impairment.counts()[Count::kReordered], 0u);
}

TEST(Rules, CountEverySegmentFromOneAlsoThoseThatAreLost) {
  Settings settings{.chances = {.lose = 1}, .rules = {{Action::kDrop, Direction::kAToB, Kind::kData, 3}}};
  Impairment impairment{settings, Direction::kAToB};
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(impairment.pass(numbered(i), kNow).empty());
  EXPECT_EQ(impairment.counts()[Count::kLost], 3u);
  EXPECT_EQ(impairment.counts()[Count::kDropped], 1u);
}

// Chances.

const Chances kSomeOfAll{.lose = 0.05, .duplicate = 0.05, .reorder = 0.05, .corrupt = 0.05};

bool same(const std::vector<Departure>& one, const std::vector<Departure>& other) {
  return std::ranges::equal(one, other, [](const Departure& a, const Departure& b) {
    return a.when == b.when && a.frame == b.frame;
  });
}

TEST(Chances, TheSameSeedHasTheSameResultAndAnotherSeedAnother) {
  const Settings settings{.seed = 7, .chances = kSomeOfAll};
  const auto first = sent(settings, 2'000, 100us);
  EXPECT_TRUE(same(first, sent(settings, 2'000, 100us)));
  EXPECT_FALSE(same(first, sent({.seed = 8, .chances = kSomeOfAll}, 2'000, 100us)));
  EXPECT_FALSE(same(first, sent({.seed = 7 + (1ull << 63), .chances = kSomeOfAll}, 2'000, 100us)));
  EXPECT_FALSE(same(first, sent(settings, 2'000, 100us, Direction::kBToA)));
}

TEST(Chances, AreTheSameOnEveryMachine) {
  const auto left = numbers(sent({.seed = 1, .chances = {.lose = 0.5}}, 16, 1us));
  EXPECT_EQ(left, (std::vector<std::uint32_t>{0, 1, 3, 6, 8, 11}));
}

TEST(Chances, OneMoreDoesNotChangeWhatIsLost) {
  const Settings settings{.chances = {.lose = 0.1}};
  const auto alone = numbers(sent(settings, 5'000, 100us));
  auto among = numbers(sent({.chances = {.lose = 0.1, .duplicate = 0.3, .reorder = 0.3}}, 5'000, 100us));
  std::ranges::sort(among);
  among.erase(std::unique(among.begin(), among.end()), among.end());
  EXPECT_EQ(among, alone);
}

/// Five standard deviations of a binomial distribution: wrong once in two million.
void expect_rate(std::uint64_t happened, double chance) {
  const double expected = double(kManyFrames) * chance;
  EXPECT_NEAR(double(happened), expected, 5 * std::sqrt(expected * (1 - chance)));
}

TEST(Chances, RatesAreThoseAskedFor) {
  for (const auto direction : {Direction::kAToB, Direction::kBToA}) {
    Impairment impairment{{.chances = {.lose = 0.01, .duplicate = 0.02, .reorder = 0.03, .corrupt = 0.001}},
                          direction};
    const Frame frame = numbered(0);
    std::uint64_t out = 0;
    for (std::uint64_t i = 0; i < kManyFrames; ++i) out += impairment.pass(frame, kNow).size();
    const Counts& counts = impairment.counts();
    EXPECT_EQ(counts[Count::kReceived], kManyFrames);
    EXPECT_EQ(out, kManyFrames + counts[Count::kDuplicated] - counts[Count::kLost]);
    expect_rate(counts[Count::kLost], 0.01);
    // Of those that are not lost:
    expect_rate(counts[Count::kDuplicated], 0.02 * 0.99);
    expect_rate(counts[Count::kReordered], 0.03 * 0.99);
    expect_rate(counts[Count::kCorrupted], 0.001 * 0.99);
  }
}

TEST(Chances, NoneAndAllAreExact) {
  EXPECT_EQ(sent({}, 10'000, 1us).size(), 10'000u);
  EXPECT_TRUE(sent({.chances = {.lose = 1}}, 10'000, 1us).empty());
  EXPECT_EQ(sent({.chances = {.duplicate = 1}}, 10'000, 1us).size(), 20'000u);
}

TEST(Chances, HoldInOneDirectionWhenToldSo) {
  const Settings settings{.chances = {.lose = 1}, .only = Direction::kBToA, .delay = 5ms};
  const auto there = sent(settings, 1, 1us);
  ASSERT_EQ(there.size(), 1u);
  EXPECT_EQ(there[0].when, kNow + 5ms);  // which is no chance
  EXPECT_TRUE(sent(settings, 1, 1us, Direction::kBToA).empty());
}

// What each impairment does to a frame.

struct PacketCase {
  std::string_view name;
  Frame frame;
  std::size_t begin, end;  // where a bit may flip; nowhere when they are equal
};

class Corrupt : public testing::TestWithParam<PacketCase> {};

TEST_P(Corrupt, FlipsExactlyOneBitOfTheIpPacketAndAnyOfThem) {
  const auto& [name, frame, begin, end] = GetParam();
  Impairment impairment{{.chances = {.corrupt = 1}}, Direction::kAToB};
  std::set<std::size_t> hit;
  for (int i = 0; i < 5'000; ++i) {
    const auto out = impairment.pass(frame, kNow);
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(bits_that_differ(out[0].frame, frame), begin == end ? 0 : 1);
    const auto [at, _] = std::ranges::mismatch(out[0].frame, frame);
    if (begin != end) hit.insert(static_cast<std::size_t>(at - out[0].frame.begin()));
  }
  EXPECT_EQ(hit.size(), end - begin);
  EXPECT_TRUE(hit.empty() || *hit.begin() == begin);
  EXPECT_EQ(impairment.counts()[Count::kCorrupted], begin == end ? 0u : 5'000u);
}

const PacketCase kPacketCases[] = {
    {.name = "Ipv4", .frame = numbered(0), .begin = 14, .end = 14 + 56},
    {.name = "Padded",
     .frame = segment(TcpFlags::kSyn).pad_to(test::kShortestFrame).build(),
     .begin = 14,
     .end = 14 + 40},
    {.name = "Ipv6", .frame = packet6().tcp(1, 2, TcpFlags::kSyn).build(), .begin = 14, .end = 14 + 60},
    {.name = "TwoTags",
     .frame = segment(TcpFlags::kSyn).vlan(1).vlan(2).build(),
     .begin = 22,
     .end = 22 + 40},
    {.name = "Arp",
     .frame = FrameBuilder{}.arp_request(ip4("198.18.0.1"), ip4("198.18.0.10")).build(),
     .begin = 0,
     .end = 0},
    {.name = "Runt", .frame = Frame(13), .begin = 0, .end = 0},
};
INSTANTIATE_TEST_SUITE_P(Frames, Corrupt, testing::ValuesIn(kPacketCases),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(Duplicate, SendsTheFrameTwiceAndACopyIsNeverCorrupt) {
  Impairment impairment{{.chances = {.duplicate = 1, .corrupt = 1}}, Direction::kAToB};
  const auto out = impairment.pass(numbered(1), kNow);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(bits_that_differ(out[0].frame, numbered(1)), 1);
  EXPECT_TRUE(test::same_frame(out[1].frame, numbered(1)));
}

TEST(Delay, IsTheSameForEveryFrameAndKeepsTheOrder) {
  const auto departures = sent({.delay = 150ms}, 1'000, 7us);
  ASSERT_EQ(departures.size(), 1'000u);
  for (std::uint32_t i = 0; i < departures.size(); ++i) {
    EXPECT_EQ(departures[i].when, kNow + i * 7us + 150ms);
    EXPECT_EQ(number_of(departures[i].frame), i);
  }
}

TEST(Reorder, LosesNothingAndLetsOthersOvertake) {
  const auto departures = sent({.chances = {.reorder = 0.1}, .delay = 20ms}, 5'000, 100us);
  auto order = numbers(departures);
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::uint32_t late = 0;
  for (const auto& [when, frame] : departures) {
    const auto hold = when - (kNow + number_of(frame) * 100us + 20ms);
    if (hold == 0ns) continue;
    EXPECT_GE(hold, kLeastHold);
    EXPECT_LE(hold, kMostHold);
    ++late;
  }
  EXPECT_NEAR(late, 500, 110);
  std::ranges::sort(order);
  ASSERT_EQ(order.size(), 5'000u);
  for (std::uint32_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
}

}  // namespace
}  // namespace synward::impair
