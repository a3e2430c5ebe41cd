// Mirrors bench/load/trial/assertion.hpp.
#include "bench/load/trial/assertion.hpp"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

using testing::HasSubstr;

Assertion::Result check(const char* text) {
  return Assertion::parse(text).check(summarize(test::trial_record()));
}

struct Case {
  std::string_view name, text;
  bool holds;
  std::string_view value;
};
class OfTheRecord : public testing::TestWithParam<Case> {};
TEST_P(OfTheRecord, HoldsOrNotAndSaysWhatWasFound) {
  const auto result = check(GetParam().text.data());
  EXPECT_EQ(result.holds, GetParam().holds);
  EXPECT_EQ(result.value, GetParam().value);
  EXPECT_EQ(result.text, GetParam().text);
}
constexpr Case kCases[] = {
    {"SuccessOfTheAttackByDefault", "success>=50", true, "50 %"},
    {"WithItsUnit", "success >= 50%", true, "50 %"},
    {"More", "success>50", false, "50 %"},
    {"Less", "success<50", false, "50 %"},
    {"AtMost", "success<=50", true, "50 %"},
    {"Equal", "success==50", true, "50 %"},
    {"OfAPhase", "baseline.success==100%", true, "100 %"},
    {"FirstSyn", "first_syn>=40.1", false, "40 %"},
    {"SynAckByDefault", "baseline.p50<=5ms", true, "5.000 ms"},
    {"InMicroseconds", "baseline.p50<=4999us", false, "5.000 ms"},
    {"ByItsName", "baseline.syn_ack.p90<=9.0ms", true, "9.000 ms"},
    {"InSeconds", "max>1s", true, "1.004 s"},
    {"Failures", "no_syn_ack==6", true, "6"},
    {"OtherFailures", "attack.reset<4", false, "4"},
    {"SynAcksPerSyn", "syn_acks_per_syn>=0.95", true, "0.95"},
    {"PacketsPerSecond", "sent_pps>1040", false, "1040"},
    {"Saturated", "saturated==0", true, "0"},
    {"WithoutSynsNothingOfThem", "baseline.syn_acks_per_syn<=1", false, "nothing was measured"},
    {"NothingMeasured", "first_byte.p99<1s", false, "nothing was measured"},
};
INSTANTIATE_TEST_SUITE_P(Assertions, OfTheRecord, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(Assertions, SayOfWhichPhaseTheyAre) {
  EXPECT_EQ(check("success>0").phase, "attack");
  EXPECT_EQ(check("recovery.success>0").phase, "recovery");
}

TEST(Assertions, WithoutAnAttackAreOfTheFirstPhase) {
  Record record = test::trial_record();
  record.timeline.attack_us = 0;
  const auto result = Assertion::parse("success==100").check(summarize(record));
  EXPECT_EQ(result.phase, "baseline");
  EXPECT_TRUE(result.holds);
}

TEST(Assertions, OfAPhaseThatThereWasNotDoNotHold) {
  Record record = test::trial_record();
  record.timeline.recovery_us = 0;
  const auto result = Assertion::parse("recovery.saturated==0").check(summarize(record));
  EXPECT_FALSE(result.holds);
  EXPECT_EQ(result.value, "there was no such phase");
  EXPECT_FALSE(Assertion::parse("success>=0").check({}).holds);
}

TEST(Assertions, OfClientsThatThereWereNotDoNotHold) {
  Record record = test::trial_record();
  record.clients.clear();
  EXPECT_FALSE(Assertion::parse("success>=0").check(summarize(record)).holds);
}

/// 32.2 * 1e3 is more than 32,200, and 16.1 * 1e3 too: a client of just that many microseconds is equal.
TEST(Assertions, FractionsOfAMillisecondAreExact) {
  for (std::uint32_t us = 100; us <= 100'000; us += 100) {
    const PhaseSummary phase{.phase = Phase::kAttack, .syn_ack = {.count = 1, .p99_us = us}};
    const auto text = fmt::format("p99=={}.{}ms", us / 1000, us / 100 % 10);
    EXPECT_TRUE(Assertion::parse(text).check({phase}).holds) << text;
  }
}

TEST(Assertions, ValuesAreNotRoundedUpToWhatWasAsked) {
  PhaseSummary phase{.phase = Phase::kAttack, .seconds = 1, .clients = 10'000'000};
  phase.outcomes[std::size_t(Outcome::kSucceeded)] = 9'999'999;
  phase.counts.sent = 12'345'678;
  phase.syn_ack = {.count = 1, .max_us = 1'234'567};
  const auto value = [&](const char* text) { return Assertion::parse(text).check({phase}).value; };
  EXPECT_EQ(value("success==100"), "99.99999 %");
  EXPECT_EQ(value("clients==1"), "10000000");
  EXPECT_EQ(value("sent_pps>=2e7"), "12345678");
  EXPECT_EQ(value("max<1.2s"), "1.234567 s");
}

TEST(Assertions, RatesOfNoTimeDoNotHold) {
  const PhaseSummary cut_off{.phase = Phase::kAttack};
  for (const char* text : {"sent_pps<=1", "received_pps==0", "syns_per_second<1", "syn_acks_per_second<1"})
    EXPECT_FALSE(Assertion::parse(text).check({cut_off}).holds) << text;
}

struct Refused {
  const char *text, *why;
};
TEST(Assertions, ThatAreNoneAreRefusedAndToldWhatIs) {
  for (const auto& [text, why] : {Refused{"", "[PHASE.]METRIC OP VALUE"},
                                  {"success", "[PHASE.]METRIC OP VALUE"},
                                  {"success=>9", "[PHASE.]METRIC OP VALUE"},
                                  {"sucess>=99", "nearest is success"},
                                  {"warmup.success>=99", "there is no metric"},
                                  {"attack.>=99", "there is no metric"},
                                  {"success>=", "is no number"},
                                  {"success>=nan", "is no number"},
                                  {"success>=99ms", "no unit of this metric"},
                                  {"clients>=9%", "no unit of this metric"},
                                  {"p99<5", "us, ms or s"},
                                  {"p99<5min", "us, ms or s"},
                                  {"p99<ms", "is no number"}}) {
    try {
      (void)Assertion::parse(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const std::invalid_argument& refusal) {
      EXPECT_THAT(refusal.what(), HasSubstr(why));
      EXPECT_THAT(refusal.what(), HasSubstr(text));
    }
  }
}

TEST(Assertions, HelpHasALineForEachMetricOrFew) {
  const std::string help = Assertion::help();
  std::istringstream lines{help};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
  EXPECT_THAT(help, HasSubstr("\nsuccess: clients that succeeded"));
  EXPECT_THAT(help, HasSubstr("\np50 p90 p99 p999 max: "));
  EXPECT_THAT(help,
              HasSubstr("\nfirst_byte.p50 first_byte.p90 first_byte.p99 first_byte.p999 first_byte.max: "));
  EXPECT_THAT(help, HasSubstr("\nno_syn_ack bad_syn_ack reset no_data wrong_data no_tuple: "));
  EXPECT_THAT(help, HasSubstr("\nsaturated: "));
}

}  // namespace
}  // namespace synward::load
