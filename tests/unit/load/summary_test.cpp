// Mirrors bench/load/trial/summary.hpp and intervals.hpp: what a record comes to.
#include "bench/load/trial/summary.hpp"

#include <array>
#include <numeric>

#include <gtest/gtest.h>

#include "bench/load/trial/intervals.hpp"
#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

using test::kSecondUs;
using test::trial_record;

TEST(Timelines, WhatIsAtTheEndOfAPhaseBelongsToTheNext) {
  constexpr Timeline all{10, 20, 30}, no_baseline{0, 20, 0}, quiet{10, 0, 0};
  EXPECT_EQ(all.phase_at(9), Phase::kBaseline);
  EXPECT_EQ(all.phase_at(10), Phase::kAttack);
  EXPECT_EQ(all.phase_at(29), Phase::kAttack);
  EXPECT_EQ(all.phase_at(30), Phase::kRecovery);
  EXPECT_EQ(all.phase_at(1000), Phase::kRecovery);
  EXPECT_EQ(no_baseline.phase_at(0), Phase::kAttack);
  EXPECT_EQ(no_baseline.phase_at(20), Phase::kAttack);
  EXPECT_EQ(quiet.phase_at(10), Phase::kBaseline);
  EXPECT_EQ(all.begin_of(Phase::kRecovery), 30u);
  EXPECT_EQ(all.end_of(Phase::kRecovery), 60u);
}

TEST(Latencies, AreNearestRanks) {
  std::vector<std::uint32_t> us(1000);
  std::iota(us.rbegin(), us.rend(), 1u);
  const Latency latency = latency_of(us);
  EXPECT_EQ(latency.count, 1000u);
  EXPECT_EQ(latency.p50_us, 500u);
  EXPECT_EQ(latency.p90_us, 900u);
  EXPECT_EQ(latency.p99_us, 990u);
  EXPECT_EQ(latency.p999_us, 999u);
  EXPECT_EQ(latency.max_us, 1000u);
  std::vector<std::uint32_t> none, one{7};
  EXPECT_EQ(latency_of(none).count, 0u);
  EXPECT_EQ(latency_of(one).p50_us, 7u);
  EXPECT_EQ(latency_of(one).p999_us, 7u);
}

