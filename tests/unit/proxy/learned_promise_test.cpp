// What the SYN-ACKs of a backend make of the promise on its behalf: dataplane/proxy/profile_word.hpp, and
// BackendProfiles::learn().
#include <memory_resource>
#include <new>
#include <string>
#include <sys/mman.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proxy/profile_word.hpp"
#include "tests/unit/proxy/profiles_fixture.hpp"

namespace synward::proxy {
namespace {

TEST(LearnedPromise, TheFirstAnswerIsInForceAtOnceAndNotBefore) {
  OneBackend backend;
  EXPECT_EQ(backend.promise(kNow), std::nullopt);
  backend.learn(kLinux, kNow);
  EXPECT_EQ(backend.promise(kNow), kLinuxPromise);
  EXPECT_EQ(backend.promise(kNow + 100'000), kLinuxPromise);
  EXPECT_EQ(backend.promise(kNow - 1), std::nullopt);
}

TEST(LearnedPromise, AChangeWaitsForTwoSlotsInForceAndTwoMoreOfNotice) {
  OneBackend backend;
  backend.learn(kLinux, kNow);
  for (const std::uint32_t slot : {kNow, kNow + 1, kNow + 2}) {
    backend.learn(with_mss(1400), slot);
    EXPECT_EQ(backend.mss(kNow + 3), 1460);
    EXPECT_EQ(backend.mss(kNow + 4), slot < kNow + 2 ? 1460 : 1400);
  }
  backend.learn(with_mss(1300), kNow + 5);  // the word of kNow + 4 has not been in force for two slots
  EXPECT_EQ(backend.mss(kNow + 9), 1400);
  backend.learn(with_mss(1300), kNow + 6);
  EXPECT_EQ(backend.mss(kNow + 7), 1400);
  EXPECT_EQ(backend.mss(kNow + 8), 1300);
}

struct ChangeCase {
  std::string name;
  SynAckFacts first, then;
  Promise expected;
};
class Change : public testing::TestWithParam<ChangeCase> {};
TEST_P(Change, IsToTheLeastOfBothAndTheNewScale) {
  const auto& c = GetParam();
  OneBackend backend;
  backend.learn(c.first, kNow);
  backend.learn(c.then, kNow + 2);
  EXPECT_EQ(backend.promise(kNow + 3), promise_of(profile_of(c.first)));
  EXPECT_EQ(backend.promise(kNow + 4), c.expected);
}
constexpr SynAckFacts kNothingAsked{.mss = 1460, .window = 65160};
constexpr Promise kNoOptions{.mss = 1460,
                             .window = 65160,
                             .window_scale = {},
                             .sack = false,
                             .timestamps = false,
                             .ecn = false,
                             .known = 15};
constexpr SynAckFacts kAllDeclined{.mss = 1460,
                                   .window = 65160,
                                   .scaling = Answer::kDeclined,
                                   .sack = Answer::kDeclined,
                                   .timestamps = Answer::kDeclined,
                                   .ecn = Answer::kDeclined};

ChangeCase change(std::string name, SynAckFacts first, SynAckFacts then, Promise expected,
                  auto... modifications) {
  ChangeCase c{std::move(name), first, then, expected};
  (modifications(c), ...);
  return c;
}
INSTANTIATE_TEST_SUITE_P(
    OfEachField, Change,
    testing::Values(
        change("LowerMss", kLinux, with_mss(536), kLinuxPromise, [](auto& c) { c.expected.mss = 536; }),
        change("HigherMss", with_mss(536), kLinux, kLinuxPromise, [](auto& c) { c.expected.mss = 536; }),
        change("LowerWindowAndHigherMss", with_mss(536), kLinux, kLinuxPromise,
               [](auto& c) { c.then.window = c.expected.window = 64240, c.expected.mss = 536; }),
        change("NewScale", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.scale = 9, c.expected.window_scale = 9; }),
        change("ScaleZeroIsAScale", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.scale = 0, c.expected.window_scale = 0; }),
        change("NoScale", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.scaling = Answer::kDeclined, c.expected.window_scale = {}; }),
        change("NoSack", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.sack = Answer::kDeclined, c.expected.sack = false; }),
        change("NoTimestamps", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.timestamps = Answer::kDeclined, c.expected.timestamps = false; }),
        change("NoEcn", kLinux, kLinux, kLinuxPromise,
               [](auto& c) { c.then.ecn = Answer::kDeclined, c.expected.ecn = false; }),
        change("WhatIsNotAskedTeachesNothing", kLinux, kNothingAsked, kLinuxPromise),
        change("WhatWasNeverAskedIsPromisedOnceItIsKnown", kNothingAsked, kLinux, kLinuxPromise),
        change("WhatWasDeclinedStaysSo", kAllDeclined, kLinux, kNoOptions,
               [](auto& c) { c.expected.window_scale = 7; }),
        change("EverythingDeclined", kLinux, kAllDeclined, kNoOptions)),
    [](const auto& row) { return row.param.name; });

