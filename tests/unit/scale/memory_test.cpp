#include "bench/scale/memory.hpp"

#include <cstddef>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <vector>

#include <gtest/gtest.h>

#include "bench/micro/huge_memory.hpp"

namespace synward::bench {
namespace {

TEST(Shortage, IsNoneOfNothingAndOfMoreThanAnyMachineHasItSaysHowMuch) {
  EXPECT_EQ(shortage(0), std::nullopt);
  const auto missing = shortage(std::size_t{1} << 60);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->find("needs 1073741824.0 GiB of memory, "), 0u) << *missing;
  EXPECT_EQ(missing->substr(missing->size() - 9), " are free") << *missing;
  EXPECT_EQ(missing->find(", 0.0 are"), std::string::npos) << *missing;
}

TEST(PartInLargePages, IsNothingOfSmallPages) {
  const HugeMemory memory{4 * kHugePage, Pages::kSmall};
  std::memset(memory.data(), 1, 4 * kHugePage);
  EXPECT_EQ(part_in_large_pages(memory.data()), 0);
}

TEST(PartInLargePages, IsNothingWhereNoMemoryIs) { EXPECT_EQ(part_in_large_pages(nullptr), 0); }

}  // namespace
}  // namespace synward::bench
