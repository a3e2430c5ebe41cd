// Mirrors dataplane/budget.hpp.
#include "dataplane/budget.hpp"

#include <gtest/gtest.h>

namespace synward {
namespace {

unsigned taken(Budget& budget, std::uint64_t mono_ms, unsigned tries = 10'000) {
  unsigned n = 0;
  for (unsigned t = 0; t < tries; ++t) n += budget.take(mono_ms) ? 1u : 0u;
  return n;
}

TEST(Budget, StartsFullAndHoldsOneSecondsWorthAtMost) {
  Budget budget{1000};
  EXPECT_EQ(taken(budget, 0), 1000u);
  EXPECT_EQ(taken(budget, 0), 0u);
  EXPECT_EQ(taken(budget, 3'600'000), 1000u);
}

TEST(Budget, RefillsByTheMillisecond) {
  Budget budget{1000};
  EXPECT_EQ(taken(budget, 5), 1000u);
  EXPECT_EQ(taken(budget, 6), 1u);
  EXPECT_EQ(taken(budget, 16), 10u);
}

TEST(Budget, LosesNoFractionOfATokenToFrequentQuestions) {
  Budget budget{3};
  EXPECT_EQ(taken(budget, 0), 3u);
  unsigned n = 0;
  for (std::uint64_t ms = 1; ms <= 10'000; ++ms) n += taken(budget, ms, 2);
  EXPECT_EQ(n, 30u);
}

}  // namespace
}  // namespace synward