TEST(Raise, ComesWhenFourWholeSlotsHadOnlyHigherAnswersAndIsToTheirLeast) {
  OneBackend backend;
  backend.learn(with_mss(1000), kNow);
  for (std::uint32_t slot = kNow + 1; slot <= kNow + 5; ++slot)
    backend.learn(slot == kNow + 3 ? with_mss(1300) : kLinux, slot);
  EXPECT_EQ(backend.mss(kNow + 100), 1000);
  backend.learn(kLinux, kNow + 6);
  EXPECT_EQ(backend.mss(kNow + 7), 1000);
  EXPECT_EQ(backend.mss(kNow + 8), 1300);
  for (std::uint32_t slot = kNow + 7; slot <= kNow + 12; ++slot) backend.learn(kLinux, slot);
  EXPECT_EQ(backend.mss(kNow + 14), 1460);
}

TEST(Raise, DoesNotComeWhileAnyAnswerIsAsLow) {
  OneBackend backend;
  backend.learn(with_mss(1000), kNow);
  for (std::uint32_t slot = kNow + 1; slot <= kNow + 400; ++slot) {
    backend.learn(kLinux, slot);
    if (slot % 4 == 0) backend.learn(with_mss(1000), slot);
  }
  EXPECT_EQ(backend.mss(kNow + 410), 1000);
}

TEST(Raise, BringsBackOptionsButKeepsThoseNobodyAskedForMeanwhile) {
  OneBackend backend;
  SynAckFacts declines = kLinux, asks_no_ecn = kLinux;
  declines.sack = Answer::kDeclined;
  asks_no_ecn.ecn = asks_no_ecn.scaling = Answer::kNotAsked;
  backend.learn(declines, kNow);
  for (std::uint32_t slot = kNow + 1; slot <= kNow + 6; ++slot) {
    EXPECT_FALSE(backend.promise(slot)->sack);
    backend.learn(asks_no_ecn, slot);
  }
  EXPECT_EQ(backend.promise(kNow + 8), kLinuxPromise);
}

