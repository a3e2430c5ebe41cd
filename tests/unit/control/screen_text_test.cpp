// Mirrors control/screen_text.hpp: columns, whatever the text holds.
#include "control/screen_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::control {
namespace {

using testing::ElementsAre;

constexpr Look kUnicode{.unicode = true}, kAscii{};

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("web\033[2J\n\x7f"), "web?[2J??");
  EXPECT_EQ(printable("\xc2\x9b 31m"), "? 31m");  // CSI, as one control character
  EXPECT_EQ(printable("Zürich 東京"), "Zürich 東京");
}

TEST(Printable, ReplacesBrokenUtf8) {
  EXPECT_EQ(printable("a\xff\xc3"), "a??");          // a byte that is none; half a character at the end
  EXPECT_EQ(printable("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // half of a UTF-16 pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // beyond Unicode
  EXPECT_EQ(printable("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(Columns, AreThoseOfATerminal) {
  EXPECT_EQ(columns_of("web"), 3u);
  EXPECT_EQ(columns_of("Zürich"), 6u);
  EXPECT_EQ(columns_of("東京"), 4u);
  EXPECT_EQ(columns_of("e\xcc\x81"), 1u);  // with an accent of its own
}

TEST(Cell, IsAsWideAsTold) {
  EXPECT_EQ(left("web", 5, kUnicode), "web  ");
  EXPECT_EQ(right("web", 5, kUnicode), "  web");
  EXPECT_EQ(left("website", 5, kUnicode), "webs…");
  EXPECT_EQ(left("website", 5, kAscii), "webs~");
  EXPECT_EQ(left("東京都", 4, kUnicode), "東… ");  // half a character is none
  EXPECT_EQ(left("Zürich", 8, kAscii), "Z?rich  ");
  EXPECT_EQ(left("web", 0, kUnicode), "");
  EXPECT_EQ(fitted("web", 5, kUnicode), "web");
}

TEST(Cell, OfAnAddressKeepsThePort) {
  EXPECT_EQ(left_with_end("[2001:db8:1234:5678:9abc:def0:1234:5678]:443", 24, kUnicode),
            "[2001:db8:1…34:5678]:443");
  EXPECT_EQ(left_with_end("198.18.0.10:443", 20, kUnicode), "198.18.0.10:443     ");
}

TEST(Compact, TakesFiveCharactersAtMost) {
  const std::pair<double, std::string> kCases[] = {
      {0, "0"},          {0.04, "0"},        {0.25, "0.2"},         {3, "3"},          {9.96, "10"},
      {123.4, "123"},    {9999.4, "9999"},   {9999.6, "10.0k"},     {99'949, "99.9k"}, {99'951, "100k"},
      {999'499, "999k"}, {999'500, "1.00M"}, {14'880'952, "14.9M"}, {1.5e18, "1.50E"}, {1.8e19, "18.0E"}};
  for (const auto& [number, text] : kCases) EXPECT_EQ(compact(number), text);
  EXPECT_EQ(compact(std::optional<double>{}), "-");
}

TEST(Duration, HasTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(59.9), "59 s");
  EXPECT_EQ(duration_text(60), "1 min 0 s");
  EXPECT_EQ(duration_text(3 * 3600 + 12 * 60 + 7), "3 h 12 min");
  EXPECT_EQ(duration_text(100 * 86400.0), "100 d 0 h");
}

TEST(Sparkline, TellsNothingFromUnknownAndLittleFromNothing) {
  const Series series{5, {}, 0, 0.001, 3.5, 7, 9};
  EXPECT_EQ(sparkline(series, 9, 7, kUnicode), "  ▆ ▁▂▅██");
  EXPECT_EQ(sparkline(series, 3, 7, kAscii), "=##");
  EXPECT_EQ(sparkline({0, 0}, 2, 0, kUnicode), "▁▁");
  EXPECT_EQ(sparkline({}, 3, 0, kUnicode), "   ");
}

TEST(Wrapped, BreaksBetweenWordsWhereItCan) {
  EXPECT_THAT(wrapped("is it running, and where?", 10, kAscii),
              ElementsAre("is it", "running,", "and where?"));
  EXPECT_THAT(wrapped("/run/synward/control.sock", 10, kAscii),
              ElementsAre("/run/synwa", "rd/control", ".sock"));
  EXPECT_THAT(wrapped("exactly ten", 7, kAscii), ElementsAre("exactly", "ten"));
  EXPECT_THAT(wrapped("東京", 1, kUnicode), ElementsAre("東", "京"));
  EXPECT_THAT(wrapped("", 10, kAscii), ElementsAre());
}

TEST(Styled, IsPlainWithoutColours) {
  EXPECT_EQ(styled("flooded", Style::kAlarm, {.colours = true}), "\033[1;31mflooded\033[m");
  EXPECT_EQ(styled("flooded", Style::kPlain, {.colours = true}), "flooded");
  EXPECT_EQ(styled("flooded", Style::kAlarm, kUnicode), "flooded");
}

}  // namespace
}  // namespace synward::control
