// A core that is behind sheds SYNs, nothing else, and answers them when they come again.
#include <set>
#include <string>

#include "tests/support/lab_client.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;

/// A burst of SYNs, each of another client, as it is sent again and again.
std::vector<Bytes> syns(std::size_t first = 0, std::size_t count = kBurstMax) {
  std::vector<Bytes> frames;
  for (std::size_t n = first; n < first + count; ++n) {
    FrameBuilder built;
    const std::string tail = std::to_string(n % 250 + 1);
    if (n % 2 == 0) {
      built.ipv4(ip4("203.0.112." + tail), kService4);
    } else {
      built.ipv6(ip6("2001:db8::" + tail), kService6);
    }
    built.tcp(static_cast<std::uint16_t>(1024 + n), kServicePort, TcpFlags::kSyn);
    if (n % 4 < 2) built.tcp_options(kLinuxOptions);  // as the kernels know them
    frames.push_back(built.build());
  }
  return frames;
}

class ShedSyns : public testing::TestWithParam<PipelineLab::Mode> {
 protected:
  /// As if so much had come before, without a gap, and nothing were forgiven any more.
  void fall_behind(std::size_t frames) {
    Overload& overload = lab.core.overload;
    overload.polled(0, 0, kQueue);
    for (std::size_t n = 0; n < frames / kBurstMax; ++n) overload.polled(0, kBurstMax, kQueue);
    for (const std::size_t burst : {kBurstMax, std::size_t{1}}) {
      while (overload.judge(burst, burst, lab.core.now.mono_ms) == Shed::kNone)
        overload.polled(0, kBurstMax, kQueue);
    }
  }
  void catch_up() { lab.core.overload.polled(0, 1, kQueue); }
  /// Which of the frames were shed; the others must have been answered.
  std::set<std::size_t> shed(const std::vector<Bytes>& frames) {
    std::set<std::size_t> lost;
    const auto outcomes = lab.run(frames);
    for (std::size_t n = 0; n < outcomes.size(); ++n) {
      if (outcomes[n].verdict == Route::kSend) continue;
      EXPECT_EQ(outcomes[n].reason, Drop::kOverload);
      lost.insert(n);
    }
    return lost;
  }
  std::uint64_t overloaded_cores() {
    housekeep(lab.core);
    return read(lab.core.counters)[Gauge::kOverloadedCores];
  }

  static constexpr std::size_t kQueue = 1024;
  PipelineLab lab{GetParam()};
};

TEST_P(ShedSyns, EveryClientIsAnsweredWhenItsSynComesAgain) {
  std::size_t lost_at_all = 0;
  for (std::size_t burst = 0; burst < 40; ++burst) {
    const auto frames = syns(burst * kBurstMax);
    fall_behind(kQueue / 2);
    const auto lost = shed(frames);
    lost_at_all += lost.size();
    std::vector<Bytes> again;
    again.reserve(lost.size());
    for (const std::size_t n : lost) again.push_back(frames[n]);
    lab.pass(995 + burst % 4 * 15);  // what waited in the queue may come again a little early
    fall_behind(kQueue / 2);
    EXPECT_EQ(shed(again).size(), 0u);
  }
  EXPECT_NEAR(static_cast<double>(lost_at_all), 40.0 * kBurstMax * 7 / 8, 150);
  const auto counted = read(lab.core.counters);
  EXPECT_EQ(counted[Drop::kOverload], lost_at_all);
  EXPECT_NEAR(static_cast<double>(counted[Event::kShedSynCameAgain]), 40.0 * kBurstMax * 49 / 64, 150);
}

