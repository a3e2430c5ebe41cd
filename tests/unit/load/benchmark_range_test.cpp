// Mirrors bench/load/benchmark_range.hpp: what must never be loaded, nor pretended to be.
#include "bench/load/benchmark_range.hpp"

#include <stdexcept>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::load {
namespace {

struct Case {
  std::string_view name, text;
};
std::string name_of(const testing::TestParamInfo<Case>& test) { return std::string{test.param.name}; }

template <typename Parse>
std::string refusal_of(Parse&& parse) {
  try {
    (void)parse();
  } catch (const std::invalid_argument& refusal) {
    return refusal.what();
  }
  return "taken";
}

class OutsideTarget : public testing::TestWithParam<Case> {};
TEST_P(OutsideTarget, IsRefusedAndTheRangesAreNamed) {
  const std::string text{GetParam().text};
  EXPECT_EQ(refusal_of([&] { return Target::parse(text); }), text + ": " + kOnlyBenchmarkRanges);
}
constexpr Case kOutsideTargets[] = {
    {.name = "JustBelow", .text = "198.17.255.255:80"},
    {.name = "JustAbove", .text = "198.20.0.0:80"},
    {.name = "Public", .text = "8.8.8.8:443"},
    {.name = "Private", .text = "192.168.1.1:80"},
    {.name = "Loopback", .text = "127.0.0.1:80"},
    {.name = "Broadcast", .text = "255.255.255.255:80"},
    {.name = "JustBelow6", .text = "[2001:1:ffff:ffff:ffff:ffff:ffff:ffff]:80"},
    {.name = "JustAbove6", .text = "[2001:2:1::]:80"},
    {.name = "Public6", .text = "[2001:4860:4860::8888]:443"},
    {.name = "Mapped", .text = "[::ffff:198.18.0.10]:443"},
};
INSTANTIATE_TEST_SUITE_P(BenchmarkRange, OutsideTarget, testing::ValuesIn(kOutsideTargets), name_of);

class OutsideSource : public testing::TestWithParam<Case> {};
TEST_P(OutsideSource, IsRefusedAndTheRangesAreNamed) {
  const std::string text{GetParam().text};
  EXPECT_EQ(refusal_of([&] { return SourcePrefix::parse(text); }), text + ": " + kOnlyBenchmarkRanges);
}
constexpr Case kOutsideSources[] = {
    {.name = "Everything", .text = "0.0.0.0/0"},     {.name = "OneBitWider", .text = "198.18.0.0/14"},
    {.name = "Public", .text = "8.8.8.0/24"},        {.name = "Everything6", .text = "::/0"},
    {.name = "OneBitWider6", .text = "2001:2::/47"}, {.name = "Neighbour6", .text = "2001:2:1::/48"},
};
INSTANTIATE_TEST_SUITE_P(BenchmarkRange, OutsideSource, testing::ValuesIn(kOutsideSources), name_of);

class InsideTarget : public testing::TestWithParam<Case> {};
TEST_P(InsideTarget, IsTakenAndReadsAsItWasWritten) {
  const std::string text{GetParam().text};
  EXPECT_EQ(Target::parse(text).text(), text);
}
constexpr Case kInsideTargets[] = {
    {.name = "First", .text = "198.18.0.0:1"},
    {.name = "Last", .text = "198.19.255.255:65535"},
    {.name = "First6", .text = "[2001:2::]:443"},
    {.name = "Last6", .text = "[2001:2:0:ffff:ffff:ffff:ffff:ffff]:443"},
};
INSTANTIATE_TEST_SUITE_P(BenchmarkRange, InsideTarget, testing::ValuesIn(kInsideTargets), name_of);

class NoTarget : public testing::TestWithParam<Case> {};
TEST_P(NoTarget, IsRefusedWithAnExample) {
  EXPECT_THAT(refusal_of([&] { return Target::parse(std::string{GetParam().text}); }),
              testing::HasSubstr("like 198.18.0.10:443"));
}
constexpr Case kNoTargets[] = {
    {.name = "Empty", .text = ""},
    {.name = "NoPort", .text = "198.18.0.10"},
    {.name = "EmptyPort", .text = "198.18.0.10:"},
    {.name = "PortZero", .text = "198.18.0.10:0"},
    {.name = "PortTooHigh", .text = "198.18.0.10:65536"},
    {.name = "PortWithMore", .text = "198.18.0.10:80x"},
    {.name = "Name", .text = "localhost:80"},
    {.name = "NoBrackets", .text = "2001:2::10:443"},
    {.name = "BracketsAroundIpv4", .text = "[198.18.0.10]:443"},
    {.name = "HalfABracket", .text = "[2001:2::10:443"},
};
INSTANTIATE_TEST_SUITE_P(BenchmarkRange, NoTarget, testing::ValuesIn(kNoTargets), name_of);

TEST(SourcePrefixes, ForgetTheirHostBits) {
  const auto prefix = SourcePrefix::parse("198.19.255.255/17");
  EXPECT_EQ(std::get<wire::Ipv4Address>(prefix.address()), (wire::Ipv4Address{{198, 19, 128, 0}}));
  EXPECT_EQ(prefix.bits(), 17u);
  EXPECT_EQ(SourcePrefix::parse("2001:2::1").bits(), 128u);
}

TEST(SourcePrefixes, AreRefusedWhenTheyAreNone) {
  for (const char* text : {"", "/16", "198.19.0.0/33", "198.19.0.0/", "2001:2::/129", "198.19.0.0/x"})
    EXPECT_THAT(refusal_of([&] { return SourcePrefix::parse(text); }), testing::HasSubstr("ADDRESS/BITS"))
        << text;
}

}  // namespace
}  // namespace synward::load
