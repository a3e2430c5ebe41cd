#include "dataplane/handshake/negotiation.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace synward::handshake {
namespace {

struct MssCase {
  std::string_view name;
  wire::Family family;
  std::uint16_t ours;
  std::optional<std::uint16_t> peers;
  std::uint16_t send_mss;
};
class SendMss : public testing::TestWithParam<MssCase> {};

TEST_P(SendMss, IsTheSmallerOfBoth) {
  const auto& row = GetParam();
  EXPECT_EQ(negotiate({.mss = row.ours, .family = row.family}, {.mss = row.peers}).send_mss, row.send_mss);
}

using wire::Family;
constexpr MssCase kMssCases[] = {
    {.name = "PeersIsSmaller", .family = Family::kIpv4, .ours = 1460, .peers = 1400, .send_mss = 1400},
    {.name = "OursIsSmaller", .family = Family::kIpv4, .ours = 1200, .peers = 9000, .send_mss = 1200},
    {.name = "AbsentOverIpv4", .family = Family::kIpv4, .ours = 1460, .peers = {}, .send_mss = 536},
    {.name = "AbsentOverIpv6", .family = Family::kIpv6, .ours = 1440, .peers = {}, .send_mss = 1220},
    {.name = "AbsentAndOursIsSmaller", .family = Family::kIpv6, .ours = 700, .peers = {}, .send_mss = 700},
    {.name = "ZeroIsRaised", .family = Family::kIpv4, .ours = 1460, .peers = 0, .send_mss = 48},
    {.name = "LargestThereIs", .family = Family::kIpv6, .ours = 65535, .peers = 65535, .send_mss = 65535},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293Section3_7_1, SendMss, testing::ValuesIn(kMssCases),
                         [](const auto& test) { return std::string(test.param.name); });

struct BothOrNoneCase {
  std::string_view name;
  bool ours, peers;
};
class BothOrNone : public testing::TestWithParam<BothOrNoneCase> {};

TEST_P(BothOrNone, AnOptionHoldsWhenBothOfferIt) {
  const auto& [name, ours, peers] = GetParam();
  EndpointOptions us{.window_scale = {}, .sack = ours, .timestamps = ours};
  wire::SynOptions peer{.sack_permitted = peers};
  if (ours) us.window_scale = 7;
  if (peers) peer.window_scale = 3, peer.timestamps = wire::TcpTimestamps{4711, 0};
  const Negotiated agreed = negotiate(us, peer);

  EXPECT_EQ(agreed.wind_scale_ok, ours && peers);
  EXPECT_EQ(agreed.sack_permitted, ours && peers);
  EXPECT_EQ(agreed.ts_ok, ours && peers);
  EXPECT_EQ(agreed.snd_wind_shift, ours && peers ? 3 : 0);
  EXPECT_EQ(agreed.rcv_wind_shift, ours && peers ? 7 : 0);
  EXPECT_EQ(agreed.ts_recent, ours && peers ? 4711u : 0u);
}

TEST_P(BothOrNone, TheSynAckOffersNothingThatTheSynDidNot) {
  const auto& [name, ours, peers] = GetParam();
  EndpointOptions us{.mss = 1300, .window_scale = {}, .sack = ours, .timestamps = ours};
  wire::SynOptions peer{.sack_permitted = peers};
  if (ours) us.window_scale = 7;
  if (peers) peer.window_scale = 3, peer.timestamps = wire::TcpTimestamps{4711, 0};
  const wire::SynOptions answer = syn_ack_options(us, negotiate(us, peer), 99);

  EXPECT_EQ(answer.mss, std::optional<std::uint16_t>{1300});
  EXPECT_EQ(answer.window_scale, ours && peers ? std::optional<std::uint8_t>{7} : std::nullopt);
  EXPECT_EQ(answer.sack_permitted, ours && peers);
  EXPECT_EQ(answer.timestamps, (ours && peers ? std::optional{wire::TcpTimestamps{99, 4711}} : std::nullopt));
}

constexpr BothOrNoneCase kBothOrNone[] = {
    {.name = "Neither", .ours = false, .peers = false},
    {.name = "OnlyWe", .ours = true, .peers = false},
    {.name = "OnlyThePeer", .ours = false, .peers = true},
    {.name = "Both", .ours = true, .peers = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc7323, BothOrNone, testing::ValuesIn(kBothOrNone),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(SynOptions, OfferAllThatTheEndpointHasAndEchoNothing) {
  const auto options = syn_options({.mss = 1300, .window_scale = 0}, 99);
  EXPECT_EQ(options.mss, std::optional<std::uint16_t>{1300});
  EXPECT_EQ(options.window_scale, std::optional<std::uint8_t>{0});  // offered, and zero
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps, (wire::TcpTimestamps{99, 0}));
}

TEST(WindowScale, ZeroIsAgreedLikeAnyOther) {
  EXPECT_TRUE(negotiate({.window_scale = 0}, {.window_scale = 0}).wind_scale_ok);
}

TEST(WindowScale, AboveFourteenCountsAsFourteen) {  // RFC 7323 2.3
  EXPECT_EQ(negotiate({}, {.window_scale = 200}).snd_wind_shift, 14);
}

struct WindowCase {
  std::string_view name;
  std::uint32_t bytes;
  std::uint8_t shift;
  std::uint16_t in_syn, later;
};
class Window : public testing::TestWithParam<WindowCase> {};

TEST_P(Window, IsScaledBehindTheSynOnly) {
  const auto& row = GetParam();
  const EndpointOptions us{.window_bytes = row.bytes, .window_scale = row.shift};
  EXPECT_EQ(syn_window(us), row.in_syn);
  EXPECT_EQ(scaled_window(us, negotiate(us, {.window_scale = 1})), row.later);
}

constexpr WindowCase kWindows[] = {
    {.name = "Unscaled", .bytes = 5000, .shift = 0, .in_syn = 5000, .later = 5000},
    {.name = "Even", .bytes = 65536, .shift = 7, .in_syn = 65535, .later = 512},
    {.name = "RoundedUpSoThatNothingIsTakenBack", .bytes = 65535, .shift = 7, .in_syn = 65535, .later = 512},
    {.name = "NeverRoundedToZero", .bytes = 1, .shift = 14, .in_syn = 1, .later = 1},
    {.name = "ZeroStaysZero", .bytes = 0, .shift = 14, .in_syn = 0, .later = 0},
    {.name = "LargestThereIs", .bytes = 65535u << 14, .shift = 14, .in_syn = 65535, .later = 65535},
    {.name = "MoreThanTheScaleCanSay", .bytes = 1u << 30, .shift = 0, .in_syn = 65535, .later = 65535},
};
INSTANTIATE_TEST_SUITE_P(Rfc7323Section2, Window, testing::ValuesIn(kWindows),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::handshake
