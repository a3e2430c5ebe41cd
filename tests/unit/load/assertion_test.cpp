// Mirrors bench/load/trial/assertion.hpp.
#include "bench/load/trial/assertion.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/trial_record.hpp"

namespace synward::load {
namespace {

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
    {"SuccessOfTheAttackByDefault", "success>=50", true, "50.000 %"},
    {"WithItsUnit", "success >= 50%", true, "50.000 %"},
    {"More", "success>50", false, "50.000 %"},
    {"Less", "success<50", false, "50.000 %"},
    {"AtMost", "success<=50", true, "50.000 %"},
    {"Equal", "success==50", true, "50.000 %"},
    {"OfAPhase", "baseline.success==100%", true, "100.000 %"},
    {"FirstSyn", "first_syn>=40.1", false, "40.000 %"},
    {"SynAckByDefault", "baseline.p50<=5ms", true, "5.000 ms"},
    {"InMicroseconds", "baseline.p50<=4999us", false, "5.000 ms"},
    {"ByItsName", "baseline.syn_ack.p90<=9.0ms", true, "9.000 ms"},
    {"InSeconds", "max>1s", true, "1.004 s"},
    {"Failures", "no_syn_ack==6", true, "6"},
    {"OtherFailures", "attack.reset<4", false, "4"},
    {"SynAcksPerSyn", "syn_acks_per_syn>=0.95", true, "0.95"},
    {"PacketsPerSecond", "sent_pps>1040", false, "1040"},
    {"Saturated", "saturated==0", true, "0"},
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
      EXPECT_THAT(refusal.what(), testing::HasSubstr(why));
      EXPECT_THAT(refusal.what(), testing::HasSubstr(text));
    }
  }
}

TEST(Assertions, HelpNamesTheirMetrics) {
  for (const char* name :
       {"success", "first_syn", "p99", "first_byte.p999", "no_syn_ack", "wrong_data", "late.max"})
    EXPECT_THAT(Assertion::help(), testing::HasSubstr(name));
}

}  // namespace
}  // namespace synward::load
