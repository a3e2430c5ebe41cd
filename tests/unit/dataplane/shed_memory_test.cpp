// Mirrors dataplane/shed_memory.hpp.
#include "dataplane/shed_memory.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace synward {
namespace {

constexpr std::size_t kCells = 1 << 12;
constexpr std::uint64_t kEpoch = ShedMemory::kEpochMs;

std::vector<std::uint64_t> flows(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<std::uint64_t> drawn(count);
  for (auto& flow : drawn) flow = random();
  return drawn;
}

/// How many of so many flows that never came are taken for one that did.
double mistaken(const ShedMemory& memory, std::uint64_t ms) {
  constexpr std::size_t kStrangers = 200'000;
  std::size_t found = 0;
  for (const std::uint64_t flow : flows(kStrangers, 99)) found += memory.has(flow, ms) ? 1u : 0u;
  return static_cast<double>(found) / kStrangers;
}

TEST(ShedMemory, KnowsForThreeEpochsAndNotInTheSame) {
  // The very first epochs, and one in which the words' tags begin anew.
  for (const std::uint64_t start : {std::uint64_t{0}, 255 * kEpoch, 256 * kEpoch + 5, 1000 * kEpoch}) {
    ShedMemory memory{kCells};
    const auto shed = flows(1000, start);
    for (const std::uint64_t flow : shed) memory.add(flow, start);
    const std::uint64_t next = (start / kEpoch + 1) * kEpoch;
    for (const std::uint64_t flow : shed) {
      EXPECT_FALSE(memory.has(flow, start));
      EXPECT_FALSE(memory.has(flow, next - 1));
      EXPECT_TRUE(memory.has(flow, next));
      EXPECT_TRUE(memory.has(flow, next + 3 * kEpoch - 1));
      EXPECT_FALSE(memory.has(flow, next + 3 * kEpoch));
    }
  }
}

TEST(ShedMemory, OfOneEpochTakesNothingFromThatOfAnother) {
  ShedMemory memory{kCells};
  std::vector<std::vector<std::uint64_t>> shed;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    shed.push_back(flows(1000, epoch));
    for (const std::uint64_t flow : shed.back()) memory.add(flow, epoch * kEpoch);
  }
  for (const auto& epoch : shed)
    for (const std::uint64_t flow : epoch) EXPECT_TRUE(memory.has(flow, 3 * kEpoch));
}

TEST(ShedMemory, TakesFewStrangersForThoseThatCame) {
  ShedMemory memory{kCells};
  EXPECT_EQ(mistaken(memory, kEpoch), 0.0);
  // What 250,000 a second leave in as many cells as a core has.
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch)
    for (const std::uint64_t flow : flows(250 * kEpoch * kCells / 131'072, epoch))
      memory.add(flow, epoch * kEpoch);
  EXPECT_LT(mistaken(memory, 3 * kEpoch), 0.015);
}

TEST(ShedMemory, SaysWhenItIsFullUntilTheNextEpoch) {
  ShedMemory memory{kCells};
  const auto shed = flows(kCells * ShedMemory::kFlowsPerCell, 1);
  for (const std::uint64_t flow : shed) {
    EXPECT_FALSE(memory.is_full(kEpoch));
    memory.add(flow, kEpoch);
  }
  EXPECT_TRUE(memory.is_full(kEpoch));
  EXPECT_TRUE(memory.is_full(2 * kEpoch - 1));
  EXPECT_FALSE(memory.is_full(2 * kEpoch));
}

TEST(ShedMemory, IsFullBeforeEverybodyIsTakenForSomebody) {
  ShedMemory memory{kCells};
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch)
    for (const std::uint64_t flow : flows(kCells * 100, epoch)) memory.add(flow, epoch * kEpoch);
  EXPECT_LT(mistaken(memory, 3 * kEpoch), 0.25);
  EXPECT_GT(mistaken(memory, 3 * kEpoch), 0.10);
  const auto later = flows(100, 7);  // and there is room again
  for (const std::uint64_t flow : later) memory.add(flow, 3 * kEpoch);
  for (const std::uint64_t flow : later) EXPECT_TRUE(memory.has(flow, 4 * kEpoch));
}

}  // namespace
}  // namespace synward
