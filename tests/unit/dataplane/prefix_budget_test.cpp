// Mirrors dataplane/prefix_budget.hpp: what a prefix gets, how fast, at which load, and who is left alone.
#include "dataplane/prefix_budget.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward {
namespace {

constexpr double kBudget = PrefixBudget::kPerSecond;

table::HashSecret secret(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  table::HashSecret made;
  for (auto& row : made.multipliers)
    for (auto& word : row) word = random();
  for (auto& word : made.addends) word = random();
  made.mixer = random();
  return made;
}

ClientPrefix numbered(std::uint32_t n) {
  return client_prefix(
      wire::Ipv4Address{{static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                         static_cast<std::uint8_t>(n), 1}});
}
const ClientPrefix kVictim = client_prefix(test::ip6("2001:db8:1:2::3"));

/// One core: SYNs in bursts, a millisecond at a time, as limit_syns() shows them.
class Load {
 public:
  using Source = std::function<ClientPrefix(std::mt19937_64&)>;

  explicit Load(std::uint64_t seed, Source others = {})
      : others_{std::move(others)}, random_{seed}, budget_{std::make_unique<PrefixBudget>(secret(seed))} {
    now_ms_ = random_() % 1'000'000;  // any phase of windows and sketches
    budget_->advance(now_ms_);
  }
  /// Lets so much time pass, with so many SYNs a second of the victim's prefix among those of `others`.
  /// Returns how many of the victim's were admitted, by the second.
  double run(std::uint64_t ms, double victims_per_second, double others_per_second = 0) {
    double admitted = 0;
    for (const std::uint64_t end = now_ms_ + ms; now_ms_ < end; ++now_ms_) {
      budget_->advance(now_ms_);
      victims_due_ += victims_per_second / 1000;
      others_due_ += others_per_second / 1000;
      while (victims_due_ + others_due_ >= 1) admitted += burst();
      if (budget_->active()) ++active_ms_;
    }
    return admitted * 1000 / static_cast<double>(ms);
  }
  PrefixBudget& budget() { return *budget_; }
  std::size_t refused = 0, others_dropped = 0;
  [[nodiscard]] std::uint64_t active_ms() const { return active_ms_; }

 private:
  double burst() {
    std::array<ClientPrefix, 64> burst;
    std::size_t size = 0;
    while (size < burst.size() && victims_due_ + others_due_ >= 1) {
      const double at = static_cast<double>(random_() >> 11) * 0x1p-53 * (victims_due_ + others_due_);
      const bool victim = at < victims_due_;
      burst[size++] = victim ? kVictim : others_(random_);
      (victim ? victims_due_ : others_due_) -= 1;
    }
    refused += budget_->sample(size, [&](std::size_t n) { return burst[n]; });
    double admitted = 0;
    for (std::size_t n = 0; n < size; ++n) {
      const bool passes = !budget_->active() || budget_->admits(burst[n]);
      if (burst[n] == kVictim)
        admitted += passes ? 1 : 0;
      else
        others_dropped += passes ? 0u : 1u;
    }
    return admitted;
  }

