// Mirrors bench/load/trial/trial_report.hpp and plot.hpp: what is said and drawn of a record.
#include "bench/load/trial/trial_report.hpp"

#include <regex>
#include <sstream>
#include <stack>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/load/trial/plot.hpp"
#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

using test::trial_record;
using testing::HasSubstr;
using testing::Not;

std::string text_of_record(const Record& record) { return text_of(record, summarize(record)); }

/// What the table says in the row that begins with `name`, one blank between two values.
std::string row(const std::string& text, const std::string& name) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) return std::regex_replace(line.substr(name.size()), std::regex{" +"}, " ");
  }
  return "no such row";
}

TEST(TrialReport, HasAColumnForEachPhase) {
  const std::string text = text_of_record(trial_record());
  EXPECT_EQ(row(text, "clients"), " 20 20 20");
  EXPECT_EQ(row(text, "succeeded with their first SYN"), " 100.00 % 40.00 % 100.00 %");
  EXPECT_EQ(row(text, "succeeded after retries"), " 100.00 % 50.00 % 100.00 %");
  EXPECT_EQ(row(text, "failed: no_syn_ack"), " 0 6 0");
  EXPECT_EQ(row(text, "failed: reset"), " 0 4 0");
  EXPECT_EQ(row(text, "failed: no_data"), "no such row");
  EXPECT_EQ(row(text, "SYN-ACK p99.9"), " 10.000 ms 1004.000 ms 10.000 ms");
  EXPECT_EQ(row(text, "packets out per second"), " 40 1,040 40");
  EXPECT_EQ(row(text, "SYN-ACKs per SYN of the attack"), " - 0.9500 -");
  EXPECT_THAT(text, Not(HasSubstr("first byte")));
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const bool is_table = !line.starts_with("The generator");
    EXPECT_LE(is_table ? line.size() : 0, 100u) << line;
  }
}

TEST(TrialReport, AllButOneIsNotAll) {
  Record record = trial_record();
  record.clients.clear();
  for (std::uint64_t n = 0; n < 100'000; ++n) record.clients.push_back(test::succeeded(n, 10));
  record.clients.back().outcome = Outcome::kNoSynAck;
  EXPECT_THAT(row(text_of_record(record), "succeeded after retries"), HasSubstr("99.99 %"));
}

TEST(TrialReport, FirstBytesAreToldWhereClientsAsk) {
  Record record = trial_record();
  record.asks = true;
  record.clients[0].first_byte_us = 12'345;
  EXPECT_EQ(row(text_of_record(record), "first byte max"), " 12.345 ms - -");
}

TEST(TrialReport, SaysWhetherTheGeneratorKeptUp) {
  Record record = trial_record();
  EXPECT_THAT(text_of_record(record), HasSubstr("The generator kept up in the attack: 2,000 of 2,000"));
  EXPECT_THAT(text_of_record(record), Not(HasSubstr("SATURATED")));
  for (std::size_t n = 3; n < record.samples.size(); ++n) record.samples[n].counts.attack_due += 500;
  EXPECT_THAT(text_of_record(record), HasSubstr("THE GENERATOR WAS SATURATED in the attack: 2,000 of 2,500"));
  record.clients[0].late_us = 40'000;
  EXPECT_THAT(text_of_record(record), HasSubstr("SATURATED in the baseline"));
  EXPECT_THAT(text_of_record(record), HasSubstr("40.000 ms at most"));
}

TEST(TrialReport, JsonHasTheSameFigures) {
  Record record = trial_record();
  const auto json = to_json(record, summarize(record));
  EXPECT_EQ(json["interrupted"], false);
  const auto& attack = json["phases"]["attack"];
  EXPECT_EQ(attack["clients"], 20);
  EXPECT_EQ(attack["success_percent"], 50);
  EXPECT_EQ(attack["first_syn_success_percent"], 40);
  EXPECT_EQ(attack["outcomes"]["no_syn_ack"], 6);
  EXPECT_EQ(attack["outcomes"]["no_tuple"], 0);
  EXPECT_EQ(attack["syn_ack_us"]["max"], 1'004'000);
  EXPECT_EQ(attack["wire"]["syns_sent"], 2000);
  EXPECT_EQ(attack["wire"]["syn_acks"], 1800);
  EXPECT_EQ(attack["syn_acks_per_syn"], 0.95);
  EXPECT_EQ(attack["saturated"], false);
  ASSERT_EQ(json["seconds"].size(), 6u);
  EXPECT_EQ(json["seconds"][3]["phase"], "attack");
  EXPECT_EQ(json["seconds"][3]["succeeded"], 5);
  EXPECT_TRUE(json["seconds"][3]["first_byte_p99_us"].is_null());
}

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
