// Mirrors dataplane/wire/tcp_options.hpp.
#include "dataplane/wire/tcp_options.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::bytes_of;

/// What a list is to be read as; what is not named is absent.
struct OptionsCase {
  std::string_view name;
  Bytes list;
  std::optional<std::uint16_t> mss = {};
  std::optional<std::uint8_t> window_scale = {};
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps = {};
  std::optional<std::size_t> fast_open_bytes = {};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sack = {};
  bool malformed = false;
};

class ParseTcpOptions : public testing::TestWithParam<OptionsCase> {};

TEST_P(ParseTcpOptions, ReadsWhatIsThereAndNothingElse) {
  const auto& wanted = GetParam();
  const Bytes exact(wanted.list);  // exact size: ASan sees one byte too far
  const auto options = parse_tcp_options(exact);

  EXPECT_EQ(options.mss(), wanted.mss);
  EXPECT_EQ(options.window_scale(), wanted.window_scale);
  EXPECT_EQ(options.sack_permitted(), wanted.sack_permitted);
  EXPECT_EQ(options.timestamps(), wanted.timestamps);
  EXPECT_EQ(options.malformed(), wanted.malformed);
  ASSERT_EQ(options.fast_open().has_value(), wanted.fast_open_bytes.has_value());
  if (options.fast_open()) {
    EXPECT_EQ(options.fast_open()->size(), *wanted.fast_open_bytes);
  }
  ASSERT_EQ(options.sack().size(), wanted.sack.size());
  for (std::size_t i = 0; i < wanted.sack.size(); ++i) {
    EXPECT_EQ(options.sack()[i].left.host(), wanted.sack[i].first);
    EXPECT_EQ(options.sack()[i].right.host(), wanted.sack[i].second);
  }
}