  Source others_;
  std::mt19937_64 random_;
  std::unique_ptr<PrefixBudget> budget_;
  std::uint64_t now_ms_, active_ms_ = 0;
  double victims_due_ = 0, others_due_ = 0;
};

ClientPrefix anywhere(std::mt19937_64& random) {
  return numbered(static_cast<std::uint32_t>(random() & 0xff'ffff));
}

/// P[X <= most] of a binomial distribution.
double binomial_up_to(double n, double p, double most) {
  double sum = 0;
  for (double k = 0; k <= most; ++k)
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
                    (n - k) * std::log1p(-p));
  return sum;
}

TEST(PrefixBudget, ArithmeticIsWhatTheThreatModelSays) {
  using B = PrefixBudget;
  EXPECT_EQ(B::kPerSecond * 60 * 8, 9'600'000u);  // bit/s
  EXPECT_EQ(B::kPerWindow, 2560u);
  EXPECT_EQ(B::kSuspectSamples, 200u);
  EXPECT_EQ(B::kSuspectSamples * B::kSampleEvery, 12800u);
  const auto missed = [](double budgets) {
    return binomial_up_to(budgets * kBudget * B::kSketchMs / 1000, 1.0 / B::kSampleEvery,
                          B::kSuspectSamples - 1);
  };
  EXPECT_LT(missed(1.5), 0.004);
  EXPECT_LT(missed(2.0), 1e-12);
  EXPECT_LT(1 - missed(0.9), 1e-5);
  EXPECT_GE(B::kMarks * 1.25 * kBudget, 25.6e6);
  for (double u = 0.01; u <= 1; u += 0.01) EXPECT_LT(u - std::log(std::max(u, 0.75)), 1.04);
  EXPECT_LT(std::log(1e6 * B::kWindowMs / 1000 / B::kPerWindow) * B::kPerWindow, 10'100);
  EXPECT_LT(std::log(1e7 * B::kWindowMs / 1000 / B::kPerWindow) * B::kPerWindow, 16'000);
}

TEST(ClientPrefix, IsA24OfIpv4AndA64OfIpv6) {
  using test::ip4, test::ip6;
  EXPECT_EQ(client_prefix(ip4("192.0.2.1")), client_prefix(ip4("192.0.2.254")));
  for (const char* other : {"192.0.3.1", "192.1.2.1", "193.0.2.1"})
    EXPECT_NE(client_prefix(ip4("192.0.2.1")), client_prefix(ip4(other))) << other;
  EXPECT_EQ(client_prefix(ip6("2001:db8::1")), client_prefix(ip6("2001:db8::ffff:0:0:2")));
  for (const char* other : {"2001:db8:0:1::1", "2001:db9::1", "2002:db8::1"})
    EXPECT_NE(client_prefix(ip6("2001:db8::1")), client_prefix(ip6(other))) << other;
  EXPECT_NE(client_prefix(ip4("0.0.0.0")), client_prefix(ip6("::")));
}

struct FloodCase {
  std::string name;
  double victims, others;  // SYN/s
};

class PrefixBudgetOf : public testing::TestWithParam<FloodCase> {};

TEST_P(PrefixBudgetOf, AFloodIsCaughtWithinASecondAndThenGetsTheBudget) {
  const auto& [name, victims, others] = GetParam();
  Load load{1, anywhere};
  const double first = load.run(1030, victims, others);
  EXPECT_EQ(load.budget().marked(), 1u);
  EXPECT_LE(first, 2.6 * kBudget);
  EXPECT_NEAR(load.run(1000, victims, others), kBudget, 0.06 * kBudget);
  EXPECT_EQ(load.budget().limited(), 1u);
  EXPECT_EQ(load.others_dropped, 0u);
}

constexpr double k100k = 1e5, k10M = 1e7;
const FloodCase kFloods[] = {
    {"OneAndAHalfAt100k", 1.5 * kBudget, k100k - 1.5 * kBudget},
    {"FiveAt100k", 5 * kBudget, k100k - 5 * kBudget},
    {"NobodyElseAt100k", k100k, 0},
    {"OneAndAHalfAt10M", 1.5 * kBudget, k10M - 1.5 * kBudget},
    {"AHundredAt10M", 1e6, k10M - 1e6},
    {"NobodyElseAt10M", k10M, 0},
};
const auto kName = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Flood, PrefixBudgetOf, testing::ValuesIn(kFloods), kName);

TEST(PrefixBudget, FindsOneAndAHalfBudgetsInNearlyEveryCase) {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Load load{seed};
    load.run(1030, 1.5 * kBudget);
    found += load.budget().marked() == 1 ? 1 : 0;
  }
  EXPECT_GE(found, 485);
}

TEST(PrefixBudget, LeavesAPrefixBelowItAloneForAMinute) {
  Load load{2};
  EXPECT_NEAR(load.run(60'000, 0.9 * kBudget), 0.9 * kBudget, 1);
  EXPECT_EQ(load.active_ms(), 0u);
}

TEST(PrefixBudget, RandomSourcesMarkNothingAt10M) {
  Load load{3, anywhere};
  load.run(1100, 0, k10M);
  EXPECT_EQ(load.active_ms(), 0u);
}

TEST(PrefixBudget, TenThousandPrefixesBelowItMarkNothingAt10M) {
  Load load{4,
            [](auto& random) { return numbered(0x0a'0000 + static_cast<std::uint32_t>(random() % 10'000)); }};
  load.run(1100, 0, k10M);
  EXPECT_EQ(load.active_ms(), 0u);
}

TEST(PrefixBudget, PrefixesJustBelowItMarkNothingAlthoughSomeShareACounter) {
  constexpr std::size_t kPrefixes = 800;  // of whom 39 pairs share one in each row
  std::mt19937_64 random{18};
  std::vector<ClientPrefix> prefixes(kPrefixes);
  for (auto& prefix : prefixes) prefix = anywhere(random);
  Load load{17, [&](auto& pick) { return prefixes[pick() % kPrefixes]; }};
  load.run(1030, 0, 0.9 * kBudget * kPrefixes);
  EXPECT_EQ(load.active_ms(), 0u);
}

/// Marks kVictim as nobody may: with SYNs that come at once and not again.
void make_suspect(PrefixBudget& budget, ClientPrefix prefix = kVictim) {
  std::size_t refused = 0;
  for (std::uint32_t n = 0; n < PrefixBudget::kSuspectSamples; ++n)
    refused += budget.sample(PrefixBudget::kSampleEvery, [=](std::size_t) { return prefix; });
  ASSERT_EQ(refused, 0u);
}

TEST(PrefixBudget, AFalseSuspectLosesNothingAndIsForgotten) {
  Load load{5};
  make_suspect(load.budget());
  load.run(1, 0);
  ASSERT_TRUE(load.budget().active());
  EXPECT_NEAR(load.run(2900, 0.7 * kBudget), 0.7 * kBudget, 1);
  EXPECT_TRUE(load.budget().active());
  EXPECT_EQ(load.budget().limited(), 0u);
  load.run(300, 0.7 * kBudget);
  EXPECT_FALSE(load.budget().active());
}

TEST(PrefixBudget, AboveItSynsAreDroppedAtRandomNeverAll) {
  auto budget = std::make_unique<PrefixBudget>(secret(6));
  make_suspect(*budget);
  // A window of 100 budgets, and the next: each tenth of the SYNs gets about its tenth of the answers.
  constexpr std::size_t kSyns = 100 * PrefixBudget::kPerWindow;
  std::array<std::size_t, 10> passed{};
  for (std::uint64_t window = 0; window < 2; ++window) {
    budget->advance(window * PrefixBudget::kWindowMs);
    passed = {};
    for (std::size_t n = 0; n < kSyns; ++n) passed[n * 10 / kSyns] += budget->admits(kVictim) ? 1u : 0u;
  }
  for (const std::size_t n : passed) EXPECT_NEAR(static_cast<double>(n), PrefixBudget::kPerWindow / 10.0, 90);
}

TEST(PrefixBudget, NoRhythmGetsMoreInTheLongRun) {
  const std::size_t kOn[] = {1, 1, 2, 3, 5}, kOff[] = {1, 3, 7, 12, 30};  // windows
  for (std::size_t r = 0; r < std::size(kOn); ++r) {
    Load load{7 + r};
    const std::uint64_t on_ms = kOn[r] * PrefixBudget::kWindowMs, off_ms = kOff[r] * PrefixBudget::kWindowMs;
    double admitted = 0, seconds = 0;
    load.run(1000, 1e6);
    for (; seconds < 40; seconds += static_cast<double>(on_ms + off_ms) / 1000) {
      admitted += load.run(on_ms, 1e6) * static_cast<double>(on_ms) / 1000;
      load.run(off_ms, 0);
    }
    EXPECT_LT(admitted / seconds, 1.06 * kBudget) << kOn[r] << " on, " << kOff[r] << " off";
  }
}

TEST(PrefixBudget, ReleasesAPrefixTwoSecondsAfterAFloodOf100BudgetsAndForgetsItAfterThree) {
  Load load{12};
  load.run(2000, 1e6);
  load.run(2200, 0);
  EXPECT_EQ(load.budget().limited(), 0u);
  EXPECT_TRUE(load.budget().active());
  EXPECT_NEAR(load.run(500, 0.5 * kBudget), 0.5 * kBudget, 2);
  load.run(700, 0);
  EXPECT_FALSE(load.budget().active());
}

TEST(PrefixBudget, ForgetsAllInAnyLongerPause) {
  Load load{13};
  load.run(2000, 1e6);
  ASSERT_TRUE(load.budget().active());
  load.budget().advance(std::uint64_t{1} << 62);
  EXPECT_FALSE(load.budget().active());
  EXPECT_EQ(load.budget().limited(), 0u);
  for (int n = 0; n < 10'000; ++n) ASSERT_TRUE(load.budget().admits(kVictim));
}

TEST(PrefixBudget, MarksWhatThereIsRoomForAndCountsTheOthers) {
  // 1200 prefixes of 1.5 budgets are more than there are marks.
  constexpr std::uint32_t kPrefixes = 1200;
  Load load{14, [](auto& random) { return numbered(static_cast<std::uint32_t>(random() % kPrefixes)); }};
  load.run(1500, 0, 1.5 * kBudget * kPrefixes);
  EXPECT_EQ(load.budget().marked(), PrefixBudget::kMarks);
  EXPECT_EQ(load.budget().limited(), PrefixBudget::kMarks);
  EXPECT_GT(load.refused, 0u);
  const std::size_t before = load.others_dropped;
  load.run(1000, 0, 1.5 * kBudget * kPrefixes);
  const double dropped = static_cast<double>(load.others_dropped - before);
  EXPECT_NEAR(dropped, 0.5 * kBudget * PrefixBudget::kMarks, 0.1 * kBudget * PrefixBudget::kMarks);
  load.run(3300, 0);
  EXPECT_EQ(load.budget().marked(), 0u);
  make_suspect(load.budget());
  EXPECT_EQ(load.budget().marked(), 1u);
}

TEST(PrefixBudget, SomeMarksGoAndTheOthersAreStillFound) {
  auto budget = std::make_unique<PrefixBudget>(secret(15));
  for (std::uint32_t n = 0; n < PrefixBudget::kMarks; ++n) make_suspect(*budget, numbered(n));
  ASSERT_EQ(budget->marked(), PrefixBudget::kMarks);
  constexpr std::uint32_t kSyns = 2 * PrefixBudget::kPerWindow;
  for (std::uint64_t window = 1; window <= PrefixBudget::kQuietWindows; ++window) {
    for (std::uint32_t n = 0; n < PrefixBudget::kMarks; n += 3)
      for (std::uint32_t s = 0; s < kSyns; ++s) (void)budget->admits(numbered(n));
    budget->advance(window * PrefixBudget::kWindowMs);
  }
  EXPECT_EQ(budget->marked(), (PrefixBudget::kMarks + 2) / 3);
  for (std::uint32_t n = 0; n < PrefixBudget::kMarks; ++n) {
    std::uint32_t passed = 0;
    for (std::uint32_t s = 0; s < kSyns; ++s) passed += budget->admits(numbered(n)) ? 1u : 0u;
    EXPECT_EQ(passed < kSyns, n % 3 == 0) << n;
  }
}

TEST(PrefixBudget, SamplesEverySynOfAnySizeOfBurstAlike) {
  auto budget = std::make_unique<PrefixBudget>(secret(16));
  std::mt19937_64 random{16};
  std::array<std::size_t, 64> taken{};
  std::size_t shown = 0, sampled = 0;
  for (int bursts = 0; bursts < 200'000; ++bursts) {
    const std::size_t size = random() % 65;
    shown += size;
    (void)budget->sample(size, [&](std::size_t n) {
      EXPECT_LT(n, size);
      ++sampled;
      ++taken[n];
      return anywhere(random);
    });
    budget->advance(static_cast<std::uint64_t>(bursts));
  }
  const double every = static_cast<double>(shown) / static_cast<double>(sampled);
  EXPECT_NEAR(every, PrefixBudget::kSampleEvery, 0.01);
  for (std::size_t n = 0; n < taken.size(); ++n) {
    // 64 - n of 65 sizes have an n-th SYN.
    const double expected = 200'000.0 * static_cast<double>(64 - n) / 65 / PrefixBudget::kSampleEvery;
    EXPECT_NEAR(static_cast<double>(taken[n]), expected, 5 * std::sqrt(expected) + 1) << n;
  }
}

}  // namespace
}  // namespace synward
