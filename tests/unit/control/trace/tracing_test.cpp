// Mirrors control/trace/tracing.hpp: one at a time, no longer than somebody asks, and nothing is freed that a
// worker may use.
#include "control/trace/tracing.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lab_client.hpp"

namespace synward::control {
namespace {

using test::FrameBuilder;
using test::kClient4;
using test::kService4;
using test::kServicePort;
using test::kStartMs;

class TracingTest : public testing::Test {
 protected:
  TracingTest() {
    for (std::size_t n = 0; n < memory_.size(); ++n) {
      cores_.push_back(std::make_unique<CoreState>(keys_, *policy_, memory_[n].plan));
      cores_.back()->ports = ports_;
      cores_.back()->index = static_cast<std::uint16_t>(n);
      cores_.back()->set_clock({.wall_ms = kStartMs, .mono_ms = 1, .mono_us = 1000});
    }
  }
  /// A turn of this core, in which this frame comes.
  void turn(std::size_t core, test::Bytes frame) {
    auto& state = *cores_[core];
    state.take_orders();
    const auto burst = std::make_unique<Burst>();
    frame.resize(frame.size() + kFrameSlack);
    burst->size = 1;
    burst->frame[0] = frame.data();
    burst->frame_bytes[0] = static_cast<std::uint16_t>(frame.size() - kFrameSlack);
    burst->ip_checksum[0] = burst->transport_checksum[0] = RxChecksum::kGood;
    burst->on(Route::kReceived).push(0);
    run_burst(state, *burst);
    trace_verdicts(*burst, state);
    settle(*burst, state);
  }
  [[nodiscard]] bool is_traced() const {
    return cores_[0]->trace_asked.load() != nullptr && cores_[1]->trace_asked.load() != nullptr;
  }

  const cookie::SlotKeys keys_{crypto::best_aes(), test::PipelineLab::ring(), kStartMs};
  std::shared_ptr<const Policy> policy_ =
      std::make_shared<const Policy>(service::ServiceTable{test::PipelineLab::default_services()});
  std::array<test::OwnedPlan, 2> memory_{test::OwnedPlan{100, 16}, test::OwnedPlan{100, 16}};
  std::vector<PortInfo> ports_{{.mac = test::kOurMac}};
  std::vector<std::unique_ptr<CoreState>> cores_;
  bool turned_ = true;
  Tracing::Clock::time_point now_{};
  Tracing tracing_{{.cores = cores_,
                    .ports = ports_,
                    .port_names = {"outside"},
                    .policy = [this] { return policy_; },
                    .begin_turns = [] { return std::uint64_t{1}; },
                    .have_turned = [this](std::uint64_t) { return turned_; }}};
};

const test::Bytes kSyn = FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, kServicePort, 2).build();

TEST_F(TracingTest, SamplesOfAllCoresComeInTheirOrder) {
  turn(0, kSyn);  // nobody traces yet
  const auto number = tracing_.begin({}, now_);
  ASSERT_TRUE(number);
  for (const std::size_t core : {1u, 0u, 0u, 1u}) turn(core, kSyn);
  const auto batch = tracing_.take(*number, now_);
  ASSERT_TRUE(batch);
  std::vector<int> workers;
  for (const auto& packet : batch->at("packets")) workers.push_back(packet.at("worker"));
  EXPECT_THAT(workers, testing::ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(batch->at("missed"), 0);
  EXPECT_TRUE(tracing_.take(*number, now_)->at("packets").empty());
}

TEST_F(TracingTest, APacketIsToldWhole) {
  const auto number = tracing_.begin({.service = "four"}, now_);
  turn(0, kSyn);
  const auto packet = tracing_.take(number.value(), now_)->at("packets").at(0);
  EXPECT_EQ(packet.at("port"), "outside");
  EXPECT_EQ(packet.at("verdict"), "send");
  EXPECT_EQ(packet.at("reason"), nullptr);
  EXPECT_EQ(packet.at("service"), "four");
  EXPECT_EQ(packet.at("bytes"), kSyn.size());
  EXPECT_EQ(packet.at("frame").get<std::string>().size(), 2 * kSyn.size());
  EXPECT_EQ(packet.at("answer_port"), "outside");
  EXPECT_THAT(packet.at("answer_packet"), testing::HasSubstr("[S.]"));
  EXPECT_THAT(packet.at("why"), testing::StartsWith("SYN answered with a SYN-ACK"));
}

TEST_F(TracingTest, ABatchIsBoundedAndTheRestWaits) {
  const auto number = tracing_.begin({}, now_).value();
  for (std::size_t n = 0; n < Tracing::kBatch + 3; ++n) turn(0, kSyn);
  EXPECT_EQ(tracing_.take(number, now_)->at("packets").size(), Tracing::kBatch);
  EXPECT_EQ(tracing_.take(number, now_)->at("packets").size(), 3u);
}

TEST_F(TracingTest, ThereIsOneAtATime) {
  const auto number = tracing_.begin({}, now_);
  EXPECT_FALSE(tracing_.begin({}, now_));
  EXPECT_FALSE(tracing_.take(*number + 1, now_));
  EXPECT_FALSE(tracing_.end(*number + 1));
  EXPECT_TRUE(tracing_.end(*number));
  EXPECT_FALSE(tracing_.end(*number));
  EXPECT_FALSE(tracing_.take(*number, now_));
  EXPECT_FALSE(is_traced());
  const auto next = tracing_.begin({}, now_);
  ASSERT_TRUE(next);
  EXPECT_NE(*next, *number);
}

TEST_F(TracingTest, WhoAsksNoMoreHasNoTraceAnyMore) {
  const auto number = tracing_.begin({}, now_).value();
  now_ += Tracing::kPatience;
  tracing_.look(now_);
  EXPECT_TRUE(tracing_.take(number, now_));  // in time
  now_ += Tracing::kPatience + std::chrono::milliseconds{1};
  tracing_.look(now_);
  EXPECT_FALSE(tracing_.take(number, now_));
  EXPECT_FALSE(is_traced());
}

TEST_F(TracingTest, MemoryStaysUntilNoWorkerUsesIt) {
  const auto number = tracing_.begin({}, now_).value();
  turn(0, kSyn);
  turned_ = false;
  EXPECT_TRUE(tracing_.end(number));
  tracing_.look(now_);
  // A worker in the middle of its turn: ASan sees whether that is still there.
  EXPECT_TRUE(cores_[0]->trace->has_room());
  EXPECT_FALSE(tracing_.begin({}, now_)) << "the next one waits";
  turned_ = true;
  EXPECT_TRUE(tracing_.begin({}, now_));
}

TEST_F(TracingTest, AWrongWishBeginsNothing) {
  EXPECT_THROW((void)tracing_.begin({.service = "none"}, now_), std::invalid_argument);
  EXPECT_FALSE(is_traced());
  EXPECT_TRUE(tracing_.begin({}, now_));
}

}  // namespace
}  // namespace synward::control
