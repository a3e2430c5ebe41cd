// Mirrors control/log.hpp.
#include "control/log.hpp"

#include <cstdio>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

namespace synward::control {
namespace {

using spdlog::level::level_enum;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::SizeIs;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    sink_.add_sink(std::make_shared<spdlog::sinks::ostream_sink_st>(written_));
    sink_.set_pattern("%l %v");
  }
  void say(level_enum level, const std::string& text, milliseconds at) {
    sink_.log({spdlog::log_clock::time_point{seconds{1'700'000'000} + at}, {}, "", level, text});
  }
  /// Since the last call.
  std::vector<std::string> lines() {
    std::vector<std::string> found;
    std::istringstream text{written_.str()};
    written_.str("");
    for (std::string line; std::getline(text, line);) found.push_back(line);
    return found;
  }

  LimitedSink sink_;
  std::ostringstream written_;
};

constexpr auto kAtOnce = static_cast<std::size_t>(LimitedSink::kAtOnce);
constexpr auto kPerSecond = static_cast<std::size_t>(LimitedSink::kPerSecond);

TEST_F(LogTest, HasEveryLineOfAStart) {
  for (std::size_t n = 0; n < kAtOnce; ++n) say(level_enum::info, std::to_string(n), {});
  const auto found = lines();
  ASSERT_THAT(found, SizeIs(kAtOnce));
  EXPECT_EQ(found.back(), "info " + std::to_string(kAtOnce - 1));
}

TEST_F(LogTest, LeavesOutWhatComesTooOftenAndSaysHowMuch) {
  for (std::size_t n = 0; n < kAtOnce + 1000; ++n) say(level_enum::err, "again", {});
  EXPECT_THAT(lines(), SizeIs(kAtOnce));
  say(level_enum::err, "later", seconds{1});
  EXPECT_THAT(lines(), ElementsAre("error 1000 more line(s) were left out", "error later"));
  say(level_enum::err, "then", seconds{1});
  EXPECT_THAT(lines(), ElementsAre("error then"));
}

TEST_F(LogTest, AFloodHasSoManyLinesASecond) {
  constexpr std::size_t kSeconds = 20;
  for (std::size_t ms = 0; ms < kSeconds * 1000; ++ms) say(level_enum::warn, "flood", milliseconds{ms});
  EXPECT_LE(lines().size(), kAtOnce + kSeconds * kPerSecond);
}

TEST_F(LogTest, AFloodHidesNoLineOfAnotherLevel) {
  for (std::size_t n = 0; n < 2 * kAtOnce; ++n) say(level_enum::info, "flood", {});
  lines();
  say(level_enum::err, "its device is gone", {});
  EXPECT_THAT(lines(), ElementsAre("error its device is gone"));
}

TEST_F(LogTest, GivesNothingForAClockThatWasSetBack) {
  for (std::size_t n = 0; n < kAtOnce; ++n) say(level_enum::info, "before", seconds{100});
  lines();
  say(level_enum::info, "back", {});
  EXPECT_THAT(lines(), SizeIs(0));
  say(level_enum::info, "a second later", seconds{1});
  EXPECT_THAT(lines(), ElementsAre("info 1 more line(s) were left out", "info a second later"));
}

TEST_F(LogTest, ForJournaldBeginsWithItsLevelAndHasNoDate) {
  sink_.set_formatter(journal_formatter());
  say(level_enum::critical, "a", {});
  say(level_enum::err, "b", {});
  say(level_enum::warn, "c", {});
  say(level_enum::info, "d", {});
  say(level_enum::debug, "e", {});
  EXPECT_THAT(lines(), ElementsAre("<2>[critical] a", "<3>[error] b", "<4>[warning] c", "<6>[info] d",
                                   "<7>[debug] e"));
}

TEST(Journal, IsTheStreamThatItsNameSays) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const int descriptor = fileno(file);
  struct stat status {};
  ASSERT_EQ(fstat(descriptor, &status), 0);
  const std::string device = std::to_string(status.st_dev), inode = std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal(descriptor, (device + ":" + inode).c_str()));
  for (const std::string& other :
       {device + ":" + inode + "0", device, device + ":", ":" + inode, std::string{}, inode + ":" + device})
    EXPECT_FALSE(is_journal(descriptor, other.c_str())) << other;
  EXPECT_FALSE(is_journal(descriptor, nullptr));
  std::fclose(file);
  EXPECT_FALSE(is_journal(-1, (device + ":" + inode).c_str()));
}

}  // namespace
}  // namespace synward::control
