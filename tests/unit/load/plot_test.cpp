// Mirrors bench/load/trial/plot.hpp: what is drawn of a record.
#include "bench/load/trial/plot.hpp"

#include <regex>
#include <stack>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

using test::trial_record;
using testing::HasSubstr;
using testing::Not;

/// Every element closed by its own end, every attribute in quotes.
void expect_well_formed(const std::string& svg) {
  const std::regex tag{R"re(<(/?)(\w+)((?: +[\w-]+="[^"<]*")*) *(/?)>)re"};
  std::stack<std::string> open;
  std::size_t end = 0;
  for (std::sregex_iterator at{svg.begin(), svg.end(), tag}, none; at != none; ++at) {
    const auto& match = *at;
    const auto begin = static_cast<std::size_t>(match.position());
    EXPECT_EQ(svg.substr(end, begin - end).find_first_of("<>"), std::string::npos)
        << svg.substr(end, begin - end);
    end = begin + static_cast<std::size_t>(match.length());
    if (match[1].length() != 0) {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.top(), match[2]);
      open.pop();
    } else if (match[4].length() == 0) {
      open.push(match[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(svg.substr(end), "\n");
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(Plot, IsWellFormedWhateverTheRecord) {
  expect_well_formed(svg_of(trial_record(), "all"));
  expect_well_formed(svg_of(Record{}, "none"));
  Record no_clients = trial_record();
  no_clients.clients.clear();
  expect_well_formed(svg_of(no_clients, ""));
  Record one_sample = trial_record();
  one_sample.samples.resize(1);
  expect_well_formed(svg_of(one_sample, "<&>\"\n"));
  Record extreme = trial_record();
  extreme.asks = true;
  extreme.clients[0] = test::succeeded(0, 0);
  extreme.clients[1] = test::succeeded(1, kNever - 1);
  expect_well_formed(svg_of(extreme, "extreme"));
}

TEST(Plot, ShadesThePhasesWhereTheyAre) {
  // 800 wide from 70 on: six seconds, 133.3 each.
  const std::string svg = svg_of(trial_record(), "t");
  EXPECT_THAT(svg, HasSubstr(R"(<rect class="baseline" x="70.0" y="56" width="266.7")"));
  EXPECT_THAT(svg, HasSubstr(R"(<rect class="attack" x="336.7" y="56" width="266.7")"));
  EXPECT_THAT(svg, HasSubstr(R"(<rect class="recovery" x="603.3" y="56" width="266.7")"));
  Record quiet = trial_record();
  quiet.timeline.attack_us = 0;
  EXPECT_THAT(svg_of(quiet, "t"), Not(HasSubstr("class=\"attack\"")));
}

TEST(Plot, DrawsSuccessInTheMiddleOfEachSecond) {
  // 190 high from 56 on: 100 % at 56, 50 % at 151.
  EXPECT_THAT(svg_of(trial_record(), "t"),
              HasSubstr("M136.7 56.0 l0.1 0 L270.0 56.0 L403.3 151.0 L536.7 151.0 L670.0 56.0 L803.3 56.0"));
}

TEST(Plot, BreaksALineWhereNobodyWasMeasured) {
  Record record = trial_record();
  record.clients.erase(record.clients.begin() + 10, record.clients.begin() + 20);
  EXPECT_THAT(svg_of(record, "t"), HasSubstr("M136.7 56.0 l0.1 0 M403.3 151.0"));
}

TEST(Plot, DrawsLatencyByItsLogarithm) {
  // Of 1 to 10 ms, p50 5 ms; of the attack 1.004 s at p99: from 0.1 ms at 482 to 10 s at 292, 38 a decade.
  const std::string svg = svg_of(trial_record(), "t");
  EXPECT_THAT(svg, HasSubstr("M136.7 417.4 l0.1 0 L270.0 417.4 L403.3 425.9"));  // 5, 5, 3 ms
  EXPECT_THAT(svg, HasSubstr("M136.7 406.0 l0.1 0 L270.0 406.0 L403.3 329.9"));  // 10, 10, 1004 ms
  for (const char* name : {">0.1 ms<", ">1 ms<", ">10 ms<", ">100 ms<", ">1 s<", ">10 s<"})
    EXPECT_THAT(svg, HasSubstr(name));
  EXPECT_THAT(svg, Not(HasSubstr(">1000 ms<")));
}

TEST(Plot, FillsWhatIsBelowSuccess) {
  Record record = trial_record();
  EXPECT_THAT(svg_of(record, "t"),
              HasSubstr(R"(class="area" d="M136.7 246 L136.7 56.0 L270.0 56.0 L403.3 151.0)"));
  record.clients.erase(record.clients.begin() + 10, record.clients.begin() + 20);
  EXPECT_THAT(svg_of(record, "t"),
              HasSubstr(R"(d="M136.7 246 L136.7 56.0 L136.7 246 Z M403.3 246 L403.3 151.0)"));
}

TEST(Plot, ShowsFirstBytesWhereClientsAsk) {
  Record record = trial_record();
  EXPECT_THAT(svg_of(record, "t"), Not(HasSubstr("first byte")));
  record.asks = true;
  EXPECT_THAT(svg_of(record, "t"), HasSubstr("first byte p99"));
}

TEST(Plot, MarksWhereItWasCutOff) {
  Record record = trial_record();
  EXPECT_THAT(svg_of(record, "t"), Not(HasSubstr("it ended here")));
  record.samples.resize(4);
  record.interrupted = true;
  expect_well_formed(svg_of(record, "t"));
  EXPECT_THAT(svg_of(record, "t"), HasSubstr(R"(class="end" x1="470.0")"));
  EXPECT_THAT(svg_of(record, "t"), HasSubstr("it ended here"));
}

TEST(Plot, LeavesOutWhatIsBehindTheLastPhase) {
  Record record = trial_record();
  record.samples.push_back(record.samples.back());
  record.samples.back().at_us += 60 * test::kSecondUs;
  EXPECT_EQ(svg_of(record, "t"), svg_of(trial_record(), "t"));
}

TEST(Plot, HasTicksAtRoundTimes) {
  // A tenth of a second, a minute and a half, and a day: 4 to 13 ticks each.
  for (const std::uint64_t us :
       {std::uint64_t{100'000}, std::uint64_t{90'000'000}, std::uint64_t{86'400'000'000}}) {
    Record record;
    record.timeline.attack_us = us;
    const std::string svg = svg_of(record, "t");
    const std::regex tick{R"re(text-anchor="middle" fill="#1f2328" >[0-9.e+-]+ s<)re"};
    const auto ticks =
        std::distance(std::sregex_iterator{svg.begin(), svg.end(), tick}, std::sregex_iterator{});
    EXPECT_THAT(ticks, testing::AllOf(testing::Ge(4), testing::Le(13))) << us;
  }
}

TEST(Plot, CutsATitleThatHasNoRoom) {
  const std::string fits(96, 'x');
  EXPECT_THAT(svg_of(Record{}, fits), HasSubstr(">" + fits + "<"));
  EXPECT_THAT(svg_of(Record{}, fits + "x"), HasSubstr(">" + std::string(93, 'x') + "...<"));
  // The 94th byte would be the second half of a letter.
  EXPECT_THAT(svg_of(Record{}, std::string(92, 'x') + "\xc3\xa9" + std::string(9, 'y')),
              HasSubstr(">" + std::string(92, 'x') + "...<"));
}

TEST(Plot, EscapesItsTitle) { EXPECT_THAT(svg_of(Record{}, "a<b>&c"), HasSubstr("a&lt;b&gt;&amp;c")); }

}  // namespace
}  // namespace synward::load
