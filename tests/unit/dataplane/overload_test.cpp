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
    EXPECT_EQ(core.bursts_until_shed(frames), (kCapacity / 2 + frames - 1) / frames);
    EXPECT_TRUE(core.overload.is_flooded(core.now_ms));
  }
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
