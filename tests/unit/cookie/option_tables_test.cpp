// Mirrors dataplane/cookie/option_tables.hpp.
#include "dataplane/cookie/option_tables.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/cookie/cookie_fixture.hpp"

namespace synward::cookie {
namespace {

template <typename T>
class Tables : public testing::Test {};
TYPED_TEST_SUITE(Tables, Families, FamilyNames);

TYPED_TEST(Tables, MssNeverRoundsUpNorFurtherThanTheNextEntry) {
  constexpr auto kFamily = TypeParam::value;
  for (const bool timestamps : {false, true}) {
    std::uint16_t last = kLeastMss;
    for (std::uint32_t mss = kLeastMss; mss <= 65535; ++mss) {
      const ClientOptions offered{.mss = static_cast<std::uint16_t>(mss), .timestamps = timestamps};
      const ClientOptions remembered = kept<kFamily>(offered);
      ASSERT_LE(remembered.mss, mss);
      ASSERT_GE(remembered.mss, last);
      ASSERT_EQ(kept<kFamily>(remembered), remembered);  // an entry of the table stands for itself
      last = remembered.mss;
    }
  }
}

TYPED_TEST(Tables, EveryBitPatternIsAnEntryOfItsOwn) {
  constexpr auto kFamily = TypeParam::value;
  for (std::uint32_t isn = 0; isn < 128; ++isn) {
    const OptionBits without = encode_options<kFamily>(decode_options<kFamily>({.isn = isn, .timestamp = 0}));
    EXPECT_EQ(without.isn, isn);
    EXPECT_EQ(without.timestamp, 0u);
    for (std::uint32_t low = 0; low < 64; ++low) {
      const OptionBits bits{.isn = isn, .timestamp = kTimestampsOffered | low};
      const OptionBits again = encode_options<kFamily>(decode_options<kFamily>(bits));
      EXPECT_EQ(again.isn, isn);
      EXPECT_EQ(again.timestamp, bits.timestamp);
    }
  }
}

TYPED_TEST(Tables, TellWindowScaleZeroFromNoWindowScale) {
  constexpr auto kFamily = TypeParam::value;
  for (const bool timestamps : {false, true}) {
    const ClientOptions none{.mss = 1460, .window_scale = std::nullopt, .timestamps = timestamps};
    const ClientOptions zero{.mss = 1460, .window_scale = std::uint8_t{0}, .timestamps = timestamps};
    EXPECT_EQ(kept<kFamily>(none).window_scale, std::nullopt);
    EXPECT_EQ(kept<kFamily>(zero).window_scale, std::uint8_t{0});
  }
}

TYPED_TEST(Tables, WithTimestampsEveryOptionButMssIsExact) {
  constexpr auto kFamily = TypeParam::value;
  for (std::uint8_t scale = 0; scale <= 14; ++scale) {
    const ClientOptions offered{.mss = 1460, .window_scale = scale, .timestamps = true, .ecn = true};
    EXPECT_EQ(kept<kFamily>(offered), offered);
  }
}

TYPED_TEST(Tables, WithoutTimestampsWindowScaleRoundsDownAndEcnIsLost) {
  constexpr auto kFamily = TypeParam::value;
  constexpr std::uint8_t kExpected[] = {0, 0, 2, 2, 4, 4, 6, 7, 8, 8, 10, 10, 10, 10, 10};
  for (std::uint8_t scale = 0; scale <= 14; ++scale) {
    const auto remembered = kept<kFamily>({.mss = 1460, .window_scale = scale, .ecn = true});
    EXPECT_EQ(remembered.window_scale, kExpected[scale]);
    EXPECT_FALSE(remembered.ecn);
  }
}

TYPED_TEST(Tables, WindowScaleAbove14Means14) {
  const auto remembered =
      kept<TypeParam::value>({.mss = 1460, .window_scale = std::uint8_t{255}, .timestamps = true});
  EXPECT_EQ(remembered.window_scale, std::uint8_t{14});
}

struct MssCase {
  std::string_view name;
  bool timestamps;
  std::uint16_t offered, ipv4, ipv6;
};

class Mss : public testing::TestWithParam<MssCase> {};

TEST_P(Mss, IsRememberedAs) {
  const auto& [name, timestamps, offered, ipv4, ipv6] = GetParam();
  const ClientOptions options{.mss = offered, .timestamps = timestamps};
  EXPECT_EQ(kept<wire::Family::kIpv4>(options).mss, ipv4);
  EXPECT_EQ(kept<wire::Family::kIpv6>(options).mss, ipv6);
}

constexpr MssCase kMss[] = {
    {.name = "Least", .timestamps = false, .offered = kLeastMss, .ipv4 = 56, .ipv6 = 56},
    {.name = "Ipv4Default",
     .timestamps = false,
     .offered = kDefaultMss<wire::Family::kIpv4>,
     .ipv4 = 536,
     .ipv6 = 56},
    {.name = "Ipv6Default",
     .timestamps = false,
     .offered = kDefaultMss<wire::Family::kIpv6>,
     .ipv4 = 536,
     .ipv6 = 1220},
    {.name = "Asa", .timestamps = false, .offered = 1380, .ipv4 = 1380, .ipv6 = 1380},
    {.name = "EthernetIpv6", .timestamps = false, .offered = 1440, .ipv4 = 1440, .ipv6 = 1440},
    {.name = "Pppoe", .timestamps = false, .offered = 1452, .ipv4 = 1452, .ipv6 = 1440},
    {.name = "PppoeIpv6", .timestamps = false, .offered = 1432, .ipv4 = 1400, .ipv6 = 1432},
    {.name = "Ethernet", .timestamps = false, .offered = 1460, .ipv4 = 1460, .ipv6 = 1440},
    {.name = "OneBelowEthernet", .timestamps = false, .offered = 1459, .ipv4 = 1452, .ipv6 = 1440},
    {.name = "FineLeast", .timestamps = true, .offered = kLeastMss, .ipv4 = 56, .ipv6 = 56},
    {.name = "FineIpv4Default", .timestamps = true, .offered = 536, .ipv4 = 536, .ipv6 = 536},
    {.name = "FineIpv6Default", .timestamps = true, .offered = 1220, .ipv4 = 1220, .ipv6 = 1220},
    {.name = "FinePppoeIpv6", .timestamps = true, .offered = 1432, .ipv4 = 1432, .ipv6 = 1432},
    {.name = "FineEthernetIpv6", .timestamps = true, .offered = 1440, .ipv4 = 1440, .ipv6 = 1440},
    {.name = "FinePppoe", .timestamps = true, .offered = 1452, .ipv4 = 1452, .ipv6 = 1452},
    {.name = "FineEthernet", .timestamps = true, .offered = 1460, .ipv4 = 1460, .ipv6 = 1460},
    {.name = "FineJumbo", .timestamps = true, .offered = 8960, .ipv4 = 8960, .ipv6 = 8960},
    {.name = "FineCloudJumbo", .timestamps = true, .offered = 8961, .ipv4 = 8960, .ipv6 = 8960},
    {.name = "FineLoopback", .timestamps = true, .offered = 65495, .ipv4 = 9860, .ipv6 = 9860},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293Section371, Mss, testing::ValuesIn(kMss),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::cookie
