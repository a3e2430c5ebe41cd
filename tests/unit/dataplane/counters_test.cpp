// Mirrors dataplane/counters.hpp.
#include "dataplane/counters.hpp"

#include <gtest/gtest.h>

namespace synward {
namespace {

std::size_t at(Route r) { return static_cast<std::size_t>(r); }
std::size_t at(Drop d) { return static_cast<std::size_t>(d); }

/// Five in, five out, one of each verdict but kForward twice.
void fill(Counters& counters) {
  counters.rx.add(5);
  counters.taken_over.add(1);
  for (const Route r : {Route::kSend, Route::kHold, Route::kHandOver, Route::kDrop})
    counters.route[at(r)].add(1);
  counters.route[at(Route::kForward)].add(2);
  counters.drop[at(Drop::kTxFull)].add(1);
  counters.held_now.set(1);
}

TEST(Counters, BalanceWhenEveryFrameEndedOnceAndEveryDropHasAReason) {
  Counters counters;
  EXPECT_TRUE(read(counters).balances());
  fill(counters);
  EXPECT_TRUE(read(counters).balances());
}

TEST(Counters, DoNotBalanceWhenAFrameIsLostOrADropUnexplainedOrAHeldPacketForgotten) {
  Counters lost, unexplained, forgotten, nameless;
  for (auto* counters : {&lost, &unexplained, &forgotten, &nameless}) fill(*counters);
  lost.rx.add(1);
  EXPECT_FALSE(read(lost).balances());
  unexplained.rx.add(1);
  unexplained.route[at(Route::kDrop)].add(1);
  EXPECT_FALSE(read(unexplained).balances());
  forgotten.held_now.set(0);
  EXPECT_FALSE(read(forgotten).balances());
  nameless.rx.add(1);
  nameless.route[at(Route::kDrop)].add(1);
  nameless.drop[at(Drop::kNone)].add(1);
  EXPECT_FALSE(read(nameless).balances());
}

TEST(Counters, AddUpOverCores) {
  Counters one, other;
  fill(one);
  fill(other);
  CounterReading sum = read(one);
  sum += read(other);
  EXPECT_EQ(sum.rx, 10u);
  EXPECT_EQ(sum[Route::kForward], 4u);
  EXPECT_EQ(sum[Drop::kTxFull], 2u);
  EXPECT_EQ(sum.held_now, 2u);
  EXPECT_TRUE(sum.balances());
}

TEST(Timing, BucketsHoldTheirUpperBound) {
  constexpr std::uint8_t kFirst = 4;
  EXPECT_EQ(timing_bucket(0, kFirst), 0u);
  for (std::size_t b = 0; b + 1 < kTimingBuckets; ++b) {
    const std::uint64_t bound = std::uint64_t{1} << (kFirst + b);
    EXPECT_EQ(timing_bucket(bound, kFirst), b);
    EXPECT_EQ(timing_bucket(bound + 1, kFirst), b + 1);
  }
  EXPECT_EQ(timing_bucket(~std::uint64_t{0}, kFirst), kTimingBuckets - 1);
}

TEST(Timing, IsRecordedReadAndSummed) {
  Counters counters;
  counters.record(Timing::kBackendRoundTrip, 17);
  counters.record(Timing::kBackendRoundTrip, 16);
  CounterReading both = read(counters);
  both += read(counters);
  const auto& timing = both.timing[std::size_t(Timing::kBackendRoundTrip)];
  EXPECT_EQ(timing.count[0], 2u);
  EXPECT_EQ(timing.count[1], 2u);
  EXPECT_EQ(timing.sum, 66u);
}

}  // namespace
}  // namespace synward
