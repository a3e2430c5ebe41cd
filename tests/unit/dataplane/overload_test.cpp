// Mirrors dataplane/overload.hpp: when SYNs are shed.
#include "dataplane/overload.hpp"

#include <gtest/gtest.h>

namespace synward {
namespace {

constexpr std::size_t kCapacity = 4096;
constexpr std::uint64_t kStartMs = 5'000;

/// One core, whose queue comes to it in bursts of nothing but SYNs.
class Core {
 public:
  Shed burst(std::size_t frames = kBurstMax, std::size_t port = 0) {
    return burst_with(frames, frames, port);
  }
  Shed burst_with(std::size_t syns, std::size_t frames = kBurstMax, std::size_t port = 0) {
    overload.polled(port, frames, kCapacity);
    return overload.judge(syns, frames, now_ms);
  }
  /// Bursts until SYNs are shed.
  std::size_t bursts_until_shed(std::size_t frames = kBurstMax) {
    for (std::size_t n = 1; n < 10'000; ++n)
      if (burst(frames) != Shed::kNone) return n;
    return 0;
  }

  /// Nothing forgiven yet, and SYNs were shed a moment ago or not; then the queue was empty.
  void begin_in(bool is_flooded) {
    if (is_flooded) bursts_until_shed();
    burst(0);
  }

  Overload overload;
  std::uint64_t now_ms = kStartMs;
};

TEST(Overload, BeginsWhenFullBurstsWithoutAGapFillHalfOfTheQueue) {
  for (const std::size_t frames : {kBurstMax, kBurstMax - 8}) {
    Core core;
    for (int round = 0; round < 100; ++round) {  // a load that leaves the queue empty now and then
      for (std::size_t n = 0; n < kCapacity / 2 / kBurstMax - 1; ++n)
        EXPECT_EQ(core.burst(frames), Shed::kNone);
      EXPECT_EQ(core.burst(kBurstMax / 2), Shed::kNone);
    }
    EXPECT_FALSE(core.overload.is_flooded(core.now_ms));
    Core other;  // to which nothing is forgiven yet
    EXPECT_EQ(other.bursts_until_shed(frames), (kCapacity / 2 + frames - 1) / frames);
    EXPECT_TRUE(other.overload.is_flooded(other.now_ms));
  }
}

TEST(Overload, ForgivesABurstForSixteenThatWereInTime) {
  for (const std::size_t forgiven : {std::size_t{1}, std::size_t{7}, 4 * kCapacity / kBurstMax}) {
    for (const bool is_flooded : {false, true}) {
      Core core;
      core.begin_in(is_flooded);
      for (std::size_t n = 0; n < 2 * Overload::kForgivenOf * forgiven; ++n) core.burst(kBurstMax / 2);
      EXPECT_EQ(core.bursts_until_shed(), (is_flooded ? 4 : kCapacity / 2 / kBurstMax) + forgiven);
      EXPECT_EQ(core.burst(), Shed::kFirst) << "and that is it";
    }
  }
}

TEST(Overload, ForgivesNoMoreThanFourTimesWhatAQueueHolds) {
  Core core;
  for (int n = 0; n < 100'000; ++n) core.burst(kBurstMax / 2);
  EXPECT_EQ(core.bursts_until_shed(), (kCapacity / 2 + 4 * kCapacity) / kBurstMax);
  EXPECT_EQ(core.burst(), Shed::kFirst) << "what was forgiven does not count for kAny";
  core.burst(0);
  EXPECT_EQ(core.bursts_until_shed(), 4u) << "and is used up";
}

/// A core that is away now and then, and could answer twice of what comes: a full queue, and as many bursts
/// again until it is empty.
TEST(Overload, ShedsNothingOfWhatAStumblingCoreCatchesUpWith) {
  Core core;
  for (int stumbles = 0; stumbles < 200; ++stumbles) {
    for (std::size_t n = 0; n < 64 * kCapacity / kBurstMax; ++n) core.burst(kBurstMax / 2);
    for (std::size_t n = 0; n < 2 * kCapacity / kBurstMax; ++n)
      ASSERT_EQ(core.burst(), Shed::kNone) << stumbles;
  }
  EXPECT_FALSE(core.overload.is_flooded(core.now_ms));
}

/// One that gets more than it can answer finds its queue empty for a moment after it has shed.
TEST(Overload, ForgivesLittleToACoreThatIsAlwaysBehind) {
  Core core;
  core.bursts_until_shed();
  std::size_t bursts = 0, shed = 0;
  for (int rounds = 0; rounds < 1000; ++rounds) {
    core.burst(kBurstMax / 2);
    for (int n = 0; n < 20; ++n, ++bursts) shed += std::size_t{core.burst() != Shed::kNone};
  }
  EXPECT_GT(shed * 100,
            bursts * 80);  // of 20 bursts 3 are those before the fourth, and less than one is forgiven
}

TEST(Overload, EndsWithTheFirstBurstThatIsNotFull) {
  for (const std::size_t frames : {std::size_t{0}, std::size_t{1}, kBurstMax / 2}) {
    Core core;
    core.bursts_until_shed();
    EXPECT_EQ(core.burst(frames), Shed::kNone);
    EXPECT_EQ(core.burst(), Shed::kNone);
  }
}

TEST(Overload, ShedsAnyOnlyWhenThoseThatComeFirstAreNotEnough) {
  Core core;
  const std::size_t bursts = core.bursts_until_shed();
  for (std::size_t n = bursts + 1; n < 4 * kCapacity / kBurstMax; ++n) EXPECT_EQ(core.burst(), Shed::kFirst);
  for (int n = 0; n < 1000; ++n) EXPECT_EQ(core.burst(), Shed::kAny);
}

TEST(Overload, OnceFloodedFourBurstsAreEnoughForTenSeconds) {
  Core core;
  core.bursts_until_shed();
  for (const std::uint64_t later : {9'999u, 9'999u, 9'999u}) {  // each goes on from the one before
    core.now_ms += later;
    core.burst(0);
    EXPECT_EQ(core.bursts_until_shed(), 4u);
  }
  core.now_ms += Overload::kFloodedMs;
  EXPECT_FALSE(core.overload.is_flooded(core.now_ms));
  core.burst(0);
  EXPECT_EQ(core.bursts_until_shed(), kCapacity / 2 / kBurstMax);
}

TEST(Overload, IsHopelessWhenTheQueueStaysBehindForThirtyTwoTimesWhatItHolds) {
  Core core;
  core.bursts_until_shed();
  for (std::size_t n = 1; n < Overload::kHopelessOf * kCapacity / kBurstMax; ++n) {
    EXPECT_FALSE(core.overload.is_hopeless()) << n;
    EXPECT_NE(core.burst(), Shed::kNone);
  }
  EXPECT_TRUE(core.overload.is_hopeless());
  core.burst(kBurstMax, 1);
  EXPECT_FALSE(core.overload.is_hopeless()) << "the other port's queue is not";
  core.burst();
  EXPECT_TRUE(core.overload.is_hopeless());
  core.burst(0);
  EXPECT_FALSE(core.overload.is_hopeless()) << "it was found empty";
}

TEST(Overload, GivenUpIsNoneForASecondAndThenTriedAnew) {
  Core core;
  while (!core.overload.is_hopeless()) core.burst();
  core.overload.give_up(core.now_ms);
  for (int ms = 0; ms < 1000; ++ms, ++core.now_ms) {
    EXPECT_EQ(core.burst(), Shed::kNone);
    EXPECT_TRUE(core.overload.is_flooded(core.now_ms));
  }
  for (std::size_t n = 0; n < Overload::kHopelessOf * kCapacity / kBurstMax; ++n) {
    EXPECT_FALSE(core.overload.is_hopeless());
    EXPECT_EQ(core.burst(), Shed::kAny);
  }
  EXPECT_TRUE(core.overload.is_hopeless());
}

TEST(Overload, IsNoneWhereLittleOfTheLoadAreSyns) {
  Core core;
  for (int n = 0; n < 1000; ++n) EXPECT_EQ(core.burst_with(kBurstMax / 4 - 1), Shed::kNone);
  EXPECT_FALSE(core.overload.is_flooded(core.now_ms));
  EXPECT_NE(core.burst_with(kBurstMax / 4), Shed::kNone);
}

TEST(Overload, OfOnePortIsNoneOfAnother) {
  Core core;
  core.bursts_until_shed();
  for (std::size_t other = 1; other < Overload::kPorts; ++other)
    EXPECT_EQ(core.burst(kBurstMax, other), Shed::kNone) << other;
  EXPECT_EQ(core.burst(), Shed::kFirst);
}

TEST(Overload, OfASmallQueueTakesFourBurstsAsWell) {
  Overload overload;
  for (std::size_t n = 1; n < 4; ++n) {
    overload.polled(0, kBurstMax, 64);
    EXPECT_EQ(overload.judge(kBurstMax, kBurstMax, kStartMs), Shed::kNone);
  }
  overload.polled(0, kBurstMax, 64);
  EXPECT_EQ(overload.judge(kBurstMax, kBurstMax, kStartMs), Shed::kFirst);
}

}  // namespace
}  // namespace synward
