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

TEST(Plot, EscapesItsTitle) { EXPECT_THAT(svg_of(Record{}, "a<b>&c"), HasSubstr("a&lt;b&gt;&amp;c")); }

}  // namespace
}  // namespace synward::load
