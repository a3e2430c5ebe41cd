// Mirrors bench/load/trial/trial_report.hpp: what is said of a record.
#include "bench/load/trial/trial_report.hpp"

#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

using test::trial_record;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

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
}

TEST(TrialReport, NoLineIsLongerThanAHundredLetters) {
  // Each number makes some figures a letter longer, so that lines of all lengths are broken.
  for (unsigned n_case = 0; n_case < 100; ++n_case) {
    std::uint64_t factor = 1, late_us = 1;
    for (unsigned n = 0; n < n_case / 10; ++n) factor *= 10;
    for (unsigned n = 0; n < n_case % 10; ++n) late_us *= 10;
    Record record = trial_record();
    record.asks = true;
    record.clients[0].late_us = static_cast<std::uint32_t>(late_us);
    record.clients[25].outcome = Outcome::kNoTuple;
    for (std::size_t n = 1; n < record.samples.size(); ++n) {
      WireCounts& counts = record.samples[n].counts;
      for (auto* const count : {&counts.sent, &counts.received, &counts.refused, &counts.attack_due,
                                &counts.attack_sent, &counts.wrong_syn_acks})
        *count += n * factor;
    }
    const std::string text = text_of_record(record);
    EXPECT_THAT(std::regex_replace(text, std::regex{"\n"}, " "),
                HasSubstr("1 found no free port: widen --client-prefix;"));
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(TrialReport, GoodputIsOfPhasesInWhichSomebodyAsks) {
  Record record = trial_record();
  EXPECT_EQ(row(text_of_record(record), "answers, Mbit/s"), "no such row");
  record.asks = true;
  for (std::size_t n = 1; n < record.samples.size(); ++n)
    record.samples[n].counts.answer_bytes = n <= 2 ? n * 1'000'000 : 2'000'000 + (n - 2) * 1'000;
  EXPECT_EQ(row(text_of_record(record), "answers, Mbit/s"), " 8.000 0.008 0.008");
  const auto json = to_json(record, summarize(record));
  EXPECT_DOUBLE_EQ(json["phases"]["baseline"]["goodput_bps"], 8e6);
  EXPECT_EQ(json["phases"]["attack"]["wire"]["answer_bytes"], 2000);
}

TEST(TrialReport, WhatLeaksThroughTheDefenceIsTold) {
  Record record = trial_record();
  EXPECT_EQ(row(text_of_record(record), "of it, came out at the backend"), "no such row");
  for (std::size_t n = 3; n < record.samples.size(); ++n) record.samples[n].counts.leaked = 7;
  EXPECT_EQ(row(text_of_record(record), "of it, came out at the backend"), " 0 7 0");
}

TEST(TrialReport, WrongChecksumsAreToldAndWhatMendsThem) {
  Record record = trial_record();
  EXPECT_EQ(row(text_of_record(record), "answers with a wrong checksum"), "no such row");
  EXPECT_THAT(text_of_record(record), Not(HasSubstr("ethtool")));
  for (std::size_t n = 1; n < record.samples.size(); ++n) record.samples[n].counts.broken = 9;
  EXPECT_EQ(row(text_of_record(record), "answers with a wrong checksum"), " 9 0 0");
  EXPECT_THAT(std::regex_replace(text_of_record(record), std::regex{"\n"}, " "),
              HasSubstr("there: ethtool -K INTERFACE tx off."));
}

TEST(TrialReport, WhatThePortRefusedIsToldWithoutAnAttack) {
  Record record = trial_record();
  for (std::size_t n = 0; n < record.samples.size(); ++n)
    record.samples[n].counts = {.sent = n, .refused = 7 * n};
  const std::string text = text_of_record(record);
  EXPECT_EQ(row(text, "packets that the port refused"), " 14 14 14");
  EXPECT_THAT(text, Not(HasSubstr("attack packets")));
}

TEST(TrialReport, OfNothingSaysSo) {
  EXPECT_EQ(text_of(Record{}, {}), "It ended before anything was measured.\n");
  const auto json = to_json(Record{}, {});
  EXPECT_TRUE(json["phases"].is_object() && json["phases"].empty());
  EXPECT_TRUE(json["seconds"].is_array() && json["seconds"].empty());
}

TEST(TrialReport, SaysWhenItWasInterrupted) {
  Record record = trial_record();
  EXPECT_THAT(text_of_record(record), Not(HasSubstr("interrupted")));
  record.interrupted = true;
  record.clients.back().outcome = Outcome::kUnderWay;
  EXPECT_THAT(text_of_record(record), HasSubstr("It was interrupted"));
  EXPECT_EQ(row(text_of_record(record), "cut off, not counted"), " 0 0 1");
  EXPECT_EQ(to_json(record, summarize(record))["interrupted"], true);
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

TEST(TrialReport, JsonHasTheseKeys) {
  const auto keys = [](const nlohmann::json& object) {
    std::vector<std::string> found;
    for (const auto& [key, value] : object.items()) found.push_back(key);
    return found;
  };
  const auto json = to_json(trial_record(), summarize(trial_record()));
  EXPECT_THAT(keys(json), UnorderedElementsAre("interrupted", "capped", "phases", "seconds"));
  EXPECT_THAT(keys(json["phases"]), UnorderedElementsAre("baseline", "attack", "recovery"));
  const auto& attack = json["phases"]["attack"];
  EXPECT_THAT(
      keys(attack),
      UnorderedElementsAre("seconds", "clients", "success_percent", "first_syn_success_percent", "outcomes",
                           "unclosed", "syn_ack_us", "first_byte_us", "generator_late_us", "saturated",
                           "wire", "sent_pps", "received_pps", "syn_acks_per_syn", "goodput_bps"));
  EXPECT_THAT(keys(attack["outcomes"]), UnorderedElementsAreArray(kOutcomeLabels));
  EXPECT_THAT(keys(attack["syn_ack_us"]), UnorderedElementsAre("count", "p50", "p90", "p99", "p999", "max"));
  EXPECT_THAT(keys(attack["wire"]),
              UnorderedElementsAre("sent", "received", "refused", "attack_due", "attack_sent", "syns_sent",
                                   "syn_acks", "wrong_syn_acks", "resets", "others", "answer_bytes", "leaked",
                                   "broken"));
  EXPECT_THAT(keys(json["seconds"][0]),
              UnorderedElementsAre("from_s", "to_s", "phase", "clients", "succeeded", "first_syn",
                                   "syn_ack_p50_us", "syn_ack_p99_us", "first_byte_p99_us", "attack_sent",
                                   "syn_acks", "sent", "received"));
}

TEST(TrialReport, JsonHasNoTimesThatNobodyMeasured) {
  Record record = trial_record();
  record.samples.push_back(record.samples.back());
  record.samples.back().at_us += 500'000;
  const auto json = to_json(record, summarize(record));
  EXPECT_EQ(json["phases"]["attack"]["first_byte_us"]["count"], 0);
  for (const char* part : {"p50", "p90", "p99", "p999", "max"}) {
    EXPECT_TRUE(json["phases"]["attack"]["first_byte_us"][part].is_null()) << part;
    EXPECT_FALSE(json["phases"]["attack"]["syn_ack_us"][part].is_null()) << part;
  }
  const auto& last = json["seconds"].back();
  EXPECT_TRUE(last["phase"].is_null() && last["syn_ack_p50_us"].is_null());
  EXPECT_EQ(last["clients"], 0);
  EXPECT_EQ(last["to_s"], 6.5);
}

}  // namespace
}  // namespace synward::load