TEST(Raise, IsNotHeldUpByAClockThatWasSetBack) {
  OneBackend backend;
  backend.learn(with_mss(1000), kNow);
  backend.learn(kLinux, kNow + 1'000);
  for (std::uint32_t slot = kNow + 1; slot <= kNow + 6; ++slot) backend.learn(kLinux, slot);
  EXPECT_EQ(backend.mss(kNow + 8), 1460);
}

TEST(Learn, NothingFromAWindowOrAnMssOfZero) {
  OneBackend backend;
  SynAckFacts closed = kLinux;
  closed.window = 0;
  backend.learn(closed, kNow);
  backend.learn(with_mss(0), kNow);
  EXPECT_EQ(backend.promise(kNow), std::nullopt);
  backend.learn(kLinux, kNow);
  backend.learn(closed, kNow + 2);
  EXPECT_EQ(backend.promise(kNow + 4), kLinuxPromise);
}

class SlotNumber : public testing::TestWithParam<std::uint32_t> {};
TEST_P(SlotNumber, MayWrapWhileProfilesChange) {
  OneBackend backend;
  const std::uint32_t start = GetParam() - 9;
  backend.learn(with_mss(1460), start);
  int expected = 1460;
  for (std::uint32_t n = 2; n < 30; n += 4) {
    backend.learn(with_mss(static_cast<std::uint16_t>(1460 - n)), start + n);
    for (const std::uint32_t slot : {n - 1, n, n + 1}) EXPECT_EQ(backend.mss(start + slot), expected) << n;
    expected = 1460 - static_cast<int>(n);
    EXPECT_EQ(backend.mss(start + n + 2), expected) << n;
  }
}
INSTANTIATE_TEST_SUITE_P(AtTheEdge, SlotNumber, testing::Values(1u << 16, 27u << 20, 0u));

TEST(SlotNumber, AProfileThatNeverChangesIsRenewedBeforeItsSlotLooksLikeAFutureOne) {
  OneBackend backend;
  backend.learn(kLinux, kNow);
  for (std::uint32_t slot = kNow; slot - kNow < 1u << 22; slot += 100'000) {
    ASSERT_EQ(backend.promise(slot), kLinuxPromise);
    ASSERT_EQ(backend.promise(slot - 1).has_value(), slot != kNow);
    backend.learn(kLinux, slot);
  }
}

TEST(SlotNumber, AnAnswerAfterYearsOfSilenceOrAClockSetBackCountsAsTheFirst) {
  for (const std::uint32_t leap : {(1u << 19) + 2, 900'000u, 0u - 10u, 0u - 100u, 0u - 500'000u}) {
    OneBackend backend;
    backend.learn(with_mss(1000), kNow - 4);
    backend.learn(with_mss(900), kNow);
    EXPECT_EQ(backend.mss(kNow + leap), -1) << leap;
    backend.learn(with_mss(1200), kNow + leap);
    EXPECT_EQ(backend.mss(kNow + leap), 1200) << leap;
    backend.learn(with_mss(1100), kNow + leap + 2);
    EXPECT_EQ(backend.mss(kNow + leap + 3), 1200) << leap;
    EXPECT_EQ(backend.mss(kNow + leap + 4), 1100) << leap;
  }
}

/// Pages that can be made read-only: who writes then dies.
class Pages : public std::pmr::memory_resource {
 public:
  void allow(int protection) const {
    for (const auto& [at, bytes] : all_) ASSERT_EQ(mprotect(at, bytes, protection), 0);
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc{};
    all_.emplace_back(at, bytes);
    return at;
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t) override { munmap(at, bytes); }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::vector<std::pair<void*, std::size_t>> all_;
};

TEST(Learn, WritesNothingWhenItTellsNothingNew) {
  Pages pages;
  BackendProfiles profiles{table::random_secret(5), 4096, &pages};
  const auto address = test::ip4("198.18.0.10");
  profiles.learn<kIpv4>(address, wire::Port{443}, kLinux, {kNow});
  pages.allow(PROT_READ);
  for (std::uint32_t slot = kNow; slot < kNow + 100; ++slot) {
    profiles.learn<kIpv4>(address, wire::Port{443}, kLinux, {slot});
    profiles.learn<kIpv4>(address, wire::Port{443}, kNothingAsked, {slot});
  }
  EXPECT_EQ(profiles.promise(profiles.find<kIpv4>(address, wire::Port{443}), {kNow}), kLinuxPromise);
  const auto index = profiles.find<kIpv4>(address, wire::Port{443});
  EXPECT_DEATH(profiles.learn(index, with_mss(1459), {kNow + 100}), "");
  pages.allow(PROT_READ | PROT_WRITE);
}

TEST(Learn, WritesNothingMoreOfTwoKindsOfAnswersInTurn) {
  Pages pages;
  BackendProfiles profiles{table::random_secret(6), 4096, &pages};
  SynAckFacts other = kLinux;
  other.scale = 9;
  const auto learn_both = [&] {
    for (const auto& facts : {with_mss(1400), other})
      profiles.learn<kIpv4>(test::ip4("198.18.0.10"), wire::Port{443}, facts, {kNow});
  };
  learn_both();
  learn_both();
  pages.allow(PROT_READ);
  for (int n = 0; n < 100; ++n) learn_both();
  pages.allow(PROT_READ | PROT_WRITE);
}

}  // namespace
}  // namespace synward::proxy
