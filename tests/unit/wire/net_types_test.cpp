// Mirrors dataplane/wire/big_endian.hpp and net_types.hpp.
#include "dataplane/wire/net_types.hpp"

#include <cstring>

#include <gtest/gtest.h>

namespace synward::wire {
namespace {

TEST(BigEndian, LiesOnTheWireMostSignificantByteFirst) {
  const BigEndian32 value{0x01020304u};
  const std::array<std::uint8_t, 4> expected{1, 2, 3, 4};
  EXPECT_EQ(std::memcmp(&value, expected.data(), 4), 0);
  EXPECT_EQ(value.host(), 0x01020304u);
  EXPECT_EQ(BigEndian16{0xabcd}.host(), 0xabcd);
}

struct OrderCase {
  const char* name;
  std::uint32_t a, b;
  bool a_before_b;
};

class SeqNumOrder : public testing::TestWithParam<OrderCase> {};

TEST_P(SeqNumOrder, IsModular) {
  const auto& [name, a, b, expected] = GetParam();
  EXPECT_EQ(before(SeqNum{a}, SeqNum{b}), expected);
  EXPECT_EQ(at_or_before(SeqNum{a}, SeqNum{b}), expected || a == b);
}

constexpr OrderCase kOrder[] = {
    {.name = "Equal", .a = 5, .b = 5, .a_before_b = false},
    {.name = "Next", .a = 5, .b = 6, .a_before_b = true},
    {.name = "Previous", .a = 6, .b = 5, .a_before_b = false},
    {.name = "AcrossTheWrap", .a = 0xffffffff, .b = 0, .a_before_b = true},
    {.name = "BackAcrossTheWrap", .a = 0, .b = 0xffffffff, .a_before_b = false},
    {.name = "JustUnderHalfTheSpace", .a = 0, .b = 0x7fffffff, .a_before_b = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293Section34, SeqNumOrder, testing::ValuesIn(kOrder),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(SeqNumWindow, HoldsItsFirstByteAndNotTheOneBehindItsLast) {
  const SeqNum start{0xfffffff0};
  EXPECT_TRUE(in_window(start, start, 0x20));
  EXPECT_TRUE(in_window(SeqNum{0x0f}, start, 0x20));
  EXPECT_FALSE(in_window(SeqNum{0x10}, start, 0x20));
  EXPECT_FALSE(in_window(start - 1, start, 0x20));
  EXPECT_FALSE(in_window(start, start, 0));
}

}  // namespace
}  // namespace synward::wire
