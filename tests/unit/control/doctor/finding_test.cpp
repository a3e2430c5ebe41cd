// Mirrors control/doctor/finding.hpp.
#include "control/doctor/finding.hpp"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/mendable.hpp"

namespace synward::control::doctor {
namespace {

using testing::HasSubstr;

TEST(Finding, TakesTheCommandOfAnErrorThatHasOne) {
  const Finding mendable = finding_of("key file", State::kFail, Mendable{"it is open", "shut it", "shut it"});
  EXPECT_EQ(mendable.text, "it is open");
  EXPECT_EQ(mendable.command, "shut it");
  const Finding plain = finding_of("key file", State::kWarn, std::runtime_error{"it is broken: buy another"});
  EXPECT_EQ(plain.text, "it is broken: buy another");
  EXPECT_EQ(plain.command, "");
  EXPECT_EQ(plain.state, State::kWarn);
}

TEST(Finding, OnlyAFailFails) {
  Findings findings{{"a", State::kOk, "", ""}, {"b", State::kWarn, "", ""}};
  EXPECT_FALSE(has_failed(findings));
  findings.push_back({"c", State::kFail, "", ""});
  EXPECT_TRUE(has_failed(findings));
}

TEST(Finding, IsJsonForPrograms) {
  EXPECT_EQ(
      findings_json({{"MTU", State::kOk, "1500", ""}, {"link", State::kFail, "down", "up with it"}}).dump(),
      R"([{"check":"MTU","state":"ok","text":"1500","command":""},)"
      R"({"check":"link","state":"fail","text":"down","command":"up with it"}])");
  EXPECT_EQ(findings_json({}).dump(), "[]");
}

TEST(Finding, TextStandsInColumns) {
  EXPECT_EQ(
      findings_text({{{"MTU", State::kOk, "1500", ""}, {"outside link", State::kFail, "down", "lift it"}},
                     {},
                     {{"clock", State::kWarn, "slow", ""}}}),
      "ok    MTU:          1500\n"
      "fail  outside link: down\n"
      "      mend it:      lift it\n"
      "\n"
      "warn  clock:        slow\n"
      "\n"
      "1 ok, 1 warn, 1 fail\n");
}

TEST(Finding, TextIsAtMost100ColumnsWideAndCommandsStayWhole) {
  std::string text, command = "echo " + std::string(120, 'x') + " > /a/file";
  for (int word = 0; word < 60; ++word) text += "word" + std::to_string(word) + " ";
  const std::string shown = findings_text({{{"isolation", State::kWarn, text, command}}});
  EXPECT_THAT(shown, HasSubstr(command));
  std::istringstream lines{shown};
  int behind = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(command) == std::string::npos) {
      EXPECT_LE(line.size(), 100u) << line;
    }
    behind += line.starts_with(std::string(17, ' ') + "word") ? 1 : 0;
  }
  EXPECT_GE(behind, 3) << "it goes on below its beginning:\n" << shown;
  EXPECT_THAT(shown, HasSubstr("word59\n"));
}

/// A shell goes on behind &&.
TEST(Finding, LongCommandsBreakBehindAnd) {
  const std::string half(60, 'x');
  EXPECT_THAT(findings_text({{{"a", State::kWarn, "b", half + " && " + half}}}),
              HasSubstr("mend it: " + half + " &&\n"));
  EXPECT_THAT(findings_text({{{"a", State::kWarn, "b", "c && d"}}}), HasSubstr("c && d\n"));
}

TEST(Quoted, IsWhatTheShellReadsBack) {
  EXPECT_EQ(quoted("/etc/synward/keys.toml"), "/etc/synward/keys.toml");
  EXPECT_EQ(quoted("/a b/$HOME"), "'/a b/$HOME'");
  EXPECT_EQ(quoted("it's"), R"('it'\''s')");
  EXPECT_EQ(quoted(""), "''");
}

}  // namespace
}  // namespace synward::control::doctor