const OptionsCase kCases[] = {
    {.name = "Empty", .list = {}},
    {.name = "LinuxSyn",
     .list = bytes_of({2, 4, 5, 0xb4, 4, 2, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 1, 3, 3, 7}),
     .mss = 1460,
     .window_scale = 7,
     .sack_permitted = true,
     .timestamps = TcpTimestamps{0x11223344, 0}},
    {.name = "WindowsSyn",
     .list = bytes_of({2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}),
     .mss = 1460,
     .window_scale = 8,
     .sack_permitted = true},
    {.name = "MacSyn",
     .list = bytes_of({2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 4, 2, 0, 0}),
     .mss = 1460,
     .window_scale = 6,
     .sack_permitted = true,
     .timestamps = TcpTimestamps{9, 0}},
    {.name = "EstablishedTimestamps",
     .list = bytes_of({1, 1, 8, 10, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}),
     .timestamps = TcpTimestamps{1, 0xffffffff}},
    {.name = "TimestampsWhereAppendixAPutsThem",
     .list = bytes_of({1, 1, 8, 10, 0xfe, 0, 0, 1, 0, 0, 0, 2}),
     .timestamps = TcpTimestamps{0xfe000001, 2}},
    {.name = "TimestampsAndASackBlock",
     .list = bytes_of({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4}),
     .timestamps = TcpTimestamps{1, 2},
     .sack = {{3, 4}}},
    {.name = "TimestampsAtAnOddOffset",
     .list = bytes_of({1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0}),
     .timestamps = TcpTimestamps{1, 2}},
    {.name = "EndHidesTheRest", .list = bytes_of({0, 2, 4, 5, 0xb4})},
    {.name = "NopsOnly", .list = Bytes(40, std::byte{1})},
    {.name = "WindowScaleZeroIsThere", .list = bytes_of({3, 3, 0}), .window_scale = 0},
    {.name = "WindowScaleFourteen", .list = bytes_of({3, 3, 14}), .window_scale = 14},
    {.name = "WindowScaleFifteenIsFourteen", .list = bytes_of({3, 3, 15}), .window_scale = 14},
    {.name = "WindowScale255IsFourteen", .list = bytes_of({3, 3, 255}), .window_scale = 14},
    {.name = "MssZeroIsThere", .list = bytes_of({2, 4, 0, 0}), .mss = 0},
    {.name = "MssLargest", .list = bytes_of({2, 4, 0xff, 0xff}), .mss = 65535},
    {.name = "UnknownIsSkipped", .list = bytes_of({99, 5, 2, 4, 5, 2, 4, 2, 0}), .mss = 512},
    {.name = "Md5AoAndMptcpAreSkipped",
     .list = bytes_of(
         {19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 4, 0, 0, 30, 4, 0, 0, 3, 3, 5}),
     .window_scale = 5},
    // Duplicates.
    {.name = "OfTwoMssTheFirst", .list = bytes_of({2, 4, 5, 0xb4, 2, 4, 2, 0}), .mss = 1460},
    {.name = "OfTwoScalesTheFirst", .list = bytes_of({3, 3, 7, 3, 3, 2}), .window_scale = 7},
    {.name = "OfTwoTimestampsTheFirst",
     .list = bytes_of({8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4}),
     .timestamps = TcpTimestamps{1, 2}},
    {.name = "OfTwoSacksTheFirst",
     .list = bytes_of({5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4}),
     .sack = {{1, 2}}},
    {.name = "OfTwoFastOpensTheFirst", .list = bytes_of({34, 2, 34, 6, 1, 2, 3, 4}), .fast_open_bytes = 0},
    // Lengths that a known kind cannot have.
    {.name = "MssOfLengthThree", .list = bytes_of({2, 3, 5, 3, 3, 7}), .window_scale = 7},
    {.name = "MssOfLengthTwoThenARightOne", .list = bytes_of({2, 2, 2, 4, 5, 0xb4}), .mss = 1460},
    {.name = "WindowScaleOfLengthFour", .list = bytes_of({3, 4, 7, 7, 4, 2}), .sack_permitted = true},
    {.name = "SackPermittedOfLengthThree", .list = bytes_of({4, 3, 0, 3, 3, 1}), .window_scale = 1},
    {.name = "TimestampsOfLengthNine",
     .list = bytes_of({8, 9, 0, 0, 0, 0, 0, 0, 0, 3, 3, 1}),
     .window_scale = 1},
    {.name = "SackOfNoBlocks", .list = bytes_of({5, 2, 3, 3, 1}), .window_scale = 1},
    {.name = "SackOfHalfABlock", .list = bytes_of({5, 6, 0, 0, 0, 1, 3, 3, 1}), .window_scale = 1},
    // SACK.
    {.name = "FourSackBlocks",
     .list = bytes_of({5, 34, 0, 0, 0, 1, 0, 0, 0, 2,    0,    0,    0,    3, 0, 0, 0,
                       4, 0,  0, 0, 5, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 8}),
     .sack = {{1, 2}, {3, 4}, {5, 6}, {0xffffffff, 8}}},
    // Fast Open.
    {.name = "FastOpenRequest", .list = bytes_of({34, 2}), .fast_open_bytes = 0},
    {.name = "FastOpenShortestCookie", .list = bytes_of({34, 6, 1, 2, 3, 4}), .fast_open_bytes = 4},
    {.name = "FastOpenLongestCookie",
     .list = bytes_of({34, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
     .fast_open_bytes = 16},
    {.name = "FastOpenCookieTooShort", .list = bytes_of({34, 4, 1, 2})},
    {.name = "FastOpenCookieOdd", .list = bytes_of({34, 7, 1, 2, 3, 4, 5})},
    {.name = "FastOpenCookieTooLong",
     .list =
         [] {
           Bytes list(20, std::byte{7});
           list[0] = std::byte{34};
           list[1] = std::byte{20};
           return list;
         }()},
    // Broken lists.
    {.name = "LengthZero", .list = bytes_of({3, 3, 7, 99, 0, 4, 2}), .window_scale = 7, .malformed = true},
    {.name = "LengthOne", .list = bytes_of({3, 3, 7, 2, 1, 4, 2}), .window_scale = 7, .malformed = true},
    {.name = "KindWithoutLength", .list = bytes_of({3, 3, 7, 2}), .window_scale = 7, .malformed = true},
    {.name = "OverrunByOne", .list = bytes_of({4, 2, 2, 4, 5}), .sack_permitted = true, .malformed = true},
    {.name = "OverrunOfAnUnknown",
     .list = bytes_of({4, 2, 99, 255, 0}),
     .sack_permitted = true,
     .malformed = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293, ParseTcpOptions, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

/// The short cut agrees with the long way for every list of the table.
TEST_P(ParseTcpOptions, TimestampsAloneAreTheSame) {
  const Bytes exact(GetParam().list);
  const auto elsewhere = [](std::span<const std::byte> list) { return parse_tcp_options(list).timestamps(); };
  EXPECT_EQ(parse_timestamps(exact, elsewhere), GetParam().timestamps);
}

TEST(TcpOptions, TheCookieIsTheSegmentsOwnBytes) {
  const auto list = bytes_of({1, 34, 6, 1, 2, 3, 4, 0});
  const auto options = parse_tcp_options(list);
  ASSERT_TRUE(options.fast_open());
  EXPECT_EQ(options.fast_open()->data(), list.data() + 3);
}

// ASan watches the reads; every span lies in the list.
TEST(TcpOptions, RandomListsEndSafely) {
  std::mt19937 random{1};
  constexpr std::uint8_t kLikely[] = {0, 1, 2, 3, 4, 5, 8, 10, 34, 18};
  for (int round = 0; round < 50'000; ++round) {
    Bytes list(random() % 41);
    for (auto& b : list) b = std::byte{random() % 4 ? kLikely[random() % 10] : std::uint8_t(random())};
    const auto options = parse_tcp_options(list);
    if (const auto scale = options.window_scale()) {
      ASSERT_LE(*scale, kMaxWindowScale);
    }
    ASSERT_LE(options.sack().size(), 4u);
    for (const auto& block : options.sack())
      ASSERT_LE(reinterpret_cast<const std::byte*>(&block + 1), list.data() + list.size());
  }
}

struct WriteCase {
  std::string_view name;
  SynOptions offer;
  Bytes written;
};

class WriteSynOptions : public testing::TestWithParam<WriteCase> {};

TEST_P(WriteSynOptions, LaysThemOutAsLinuxDoesAndTouchesNothingBehind) {
  Bytes out(GetParam().written.size() + 4, std::byte{0xa5});
  const auto bytes = write_syn_options(out.data(), GetParam().offer);
  auto expected = GetParam().written;
  EXPECT_EQ(bytes, expected.size());
  EXPECT_EQ(bytes % 4, 0u);
  expected.resize(out.size(), std::byte{0xa5});
  EXPECT_EQ(out, expected);

  const auto read = parse_tcp_options(std::span{out}.first(bytes));
  EXPECT_EQ(read.mss(), GetParam().offer.mss);
  EXPECT_EQ(read.window_scale(), GetParam().offer.window_scale);
  EXPECT_EQ(read.sack_permitted(), GetParam().offer.sack_permitted);
  EXPECT_EQ(read.timestamps(), GetParam().offer.timestamps);
  EXPECT_FALSE(read.malformed());
}

const WriteCase kWrites[] = {
    {.name = "Nothing", .offer = {}, .written = {}},
    {.name = "Mss", .offer = {.mss = 1460}, .written = bytes_of({2, 4, 5, 0xb4})},
    {.name = "WindowScaleZero", .offer = {.window_scale = 0}, .written = bytes_of({1, 3, 3, 0})},
    {.name = "SackPermitted", .offer = {.sack_permitted = true}, .written = bytes_of({1, 1, 4, 2})},
    {.name = "Timestamps",
     .offer = {.timestamps = TcpTimestamps{0x01020304, 0xfffefdfc}},
     .written = bytes_of({1, 1, 8, 10, 1, 2, 3, 4, 0xff, 0xfe, 0xfd, 0xfc})},
    {.name = "NoTimestamps",
     .offer = {.mss = 65535, .window_scale = 14, .sack_permitted = true},
     .written = bytes_of({2, 4, 0xff, 0xff, 1, 1, 4, 2, 1, 3, 3, 14})},
    {.name = "All",
     .offer = {.mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = TcpTimestamps{1, 2}},
     .written = bytes_of({2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7})},
};
INSTANTIATE_TEST_SUITE_P(Rfc7323, WriteSynOptions, testing::ValuesIn(kWrites),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(WriteTimestamps, WritesTwelveBytesAndNothingBehind) {
  Bytes out(kTimestampsBytes + 1, std::byte{0xa5});
  EXPECT_EQ(write_timestamps(out.data(), {0x01020304, 0x05060708}), kTimestampsBytes);
  EXPECT_EQ(out, bytes_of({1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5}));
}

}  // namespace
}  // namespace synward::wire
