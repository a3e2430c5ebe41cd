// Mirrors dataplane/cookie/cookie.hpp: what a cookie carries, and how long it lives.
#include "dataplane/cookie/cookie.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cookie/cookie_fixture.hpp"

namespace synward::cookie {
namespace {

template <typename T>
class CookieOf : public testing::Test {};
TYPED_TEST_SUITE(CookieOf, Families, FamilyNames);

/// Every value that the cookie tells apart, and a few between.
std::vector<ClientOptions> every_offer() {
  std::vector<std::optional<std::uint8_t>> scales{std::nullopt};
  for (std::uint8_t scale = 0; scale <= 14; ++scale) scales.emplace_back(scale);
  std::vector<ClientOptions> offers;
  constexpr std::uint16_t kMss[] = {56, 57, 535, 536, 1220, 1300, 1379, 1380, 1440, 1459, 1460, 8960, 65535};
  for (const std::uint16_t mss : kMss)
    for (const auto& scale : scales)
      for (const unsigned flags : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u})
        offers.push_back({.mss = mss,
                          .window_scale = scale,
                          .sack_permitted = (flags & 1) != 0,
                          .timestamps = (flags & 2) != 0,
                          .ecn = (flags & 4) != 0});
  return offers;
}

TYPED_TEST(CookieOf, ComesBackWithEveryOptionItKeptInThisSlotAndTheNext) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  for (const ClientOptions& offered : every_offer()) {
    SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
    const Cookie cookie = mint<kFamily>(keys, tuple, offered);
    for (const std::uint64_t age_slots : {0u, 1u}) {
      keys.advance(kNoon + age_slots * kSlotMs);
      const auto admission = check<kFamily>(keys, tuple, ack_of(cookie, offered));
      ASSERT_TRUE(admission);
      EXPECT_EQ(admission->options, kept<kFamily>(offered));
      EXPECT_EQ(admission->slot, slot_at(kNoon));
    }
    keys.advance(kNoon + 2 * kSlotMs);
    EXPECT_FALSE(check<kFamily>(keys, tuple, ack_of(cookie, offered)));
  }
}

struct LifeCase {
  std::string_view name;
  std::uint64_t minted_ms, checked_ms;  // since a slot began
  bool valid;
};

class CookieLife : public testing::TestWithParam<LifeCase> {};

TEST_P(CookieLife, Is64To128SecondsAndToleratesFiveSecondsOfSkew) {
  const auto& [name, minted_ms, checked_ms, valid] = GetParam();
  const Tuple<wire::Family::kIpv4> tuple;
  const SlotKeys minter(crypto::best_aes(), test_ring(), kSlotStart + minted_ms);
  const SlotKeys validator(crypto::best_aes(), test_ring(), kSlotStart + checked_ms);
  const Cookie cookie = mint<wire::Family::kIpv4>(minter, tuple, kLinux);
  EXPECT_EQ(check<wire::Family::kIpv4>(validator, tuple, ack_of(cookie, kLinux)).has_value(), valid);
}

