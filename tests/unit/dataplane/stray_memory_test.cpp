// Mirrors dataplane/stray_memory.hpp.
#include "dataplane/stray_memory.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace synward {
namespace {

constexpr std::uint64_t kFlow = 0x1234'5678'9abc'def0, kNow = 1'000'000;

class Strays : public testing::Test {
 protected:
  [[nodiscard]] bool repeats(std::uint64_t mono_ms, std::uint64_t flow = kFlow) {
    return memory_->repeats(flow, mono_ms);
  }

 private:
  std::unique_ptr<StrayMemory> memory_ = std::make_unique<StrayMemory>();
};

TEST_F(Strays, CountFromTheFirstNotFromTheLast) {
  EXPECT_FALSE(repeats(kNow));
  EXPECT_FALSE(repeats(kNow + 300));
  EXPECT_FALSE(repeats(kNow + StrayMemory::kLeastMs - 1));
  EXPECT_TRUE(repeats(kNow + StrayMemory::kLeastMs));
  EXPECT_FALSE(repeats(kNow + StrayMemory::kLeastMs + 1));  // the answer ended its memory
}

TEST_F(Strays, AreForgottenAfterAMinute) {
  EXPECT_FALSE(repeats(kNow));
  EXPECT_FALSE(repeats(kNow + StrayMemory::kMostMs + 1));
  EXPECT_TRUE(repeats(kNow + StrayMemory::kMostMs + 1 + StrayMemory::kMostMs));
}

TEST_F(Strays, TheNewerTakesThePlaceOfTheOlder) {
  const std::uint64_t rival = kFlow ^ (std::uint64_t{1} << 50);  // the same place, another tag
  EXPECT_FALSE(repeats(kNow));
  EXPECT_FALSE(repeats(kNow + 1, rival));
  EXPECT_FALSE(repeats(kNow + StrayMemory::kLeastMs + 1));
  EXPECT_FALSE(repeats(kNow + StrayMemory::kLeastMs + 2, rival));
}

TEST_F(Strays, AnEmptyMemoryKnowsNobodyEvenWhenTheClockIsYoung) {
  for (const std::uint64_t flow : {std::uint64_t{0}, kFlow, std::uint64_t{1} << 32})
    EXPECT_FALSE(repeats(StrayMemory::kLeastMs + 1, flow));
}

TEST_F(Strays, TheClockOfMillisecondsMayWrap) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;
  EXPECT_FALSE(repeats(kWrap - 100));
  EXPECT_FALSE(repeats(kWrap + 100));
  EXPECT_TRUE(repeats(kWrap + StrayMemory::kLeastMs));
}

}  // namespace
}  // namespace synward
