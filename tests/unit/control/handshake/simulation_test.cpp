#include "control/handshake/simulation.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace synward::control {
namespace {

using handshake::State;

struct StoryCase {
  std::string_view name;
  std::vector<Loss> losses;
  bool simultaneous = false;
  std::uint32_t text_bytes = 0;
  State client = State::kEstablished, server = State::kEstablished;
  std::uint64_t end_ms = 0;
};
class Stories : public testing::TestWithParam<StoryCase> {};

TEST_P(Stories, EndAsTheyShould) {
  const auto& row = GetParam();
  Scenario scenario{.simultaneous = row.simultaneous, .text_bytes = row.text_bytes, .losses = row.losses};
  for (const auto family : {wire::Family::kIpv4, wire::Family::kIpv6}) {
    scenario.client.family = scenario.server.family = family;
    const Story story = simulate(scenario);
    EXPECT_EQ(name_of(story.at_last[kClient].state), name_of(row.client));
    EXPECT_EQ(name_of(story.at_last[kServer].state), name_of(row.server));
    EXPECT_EQ(story.end_us, row.end_ms * 1000);
    EXPECT_EQ(story.text_received, row.text_bytes);
  }
}

const StoryCase kStories[] = {
    {.name = "NothingLost", .end_ms = 30},
    {.name = "SynLost", .losses = {{SegmentKind::kSyn, 1}}, .end_ms = 1030},
    {.name = "TwoSynsLost", .losses = {{SegmentKind::kSyn, 2}}, .end_ms = 3030},
    {.name = "SynAckLost", .losses = {{SegmentKind::kSynAck, 1}}, .end_ms = 1030},
    {.name = "AckLost", .losses = {{SegmentKind::kAck, 1}}, .end_ms = 1030},
    {.name = "AckLostBeforeText", .losses = {{SegmentKind::kAck, 1}}, .text_bytes = 5000, .end_ms = 40},
    {.name = "TextOfManyWindows", .text_bytes = 500'000, .end_ms = 180},
    {.name = "Simultaneous", .simultaneous = true, .end_ms = 30},
    {.name = "SimultaneousWithoutOneSynAck",
     .losses = {{SegmentKind::kSynAck, 1}},
     .simultaneous = true,
     .end_ms = 30},
    {.name = "NoSynArrives",
     .losses = {{SegmentKind::kSyn, 1000}},
     .client = State::kClosed,
     .server = State::kListen,
     .end_ms = 247'000},
};
INSTANTIATE_TEST_SUITE_P(Handshake, Stories, testing::ValuesIn(kStories),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Seed, DecidesTheNumbers) {
  const auto isns = [](std::uint64_t seed) {
    const Story story = simulate({.seed = seed});
    return PerEnd<std::uint32_t>{story.at_last[kClient].iss().value(), story.at_last[kServer].iss().value()};
  };
  EXPECT_EQ(isns(1), isns(1));
  EXPECT_NE(isns(1), isns(2));
  EXPECT_NE(isns(1)[kClient], isns(1)[kServer]);
}

TEST(Flights, TellTheStatesOfBothEnds) {
  const Story story = simulate({});
  ASSERT_EQ(story.flights.size(), 3u);
  EXPECT_EQ(story.at_first, (PerEnd<State>{State::kClosed, State::kListen}));
  EXPECT_EQ(story.flights[0].when_sent, (PerEnd<State>{State::kSynSent, State::kListen}));
  EXPECT_EQ(story.flights[0].when_arrived, (PerEnd<State>{State::kSynSent, State::kSynReceived}));
  EXPECT_EQ(story.flights[1].when_arrived, (PerEnd<State>{State::kEstablished, State::kSynReceived}));
  EXPECT_EQ(story.flights[2].when_arrived, (PerEnd<State>{State::kEstablished, State::kEstablished}));
}

}  // namespace
}  // namespace synward::control