constexpr LifeCase kLives[] = {
    {.name = "AtOnce", .minted_ms = 0, .checked_ms = 0, .valid = true},
    {.name = "LongestLife", .minted_ms = 0, .checked_ms = 127'999, .valid = true},
    {.name = "LongestLifeIsOver", .minted_ms = 0, .checked_ms = 128'000, .valid = false},
    {.name = "ShortestLife", .minted_ms = 63'999, .checked_ms = 127'999, .valid = true},
    {.name = "ShortestLifeIsOver", .minted_ms = 63'999, .checked_ms = 128'000, .valid = false},
    {.name = "MinterFiveSecondsAheadOverTheEdge", .minted_ms = 64'000, .checked_ms = 59'000, .valid = true},
    {.name = "MinterTooFarAhead", .minted_ms = 64'000, .checked_ms = 58'999, .valid = false},
    {.name = "MinterAheadInTheLastMillisecond", .minted_ms = 68'998, .checked_ms = 63'999, .valid = true},
    {.name = "MinterFiveSecondsBehindOverTheEdge", .minted_ms = 63'999, .checked_ms = 68'998, .valid = true},
    {.name = "OldCookieWhileTwoCandidatesAreTried", .minted_ms = 0, .checked_ms = 123'000, .valid = true},
};
INSTANTIATE_TEST_SUITE_P(Slots, CookieLife, testing::ValuesIn(kLives),
                         [](const auto& test) { return std::string(test.param.name); });

TYPED_TEST(CookieOf, IsTheSameForARetransmittedSynInItsSlotAndAnotherAfter) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kSlotStart);
  const Cookie first = mint<kFamily>(keys, tuple, kLinux);
  keys.advance(kSlotStart + kSlotMs - 1);
  EXPECT_EQ(mint<kFamily>(keys, tuple, kLinux).isn, first.isn);
  keys.advance(kSlotStart + kSlotMs);
  EXPECT_NE(mint<kFamily>(keys, tuple, kLinux).isn, first.isn);
}

TYPED_TEST(CookieOf, LowByteSelectsTheSlotThatMintedItBeforeAnyAes) {
  constexpr auto kFamily = TypeParam::value;
  Tuple<kFamily> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  for (std::uint32_t isn = 0; isn < 1000; ++isn) {
    tuple.client_isn = wire::SeqNum{isn};
    keys.advance(kNoon);
    const Cookie cookie = mint<kFamily>(keys, tuple, kWindows);
    for (const std::uint64_t age_slots : {0u, 1u}) {
      keys.advance(kNoon + age_slots * kSlotMs);
      const SlotCandidates candidates = keys.candidates(slot_parity(cookie.isn));
      ASSERT_EQ(candidates.size(), 1u);
      EXPECT_EQ(*candidates.begin(), slot_at(kNoon));
    }
  }
}

TYPED_TEST(CookieOf, BatchesOfAnySizeAgreeWithSingleCookies) {
  constexpr auto kFamily = TypeParam::value;
  // 60 s into the slot, so that previous, current and next slot occur in one batch.
  const std::uint64_t now = kSlotStart + 60'000;
  const SlotKeys keys(crypto::best_aes(), test_ring(), now);
  const SlotKeys minters[] = {SlotKeys(crypto::best_aes(), test_ring(), now - kSlotMs), keys,
                              SlotKeys(crypto::best_aes(), test_ring(), now + kSkewMs)};
  for (const std::size_t n : {0u, 1u, 7u, 32u, 63u, 64u, 65u, 130u}) {
    std::vector<Message<kFamily>> messages(n);
    std::vector<ClientOptions> offered(n, kWindows);
    std::vector<CookieAck> acks;
    std::vector<Cookie> cookies(n);
    Tuple<kFamily> tuple;
    for (std::size_t i = 0; i < n; ++i) {
      tuple.client_isn += 1;
      messages[i] = tuple.message();
      if (i % 3 == 0) offered[i] = kLinux;
      acks.push_back(ack_of(mint<kFamily>(minters[i % 3], tuple, offered[i]), offered[i]));
      if (i % 5 == 0) acks[i].isn += 256;  // a forgery in every fifth lane
    }
    make_cookies<kFamily>(keys, messages.data(), offered.data(), cookies.data(), n);
    std::vector<std::optional<Admission>> admissions(n, Admission{});
    check_cookies<kFamily>(keys, messages.data(), acks.data(), admissions.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 3 == 1 && i % 5 != 0) {
        EXPECT_EQ(cookies[i].isn, acks[i].isn);
      }
      ASSERT_EQ(admissions[i].has_value(), i % 5 != 0) << i;
      if (admissions[i]) {
        EXPECT_EQ(admissions[i]->slot, minters[i % 3].current());
        EXPECT_EQ(admissions[i]->options, kept<kFamily>(offered[i]));
      }
    }
  }
}

// Nodes of a fleet, and versions, must agree on every bit. The numbers come from an independent computation
// with OpenSSL's AES, not from this code.
TEST(CookieFormat, IsPinned) {
  const SlotKeys keys(crypto::portable_aes(), test_ring(), kNoon);
  const Cookie v4 = mint<wire::Family::kIpv4>(keys, {}, kLinux);
  const Cookie v6 = mint<wire::Family::kIpv6>(keys, {}, kLinux);
  EXPECT_EQ(v4.isn.value(), 0x55327bb6u);
  EXPECT_EQ(v4.tsval, 0x09471adfu);
  EXPECT_EQ(v6.isn.value(), 0x144ad5f7u);
  EXPECT_EQ(v6.tsval, 0x70b5dc5fu);
}

TEST(CookieFormat, Ipv4MessageIsTheSynsOwnBytes) {
  const Tuple<wire::Family::kIpv4> tuple;
  const std::uint8_t syn[] = {198, 18, 0, 1, 198, 18, 0, 10, 0x9c, 0x40, 0x01, 0xbb, 0x01, 0x02, 0x03, 0x04};
  const auto message = tuple.message();
  EXPECT_EQ(std::memcmp(&message, syn, sizeof syn), 0);
}

TEST(CookieFormat, IsnsLookRandom) {
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  Tuple<wire::Family::kIpv4> tuple;
  std::array<std::uint32_t, 32> ones{};
  constexpr std::uint32_t kSamples = 10'000;
  for (std::uint32_t i = 0; i < kSamples; ++i) {
    tuple.client_isn = wire::SeqNum{i};
    const std::uint32_t isn = mint<wire::Family::kIpv4>(keys, tuple, kWindows).isn.value();
    for (std::size_t bit = 0; bit < 32; ++bit) ones[bit] += isn >> bit & 1;
  }
  for (const std::uint32_t count : ones) EXPECT_NEAR(count, kSamples / 2.0, 250);  // 5 standard deviations
}

