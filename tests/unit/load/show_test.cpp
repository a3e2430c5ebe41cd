// Mirrors bench/load/show.hpp: what a person who watches the demo is told, and when it has failed.
#include "bench/load/show.hpp"

#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::load {
namespace {

using testing::HasSubstr;

/// Ten seconds in which all went well: 1000 SYNs of nobody, 20 of clients.
Moment good_moment() {
  return {.flood = {.elapsed_s = 10, .sent = 1000},
          .clients = {.started = 20, .connected = 20, .closed = 20, .connect_us = {100, 200, 300}},
          .stats = {{"uptime_s", 12.0},
                    {"total",
                     {{"rx", 1063},
                      {"taken_over", 0},
                      {"sent", 1060},
                      {"forwarded", 0},
                      {"held", 0},
                      {"handed_over", 0},
                      {"dropped", 3},
                      {"drops", {{"no_service", 3}, {"bad_cookie", 0}}},
                      {"routes", {{"common_syn4", 550}, {"common_syn6", 400}, {"syn4", 50}, {"syn6", 20}}},
                      {"events", {{"syn_answered", 1020}, {"promoted", 20}}},
                      {"gauges", {{"connections4", 3}, {"connections6", 4}}},
                      {"balances", true}}}},
          .second = 10.2};
}

TEST(Passed, IsSaidWhenEveryClientGotThroughAFloodThatWasAnswered) { EXPECT_TRUE(passed(good_moment())); }

struct Mishap {
  std::string_view name;
  void (*happens)(Moment& moment);
};
class Failed : public testing::TestWithParam<Mishap> {};
TEST_P(Failed, IsNotPassedAndTheSummarySaysSo) {
  Moment moment = good_moment();
  GetParam().happens(moment);
  EXPECT_FALSE(passed(moment));
  EXPECT_THAT(summary_of(moment, 7), HasSubstr("\nFAILED: "));
}
constexpr Mishap kMishaps[] = {
    {.name = "OneClientNeverConnected",
     .happens = [](Moment& m) { --m.clients.connected, --m.clients.closed; }},
    {.name = "OneClientNeverClosed", .happens = [](Moment& m) { --m.clients.closed; }},
    {.name = "NoClientStarted", .happens = [](Moment& m) { m.clients = {}; }},
    {.name = "MostOfTheFloodNeverArrived",
     .happens = [](Moment& m) { m.stats["total"]["events"]["syn_answered"] = 519; }},
    {.name = "TheFramesDoNotAddUp", .happens = [](Moment& m) { m.stats["total"]["balances"] = false; }},
};
INSTANTIATE_TEST_SUITE_P(Demo, Failed, testing::ValuesIn(kMishaps),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(Summary, TellsWhatAPersonWantsToKnow) {
  EXPECT_EQ(
      summary_of(good_moment(), 7),
      "\nIn 10.0 s 1,000 SYNs came from made-up addresses, 100 a second. Meanwhile 20 of 20 real clients\n"
      "connected, said a line and closed: connect p50 0.20 ms, p99 0.30 ms, worst 0.30 ms.\n"
      "synward answered 1,020 SYNs, each with a cookie, and remembered none of them. 20 cookies came\n"
      "back, and only these became connections: at most 7 were seen in its table at a time.\n"
      "All frames are accounted for: 1,063 frames came in = 1,060 answered + 3 dropped (no_service 3).\n"
      "PASSED\n");
}

TEST(Summary, CountsTheSynsThatTheMachineLost) {
  Moment moment = good_moment();
  moment.stats["total"]["routes"]["common_syn4"] = 540;
  EXPECT_THAT(summary_of(moment, 7), HasSubstr("(10 SYNs were lost on the way to synward"));
}

TEST(Show, SeesATableThatIsFullForLessThanASecond) {
  int glances = 0;
  const Source source{.now = good_moment,
                      .stats =
                          [&glances] {
                            auto stats = good_moment().stats;
                            if (++glances == 2) stats["total"]["gauges"]["connections4"] = 50;
                            return stats;
                          },
                      .is_over = [&glances] { return glances == 3; }};
  testing::internal::CaptureStdout();
  EXPECT_EQ(show(source), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("at most 54 were seen in its table"));
}

TEST(Line, TellsRatesBetweenTwoAnswersAndWhatStands) {
  const Moment now = good_moment();
  Moment before = now;
  before.clients.connect_us.resize(1);
  before.stats["uptime_s"] = 10.0;
  before.stats["total"]["routes"]["common_syn4"] = 350;
  before.stats["total"]["events"]["syn_answered"] = 920;
  before.stats["total"]["drops"]["no_service"] = 1;
  EXPECT_EQ(column_names() + line_of(now, before),
            "  time   SYNs in/s  SYN-ACKs out/s  handshakes  failed         p99   table  drops\n"
            "  10 s         100              50          20       0     0.30 ms       7  no_service 1/s\n");
  EXPECT_THAT(block_of(now, before), HasSubstr("SYNs in              100/s  1,020 in all\n"));
}

}  // namespace
}  // namespace synward::load