TEST_P(ShedSyns, FarBehindOneOfEightIsStillAnsweredWhoeverItIs) {
  std::size_t lost = 0;
  for (std::size_t round = 0; round < 40; ++round) {
    fall_behind(100 * kQueue);
    lost += shed(syns()).size();
    lab.pass(1'000);
  }
  EXPECT_NEAR(static_cast<double>(lost), 40.0 * kBurstMax * 7 / 8, 150);
  EXPECT_EQ(read(lab.core.counters)[Event::kShedSynCameAgain], 0u);
}

/// What goes on as if nothing were shed, once those who are shed can neither be saved nor remembered.
TEST_P(ShedSyns, IsGivenUpForASecondWhereItIsOfNoUse) {
  const std::uint64_t now = lab.core.now.mono_ms;
  const auto go_on = [&](bool forget) {
    fall_behind(100 * kQueue);
    while (!lab.core.overload.is_hopeless()) {
      lab.core.overload.polled(0, kBurstMax, kQueue);
      (void)lab.core.overload.judge(kBurstMax, kBurstMax, lab.core.now.mono_ms);
    }
    for (std::uint64_t flow = 0; forget && !lab.core.shed_memory.is_full(lab.core.now.mono_ms); ++flow)
      lab.core.shed_memory.add(flow, lab.core.now.mono_ms);
  };
  go_on(false);
  EXPECT_NE(shed(syns()).size(), 0u) << "they are remembered";
  go_on(true);
  EXPECT_EQ(shed(syns()).size(), 0u);
  EXPECT_EQ(read(lab.core.counters)[Event::kSheddingGivenUp], 1u);
  lab.pass(999);
  for (int n = 0; n < 100; ++n) lab.core.overload.polled(0, kBurstMax, kQueue);
  EXPECT_EQ(shed(syns()).size(), 0u);
  lab.pass(1);
  fall_behind(kQueue);
  EXPECT_NE(shed(syns()).size(), 0u);
  EXPECT_EQ(read(lab.core.counters)[Event::kSheddingGivenUp], 1u);
  EXPECT_EQ(lab.core.now.mono_ms, now + 1'000);
}

TEST_P(ShedSyns, NothingElseEnds) {
  LabClient<wire::Family::kIpv4> client{lab};
  client.ask();
  const auto frames = syns(0, kBurstMax - 1);
  fall_behind(100 * kQueue);
  std::vector<Bytes> burst = frames;
  burst.push_back(client.ack());
  const auto outcomes = lab.run(burst);
  EXPECT_NE(outcomes.back().verdict, Route::kDrop);
  EXPECT_EQ(read(lab.core.counters)[Event::kPromoted], 1u);
  EXPECT_GT(read(lab.core.counters)[Drop::kOverload], 20u);
}

TEST_P(ShedSyns, WhatAnotherCoreHandedOverWasNotInTheQueueThatIsBehind) {
  fall_behind(100 * kQueue);
  for (const Outcome& outcome : lab.run(syns(), true)) EXPECT_NE(outcome.verdict, Route::kDrop);
}

TEST_P(ShedSyns, ACoreThatIsNotBehindAnswersAllAndTheGaugeSaysWhichItWas) {
  EXPECT_EQ(shed(syns()).size(), 0u);
  EXPECT_EQ(overloaded_cores(), 0u);
  fall_behind(kQueue / 2);
  EXPECT_NE(shed(syns()).size(), 0u);
  EXPECT_EQ(overloaded_cores(), 1u);
  catch_up();
  EXPECT_EQ(shed(syns()).size(), 0u);
  EXPECT_EQ(overloaded_cores(), 1u);
  lab.pass(10'000);
  EXPECT_EQ(overloaded_cores(), 0u);
}

/// Of every layout, also those that another core sent here to ask a backend. What a cookie promised holds.
TEST_P(ShedSyns, AllWhileTheCoreIsDrainingAndNothingElse) {
  LabClient<wire::Family::kIpv4> client{lab};
  client.ask();
  lab.core.drain(true);
  lab.core.take_orders();
  for (const bool taken_over : {false, true}) {
    for (const Outcome& outcome : lab.run(syns(), taken_over)) EXPECT_EQ(outcome.reason, Drop::kDraining);
  }
  EXPECT_EQ(lab.run(client.ack()).verdict,
            GetParam() == PipelineLab::Mode::kInline ? Route::kHold : Route::kForward);
  lab.core.drain(false);
  lab.core.take_orders();
  EXPECT_EQ(shed(syns()).size(), 0u);
  EXPECT_EQ(read(lab.core.counters)[Event::kPromoted], 1u);
}

INSTANTIATE_TEST_SUITE_P(Mode, ShedSyns,
                         testing::Values(PipelineLab::Mode::kEndpoint, PipelineLab::Mode::kInline),
                         [](const auto& mode) {
                           return mode.param == PipelineLab::Mode::kInline ? "Inline" : "Endpoint";
                         });

}  // namespace
}  // namespace synward::test