TEST(Summaries, ClientsBelongToThePhaseOfTheirIntendedTime) {
  const auto phases = summarize(trial_record());
  ASSERT_EQ(phases.size(), 3u);
  for (const auto& phase : phases) {
    EXPECT_EQ(phase.clients, 20u);
    EXPECT_DOUBLE_EQ(phase.seconds, 2);
  }
  EXPECT_DOUBLE_EQ(phases[0].success(), 100);
  EXPECT_DOUBLE_EQ(phases[0].first_syn_success(), 100);
  EXPECT_EQ(phases[0].syn_ack.p50_us, 5000u);
  EXPECT_EQ(phases[0].syn_ack.max_us, 10'000u);
  EXPECT_DOUBLE_EQ(phases[1].success(), 50);
  EXPECT_DOUBLE_EQ(phases[1].first_syn_success(), 40);
  EXPECT_EQ(phases[1].outcomes[std::size_t(Outcome::kNoSynAck)], 6u);
  EXPECT_EQ(phases[1].outcomes[std::size_t(Outcome::kReset)], 4u);
  EXPECT_EQ(phases[1].syn_ack.count, 10u);
  EXPECT_EQ(phases[1].syn_ack.max_us, 1'004'000u);
  EXPECT_DOUBLE_EQ(phases[2].success(), 100);
}

TEST(Summaries, CountsAreOfThePhaseAndLateSynAcksOfTheAttack) {
  const auto phases = summarize(trial_record());
  EXPECT_EQ(phases[0].counts.sent, 80u);
  EXPECT_EQ(phases[1].counts.sent, 2080u);
  EXPECT_EQ(phases[1].counts.syn_acks, 1800u);
  EXPECT_EQ(phases[2].counts.syn_acks, 100u);
  EXPECT_DOUBLE_EQ(phases[1].syn_acks_per_syn(), 0.95);
  EXPECT_DOUBLE_EQ(phases[1].per_second(phases[1].counts.syns_sent), 1000);
  EXPECT_DOUBLE_EQ(phases[0].syn_acks_per_syn(), 0);
}

TEST(Summaries, PhasesThatTakeNoTimeOrNeverBeganAreLeftOut) {
  Record record = trial_record();
  record.samples.resize(4);  // cut off after three seconds
  record.interrupted = true;
  for (std::size_t n = 28; n < record.clients.size(); ++n)
    record.clients[n] = {record.clients[n].intended_us};
  const auto phases = summarize(record);
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_DOUBLE_EQ(phases[1].seconds, 1);
  EXPECT_EQ(phases[1].clients, 8u);
  EXPECT_EQ(phases[1].outcomes[std::size_t(Outcome::kUnderWay)], 12u);
  EXPECT_DOUBLE_EQ(phases[1].success(), 62.5);  // 5 of 8
  record.timeline.baseline_us = 0;
  EXPECT_EQ(summarize(record).front().phase, Phase::kAttack);
  EXPECT_TRUE(summarize(Record{}).empty());
}

TEST(Summaries, WhoIsConnectedAndUnclosedIsCounted) {
  Record record = trial_record();
  record.clients[3].closed = false;
  EXPECT_EQ(summarize(record)[0].unclosed, 1u);
  EXPECT_EQ(summarize(record)[1].unclosed, 0u) << "failures close nothing";
}

TEST(Saturation, IsAHundredthOfTheAttackUnsent) {
  PhaseSummary phase{.counts = {.attack_due = 1000, .attack_sent = 991}};
  EXPECT_FALSE(phase.saturated());
  phase.counts.attack_sent = 990;
  EXPECT_TRUE(phase.saturated());
  phase.counts = {.attack_due = 0, .attack_sent = 0};
  EXPECT_FALSE(phase.saturated());
  phase.counts = {.attack_due = 10, .attack_sent = 12};  // behind a boundary
  EXPECT_FALSE(phase.saturated());
}

TEST(Saturation, IsClientsThatBeganAMillisecondLateOrNever) {
  PhaseSummary phase;
  phase.late = {.count = 1000, .p99_us = 999, .max_us = 50'000};
  EXPECT_FALSE(phase.saturated());
  phase.late.p99_us = 1000;
  EXPECT_TRUE(phase.saturated());
  phase.late.p99_us = 0;
  phase.outcomes[std::size_t(Outcome::kNoTuple)] = 1;
  EXPECT_TRUE(phase.saturated());
}

TEST(Intervals, AreThoseBetweenSamples) {
  const auto seconds = intervals(trial_record());
  ASSERT_EQ(seconds.size(), 6u);
  EXPECT_EQ(seconds[1].from_us, kSecondUs);
  EXPECT_EQ(seconds[1].phase, Phase::kBaseline);
  EXPECT_EQ(seconds[2].phase, Phase::kAttack);
  EXPECT_EQ(seconds[2].clients, 10u);
  EXPECT_EQ(seconds[2].succeeded, 5u);
  EXPECT_EQ(seconds[2].first_syn, 4u);
  EXPECT_EQ(seconds[2].syn_ack_p50_us, 3000u);
  EXPECT_EQ(seconds[2].syn_ack_p99_us, 1'004'000u);
  EXPECT_EQ(seconds[2].first_byte_p99_us, std::nullopt);
  EXPECT_EQ(seconds[2].counts.attack_sent, 1000u);
  EXPECT_EQ(seconds[4].counts.syn_acks, 100u);
}

TEST(Intervals, OfAPhaseHoldItsClientsWhenSamplesAreLate) {
  Record record = trial_record();
  for (std::size_t n = 1; n < record.samples.size(); ++n) record.samples[n].at_us += 150'000;
  std::array<std::uint64_t, 3> clients{};
  for (const Interval& interval : intervals(record)) {
    if (interval.phase) clients.at(std::size_t(*interval.phase)) += interval.clients;
  }
  // Sample 2 is 150 ms late: two clients of the attack were to come by then.
  EXPECT_EQ(clients, (std::array<std::uint64_t, 3>{20, 20, 20}));
  EXPECT_EQ(intervals(record)[0].clients, 12u) << "within a phase it is the sample that counts";
}

TEST(Intervals, BehindTheLastPhaseBelongToNone) {
  Record record = trial_record();
  record.samples.push_back(record.samples.back());
  record.samples.back().at_us += 700'000;
  const auto last = intervals(record).back();
  EXPECT_EQ(last.phase, std::nullopt);
  EXPECT_EQ(last.clients, 0u);
  EXPECT_TRUE(intervals(Record{}).empty());
}

}  // namespace
}  // namespace synward::load
