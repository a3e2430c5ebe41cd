// Mirrors the threat model of dataplane/cookie/cookie.hpp: every sentence with a number in it.
#include <cmath>
#include <random>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cookie/cookie_fixture.hpp"

namespace synward::cookie {
namespace {

template <typename T>
class Forgery : public testing::Test {};
TYPED_TEST_SUITE(Forgery, Families, FamilyNames);

TYPED_TEST(Forgery, NoBitOfTheTupleOrTheClientIsnMayChange) {
  constexpr auto kFamily = TypeParam::value;
  constexpr std::size_t kFieldBits = 8 * (2 * sizeof(wire::Address<kFamily>) + 8);
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const Tuple<kFamily> tuple;
  for (const ClientOptions& offered : {kLinux, kWindows}) {
    const CookieAck ack = ack_of(mint<kFamily>(keys, tuple, offered), offered);
    for (std::size_t bit = 0; bit < kFieldBits; ++bit) {
      Message<kFamily> message = tuple.message();
      reinterpret_cast<std::byte*>(&message)[bit / 8] ^= std::byte{1} << bit % 8;
      EXPECT_FALSE(check<kFamily>(keys, message, ack)) << "bit " << bit;
    }
  }
}

TYPED_TEST(Forgery, NoBitOfTheCookieMayChange) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  // In the middle of a slot, and near its edge, where a flipped parity bit leads to two candidates.
  for (const std::uint64_t now : {kNoon, kSlotStart + 60'000}) {
    const SlotKeys keys(crypto::best_aes(), test_ring(), now);
    for (const ClientOptions& offered : {kLinux, kWindows}) {
      const CookieAck ack = ack_of(mint<kFamily>(keys, tuple, offered), offered);
      ASSERT_TRUE(check<kFamily>(keys, tuple, ack));
      for (int bit = 0; bit < 32; ++bit)
        EXPECT_FALSE(check<kFamily>(keys, tuple,
                                    {.isn = wire::SeqNum{ack.isn.value() ^ 1u << bit}, .tsecr = ack.tsecr}));
    }
  }
}

TYPED_TEST(Forgery, NoOptionBitOfTheTimestampMayChangeNorTheTimestampComeOrGo) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const Cookie with = mint<kFamily>(keys, tuple, kLinux), without = mint<kFamily>(keys, tuple, kWindows);
  for (std::uint32_t change = 1; change < 64; ++change)
    EXPECT_FALSE(check<kFamily>(keys, tuple, {.isn = with.isn, .tsecr = with.tsval ^ change})) << change;
  EXPECT_FALSE(check<kFamily>(keys, tuple, {.isn = with.isn, .tsecr = std::nullopt}));
  for (std::uint32_t bits = 0; bits < 64; ++bits)
    EXPECT_FALSE(check<kFamily>(keys, tuple, {.isn = without.isn, .tsecr = bits})) << bits;
}

TYPED_TEST(Forgery, OnlySeqOfClientIsnPlusOneIsAccepted) {
  constexpr auto kFamily = TypeParam::value;
  Tuple<kFamily> tuple;
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const CookieAck ack = ack_of(mint<kFamily>(keys, tuple, kWindows), kWindows);
  const wire::SeqNum client_isn = tuple.client_isn;
  tuple.client_isn = client_isn - 1;  // a keepalive-like probe at ISN
  EXPECT_FALSE(check<kFamily>(keys, tuple, ack));
  tuple.client_isn = client_isn + 1;  // the first byte was lost
  EXPECT_FALSE(check<kFamily>(keys, tuple, ack));
  tuple.client_isn = client_isn + 1448;  // so was the first segment
  EXPECT_FALSE(check<kFamily>(keys, tuple, ack));
}

TYPED_TEST(Forgery, AReplayWorksUntilTheCookieExpires) {
  constexpr auto kFamily = TypeParam::value;
  const Tuple<kFamily> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kSlotStart);
  const CookieAck ack = ack_of(mint<kFamily>(keys, tuple, kLinux), kLinux);
  for (const std::uint64_t age : {0u, 1u, 64'000u, 127'999u}) {
    keys.advance(kSlotStart + age);
    EXPECT_TRUE(check<kFamily>(keys, tuple, ack)) << age;
  }
  keys.advance(kSlotStart + 128'000);
  EXPECT_FALSE(check<kFamily>(keys, tuple, ack));
}

// Of all 2^24 ISNs that claim one set of options, one is taken: a blind ACK succeeds with 2^-24.
TEST(BlindGuess, OfAllTagsExactlyOneMatches) {
  const Slot slot = slot_at(kNoon);
  const detail::Mac mac{.o0 = 0x9e3779b9, .o1 = 0x7f4a7c15, .o2 = 0xf39cc060, .o3 = 0};
  const auto block = std::bit_cast<crypto::AesBlock>(mac);
  int taken = 0;
  for (std::uint32_t tag = 0; tag < 1u << kTagBits; ++tag) {
    const std::uint32_t low = (slot.parity() << 7 | 0x35) ^ tag >> 16;
    const CookieAck guess{.isn = wire::SeqNum{tag << 8 | low}, .tsecr = std::nullopt};
    taken += check_cookie<wire::Family::kIpv4>(block, guess, slot, kNoon) ? 1 : 0;
  }
  EXPECT_EQ(taken, 1);
}

// A birthday bound would promise an attacker success after some 2^12 tries.
TEST(BlindGuess, TwoToTheTwelveTriesAreNotEnough) {
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  std::mt19937 random{42};
  Tuple<wire::Family::kIpv4> tuple;
  constexpr std::size_t kTries = 16 << 12;
  std::vector<crypto::AesBlock> messages(kTries);
  std::vector<CookieAck> guesses(kTries);
  for (std::size_t i = 0; i < kTries; ++i) {
    tuple.client_isn += 1;
    messages[i] = tuple.message();
    guesses[i] = {.isn = wire::SeqNum{static_cast<std::uint32_t>(random())}, .tsecr = std::nullopt};
  }
  std::vector<std::optional<Admission>> admissions(kTries);
  check_cookies<wire::Family::kIpv4>(keys, messages.data(), guesses.data(), admissions.data(), kTries);
  for (const auto& admission : admissions) EXPECT_FALSE(admission);
}

TEST(Arithmetic, IsWhatTheThreatModelSays) {
  const double tries = std::ldexp(1.0, kTagBits);
  EXPECT_NEAR(tries / 10e6, 1.7, 0.05);                          // seconds per bogus connection at 10 Mpps
  EXPECT_NEAR(std::log(2.0) * tries / 1e6, 11.6, 0.05);          // million tries for an even chance
  EXPECT_EQ(std::ldexp(1.0, 12) / tries, std::ldexp(1.0, -12));  // chance after 2^12 tries
  const double gain = static_cast<double>(kSkewMs) / static_cast<double>(kSlotMs);
  EXPECT_NEAR(gain, 0.08, 0.005);   // of always picking the parity that has two candidates for a while
  EXPECT_LE(7 + kTagBits - 1, 32);  // multiply-add-shift is strongly universal
}

struct AlterationCase {
  std::string_view name;
  OptionBits genuine, claimed;
};

class Alteration : public testing::TestWithParam<AlterationCase> {};

// With o0 and one product fixed, let the other multiplier run through 2^24 values that differ in the bits
// that matter: every tag comes up once, so the one that the attacker guesses has exactly 2^-24, whatever tag
// it has seen.
TEST_P(Alteration, MatchesWithExactly2ToTheMinus24) {
  const auto& [name, genuine, claimed] = GetParam();
  const bool in_isn = genuine.isn != claimed.isn;
  const std::uint32_t difference = in_isn ? genuine.isn ^ claimed.isn : genuine.timestamp ^ claimed.timestamp;
  const int step = 8 - __builtin_ctz(difference);
  const std::uint32_t genuine_word = 0xc2b2ae35;  // o0 + o1 * x + o2 * y of the cookie that was seen
  std::vector<bool> seen(1u << kTagBits);
  std::size_t distinct = 0;
  for (std::uint32_t i = 0; i < 1u << kTagBits; ++i) {
    detail::Mac mac{.o0 = 0, .o1 = 0x85ebca6b, .o2 = 0x27d4eb2f, .o3 = 0};
    (in_isn ? mac.o1 : mac.o2) = i << step;
    mac.o0 = genuine_word - mac.o1 * genuine.isn - mac.o2 * genuine.timestamp;
    const std::uint32_t tag = detail::tag_of(mac, claimed);
    distinct += seen[tag] ? 0u : 1u;
    seen[tag] = true;
  }
  EXPECT_EQ(distinct, seen.size());
}

constexpr AlterationCase kAlterations[] = {
    {.name = "SackWithoutTimestamps",
     .genuine = {.isn = 0x34, .timestamp = 0},
     .claimed = {.isn = 0x35, .timestamp = 0}},
    {.name = "HighestOptionBit",
     .genuine = {.isn = 0x00, .timestamp = 0x5e},
     .claimed = {.isn = 0x40, .timestamp = 0x5e}},
    {.name = "TimestampsRemoved",
     .genuine = {.isn = 0x63, .timestamp = 0x40},
     .claimed = {.isn = 0x63, .timestamp = 0}},
    {.name = "WindowScale",
     .genuine = {.isn = 0x63, .timestamp = 0x40 | 7 << 2},
     .claimed = {.isn = 0x63, .timestamp = 0x40 | 14 << 2}},
};
INSTANTIATE_TEST_SUITE_P(Options, Alteration, testing::ValuesIn(kAlterations),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::cookie
