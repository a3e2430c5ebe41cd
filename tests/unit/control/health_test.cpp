// Mirrors control/health.hpp.
#include "control/health.hpp"

#include <gtest/gtest.h>

namespace synward::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Health::Clock::time_point kStart{seconds{1000}};

TEST(Health, IsGoodWhileWorkersTurnAndNothingElseIsWrong) {
  Health health;
  EXPECT_FALSE(health.json()["healthy"].get<bool>()) << "nobody has looked yet";
  for (std::uint64_t look = 0; look < 100; ++look) {
    health.look({look, 1000 + look}, {}, kStart + look * seconds{1});
    EXPECT_TRUE(health.json(kStart + look * seconds{1})["healthy"].get<bool>());
    EXPECT_TRUE(health.workers_proceed());
  }
}

TEST(Health, TellsWhichWorkerIsStuckAndThatItTurnsAgain) {
  Health health;
  health.look({5, 5}, {}, kStart);
  health.look({6, 5}, {}, kStart + seconds{2});
  EXPECT_TRUE(health.workers_proceed()) << "a moment longer would be too long";
  health.look({7, 5}, {}, kStart + milliseconds{3500});
  EXPECT_FALSE(health.workers_proceed());
  EXPECT_EQ(health.json(kStart + seconds{4})["reasons"],
            nlohmann::json::array({"worker 1 has not ended a turn for 3 s"}));
  health.look({8, 6}, {}, kStart + seconds{4});
  EXPECT_TRUE(health.workers_proceed());
  EXPECT_TRUE(health.json(kStart + seconds{4})["healthy"].get<bool>());
}

TEST(Health, IsNotGoodForeverAfterTheLastLook) {
  Health health;
  health.look({1}, {}, kStart);
  EXPECT_TRUE(health.json(kStart + seconds{5})["healthy"].get<bool>());
  EXPECT_EQ(health.json(kStart + seconds{7})["reasons"],
            nlohmann::json::array({"nobody has looked after the workers for 7 s"}));
  health.look({1}, {"port outside: link down"}, kStart + seconds{8});
  EXPECT_EQ(health.json(kStart + seconds{8})["reasons"].size(), 2u) << "the worker's turns, and the port";
}

TEST(Health, OtherTroublesDoNotCallTheWatchdog) {
  Health health;
  health.look({1}, {"port outside: link down"}, kStart);
  EXPECT_EQ(health.json(kStart),
            (nlohmann::json{{"healthy", false}, {"reasons", {"port outside: link down"}}}));
  EXPECT_TRUE(health.workers_proceed());
}

}  // namespace
}  // namespace synward::control
