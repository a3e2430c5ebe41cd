// Mirrors control/processors.hpp.
#include "control/processors.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

namespace synward::control {
namespace {

TEST(Processors, AnLcoreThatIsNotThereIsToldWhatIs) {
  EXPECT_NO_THROW(check_processors({0, 5}, {0, 1, 2, 5}));
  try {
    check_processors({1, 7}, {0, 1, 2, 5, 8, 9});
    FAIL() << "lcore 7 is not there";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "workers.lcores names lcore 7; the processors here are 0-2,5,8-9");
  }
}

TEST(Processors, ThereIsOneToRunThisOn) { EXPECT_FALSE(usable_processors().empty()); }

}  // namespace
}  // namespace synward::control
