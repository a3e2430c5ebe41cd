#include "tests/impair/delay_line.hpp"

#include <gtest/gtest.h>

namespace synward::impair {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1'000s};

Frame numbered(std::uint32_t number) { return Frame(1, std::byte(number)); }

TEST(DelayLine, GivesOutWhatIsDueInTheOrderOfTimeThenOfComing) {
  DelayLine line{10};
  for (const std::uint32_t i : {3u, 0u, 4u, 1u, 2u}) {
    const auto when = i < 3 ? kNow + 1ms : kNow + 2ms;
    ASSERT_TRUE(line.push({when, numbered(i)}));
  }
  EXPECT_EQ(line.next(), kNow + 1ms);
  EXPECT_FALSE(line.pop(kNow + 1ms - 1ns));
  for (const std::uint32_t i : {0u, 1u, 2u}) EXPECT_EQ(line.pop(kNow + 1ms), numbered(i));
  EXPECT_FALSE(line.pop(kNow + 1ms));
  for (const std::uint32_t i : {3u, 4u}) EXPECT_EQ(line.pop(kNow + 1s), numbered(i));
  EXPECT_FALSE(line.next());
}

TEST(DelayLine, IsBoundedAndDropsWhatComesLast) {
  DelayLine line{3};
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(line.push({kNow - i * 1us, numbered(i)}), i < 3);
  EXPECT_EQ(line.size(), 3u);
  for (const std::uint32_t i : {2u, 1u, 0u}) EXPECT_EQ(line.pop(kNow), numbered(i));
  EXPECT_TRUE(line.push({kNow, numbered(9)}));
  EXPECT_EQ(line.pop(kNow), numbered(9));
}

}  // namespace
}  // namespace synward::impair
