// Mirrors dataplane/cookie/slot_keys.hpp.
#include "dataplane/cookie/slot_keys.hpp"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cookie/cookie_fixture.hpp"

namespace synward::cookie {
namespace {

constexpr auto kIpv4 = wire::Family::kIpv4;
constexpr Slot kNow = slot_at(kNoon);

KeyRing ring_of(const std::vector<Master>& masters) { return KeyRing(masters); }

template <wire::Family kFamily>
void expect_derived_keys(const SlotKeys& keys, const KeyRing& ring) {
  for (const Slot slot : {keys.current().previous(), keys.current(), keys.current().next()})
    EXPECT_EQ(keys.key<kFamily>(slot).rounds,
              derive_slot_key(crypto::best_aes(), ring, slot, kFamily).rounds);
}

TEST(SlotKeys, AreRightWhereverTheClockGoes) {
  SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  for (const std::int64_t slots : {0, 1, 1, 1, 1, 1, 2, 3, 4, 100, -1, -1, -3, -50}) {
    keys.advance(keys.wall_ms() + static_cast<std::uint64_t>(slots) * kSlotMs);
    EXPECT_EQ(keys.current(), slot_at(keys.wall_ms()));
    expect_derived_keys<wire::Family::kIpv4>(keys, test_ring());
    expect_derived_keys<wire::Family::kIpv6>(keys, test_ring());
  }
}

TEST(SlotKeys, DifferBySlotAndFamily) {
  const SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  EXPECT_NE(keys.key<kIpv4>(kNow).rounds, keys.key<kIpv4>(kNow.next()).rounds);
  EXPECT_NE(keys.key<kIpv4>(kNow).rounds, keys.key<wire::Family::kIpv6>(kNow).rounds);
}

TEST(SlotKeys, RotationLosesNoHandshakeInFlight) {
  const Tuple<kIpv4> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const CookieAck before = ack_of(mint<kIpv4>(keys, tuple, kLinux), kLinux);
  keys.use(ring_of({{test_master(1), {0}}, {test_master(2), kNow.next()}}));
  EXPECT_TRUE(check<kIpv4>(keys, tuple, before));
  keys.advance(kNoon + kSlotMs);
  EXPECT_TRUE(check<kIpv4>(keys, tuple, before));
  const CookieAck after = ack_of(mint<kIpv4>(keys, tuple, kLinux), kLinux);
  keys.use(
      ring_of({{test_master(1), {0}}, {test_master(2), kNow.next()}, {test_master(3), {kNow.number + 9}}}));
  EXPECT_TRUE(check<kIpv4>(keys, tuple, before));
  EXPECT_TRUE(check<kIpv4>(keys, tuple, after));
}

TEST(SlotKeys, KnowHowLongACookieStillOpensAConnection) {
  const SlotKeys keys(crypto::best_aes(), test_ring(), kSlotStart + 1000);
  const std::uint32_t now = kNow.number;
  EXPECT_EQ(keys.lifetime_ms(now & 15), 2 * kSlotMs - 1000);
  EXPECT_EQ(keys.lifetime_ms((now - 1) & 15), kSlotMs - 1000);
  EXPECT_EQ(keys.lifetime_ms((now + 1) & 15), 3 * kSlotMs - 1000);
  for (std::uint32_t age = 2; age < 15; ++age) EXPECT_EQ(keys.lifetime_ms((now - age) & 15), 0u) << age;
}

TEST(SlotKeys, TheLifetimeEndsExactlyWhenTheCookieDoes) {
  const Tuple<kIpv4> tuple;
  SlotKeys keys(crypto::best_aes(), test_ring(), kNoon);
  const CookieAck ack = ack_of(mint<kIpv4>(keys, tuple, kLinux), kLinux);
  const std::uint32_t lives = keys.lifetime_ms(kNow.number & 15);
  keys.advance(kNoon + lives - 1);
  EXPECT_TRUE(check<kIpv4>(keys, tuple, ack));
  EXPECT_EQ(keys.lifetime_ms(kNow.number & 15), 1u);
  keys.advance(kNoon + lives);
  EXPECT_FALSE(check<kIpv4>(keys, tuple, ack));
  EXPECT_EQ(keys.lifetime_ms(kNow.number & 15), 0u);
}

TEST(SlotKeys, ANewMasterServesFromItsStatedSlot) {
  const KeyRing ring =
      ring_of({{test_master(1), {0}}, {test_master(2), kNow}, {test_master(3), {kNow.number + 2}}});
  EXPECT_EQ(ring.master(kNow.previous()), test_master(1));
  EXPECT_EQ(ring.master(kNow), test_master(2));
  EXPECT_EQ(ring.master(kNow.next()), test_master(2));
  EXPECT_EQ(ring.master(kNow.next().next()), test_master(3));
}

TEST(SlotKeys, AnotherNodeWithTheSameRingValidates) {
  const Tuple<kIpv4> tuple;
  const SlotKeys minter(crypto::best_aes(), test_ring(), kNoon);
  const SlotKeys validator(crypto::portable_aes(), test_ring(), kNoon + kSlotMs);
  EXPECT_TRUE(check<kIpv4>(validator, tuple, ack_of(mint<kIpv4>(minter, tuple, kLinux), kLinux)));
}

TEST(SlotKeys, TryTwoCandidatesOnlyInTheLastFiveSecondsOfASlot) {
  SlotKeys keys(crypto::best_aes(), test_ring(), kSlotStart);
  const Slot slot = keys.current();
  for (const std::uint64_t ms : {0u, 4'999u, 30'000u, 58'999u}) {
    keys.advance(kSlotStart + ms);
    EXPECT_EQ(keys.candidates(slot.parity()).size(), 1u);
    ASSERT_EQ(keys.candidates(slot.next().parity()).size(), 1u);
    EXPECT_EQ(*keys.candidates(slot.next().parity()).begin(), slot.previous());
  }
  for (const std::uint64_t ms : {59'000u, 63'999u}) {
    keys.advance(kSlotStart + ms);
    EXPECT_EQ(keys.candidates(slot.parity()).size(), 1u);
    const SlotCandidates both = keys.candidates(slot.next().parity());
    EXPECT_EQ(std::vector<Slot>(both.begin(), both.end()), (std::vector{slot.previous(), slot.next()}));
  }
}

TEST(KeyRing, FirstMasterServesSlotsBeforeItsStart) {
  EXPECT_EQ(ring_of({{test_master(1), kNow}}).master(kNow.previous()), test_master(1));
}

TEST(KeyRing, RefusesNoneTooManyAndUnordered) {
  EXPECT_THROW(ring_of({}), std::invalid_argument);
  EXPECT_THROW(ring_of(std::vector<Master>(4)), std::invalid_argument);
  EXPECT_THROW(ring_of({{test_master(1), {5}}, {test_master(2), {4}}}), std::invalid_argument);
  EXPECT_THROW(ring_of({{test_master(1), {5}}, {test_master(2), {5}}}), std::invalid_argument);
}

TEST(KeyRing, RandomMastersDiffer) {
  EXPECT_NE(KeyRing::random().master(kNow), KeyRing::random().master(kNow));
}

}  // namespace
}  // namespace synward::cookie