TEST(CookieTsval, NeverExceedsTheFlowsClockAndCarriesTheOptions) {
  std::mt19937 random{7};
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint32_t clock = i < 200 ? i - 100 : static_cast<std::uint32_t>(random());
    const OptionBits bits{.isn = 0, .timestamp = kTimestampsOffered | i % 64};
    const std::uint32_t tsval = detail::compose_tsval(clock, bits);
    EXPECT_LT(clock - tsval, 64u);  // modulo 2^32: from 0 to 63 ms behind
    EXPECT_EQ(tsval & kTsvalOptionMask, bits.timestamp & kTsvalOptionMask);
  }
}

TYPED_TEST(CookieOf, TsvalNeverGoesBackOverRetransmittedSynsAndTheConnection) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kSlotStart);
  std::uint32_t last = mint<kFamily>(keys, tuple, kLinux).tsval;
  Cookie cookie{};
  for (std::uint64_t ms = 0; ms < kSlotMs; ms += 7) {
    keys.advance(kSlotStart + ms);
    cookie = mint<kFamily>(keys, tuple, kLinux);
    ASSERT_LT(cookie.tsval - last, 128u);  // modulo 2^32: not back
    last = cookie.tsval;
  }
  for (const std::uint64_t later : {0u, 1u, 300u, 64'000u}) {
    keys.advance(kSlotStart + kSlotMs - 1 + later);
    const auto admission = check<kFamily>(keys, tuple, ack_of(cookie, kLinux));
    ASSERT_TRUE(admission);
    EXPECT_LE(admission->tsval_now - last, later + 70);
  }
}

TEST(CookieTsval, GoesOnFromWhatTheClientSawWhenTheMintersClockIsAhead) {
  constexpr auto kFamily = wire::Family::kIpv4;
  const Tuple<kFamily> tuple;
  const SlotKeys ahead(crypto::best_aes(), test_ring(), kNoon + kSkewMs);
  const SlotKeys behind(crypto::best_aes(), test_ring(), kNoon);
  const Cookie cookie = mint<kFamily>(ahead, tuple, kLinux);
  const auto admission = check<kFamily>(behind, tuple, ack_of(cookie, kLinux));
  ASSERT_TRUE(admission);
  EXPECT_EQ(admission->tsval_now, cookie.tsval);
}

TEST(CookieAge, IsExactTo64MillisecondsWithTimestampsAndToTheSlotWithout) {
  constexpr auto kFamily = wire::Family::kIpv6;
  const Tuple<kFamily> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const CookieAck linux = ack_of(mint<kFamily>(keys, tuple, kLinux), kLinux);
  const CookieAck windows = ack_of(mint<kFamily>(keys, tuple, kWindows), kWindows);
  for (const std::uint64_t age : {0u, 1u, 63u, 64u, 1'000u, 31'999u, 32'000u, 70'000u, 95'999u}) {
    keys.advance(kNoon + age);
    const auto exact = check<kFamily>(keys, tuple, linux);
    const auto by_slot = check<kFamily>(keys, tuple, windows);
    ASSERT_TRUE(exact && by_slot) << age;
    EXPECT_LE(exact->least_age_ms, age);
    EXPECT_GE(exact->least_age_ms + 63, age);
    EXPECT_EQ(by_slot->least_age_ms, age < 32'000 ? 0 : age - 32'000) << age;  // it may be of the slot's end
  }
}

TEST(CookieTsval, AnEchoThatWeCannotHaveSentMovesNothing) {
  constexpr auto kFamily = wire::Family::kIpv4;
  const Tuple<kFamily> tuple;
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const Cookie cookie = mint<kFamily>(keys, tuple, kLinux);
  const auto honest = check<kFamily>(keys, tuple, ack_of(cookie, kLinux));
  constexpr auto kTooFar = static_cast<std::uint32_t>(2 * kSlotMs + kTsvalOptionMask + 1);
  for (const std::uint32_t shift : {kTooFar & ~kTsvalOptionMask, 0x80000000u, std::uint32_t(-64)}) {
    const auto admission = check<kFamily>(keys, tuple, {.isn = cookie.isn, .tsecr = cookie.tsval + shift});
    ASSERT_TRUE(admission);  // the bits above the options are not under the MAC
    EXPECT_EQ(admission->tsval_now, honest->tsval_now);
  }
}

}  // namespace
}  // namespace synward::cookie
