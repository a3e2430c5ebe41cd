// Mirrors control/link_relay.hpp.
#include "control/link_relay.hpp"

#include <gtest/gtest.h>

namespace synward::control {
namespace {

using Action = LinkRelay::Action;
using Actions = std::array<Action, 2>;

constexpr Actions kNothing{Action::kNone, Action::kNone};

class LinkRelayTest : public testing::Test {
 protected:
  Actions decide(bool first, bool second, std::uint64_t now_ms) {
    return relay_.decide({first, second}, now_ms);
  }
  LinkRelay relay_{1000};
};

TEST_F(LinkRelayTest, TakesTheOtherDownAndLetsItUpAgain) {
  EXPECT_EQ(decide(true, true, 7000), kNothing);
  EXPECT_EQ(decide(false, true, 7250), (Actions{Action::kNone, Action::kTakeDown}));
  EXPECT_EQ(decide(false, false, 7500), kNothing) << "once";
  EXPECT_EQ(decide(true, false, 9000), (Actions{Action::kNone, Action::kLetUp}));
  EXPECT_EQ(decide(true, false, 9250), kNothing) << "it negotiates";
  EXPECT_EQ(decide(true, true, 11000), kNothing);
  EXPECT_EQ(decide(true, false, 20000), (Actions{Action::kTakeDown, Action::kNone})) << "the other way round";
  EXPECT_EQ(decide(false, true, 21000), (Actions{Action::kLetUp, Action::kNone}));
}

TEST_F(LinkRelayTest, WaitsAtTheStartUntilLinksCanBeUp) {
  EXPECT_EQ(decide(true, false, 1250), kNothing);
  EXPECT_EQ(decide(true, false, 5999), kNothing);
  EXPECT_EQ(decide(true, false, 6000), (Actions{Action::kTakeDown, Action::kNone}));
}

TEST_F(LinkRelayTest, FindsThatTheOtherIsDownByItselfOnceItWasLetUp) {
  EXPECT_EQ(decide(false, true, 7000), (Actions{Action::kNone, Action::kTakeDown}));
  EXPECT_EQ(decide(true, false, 8000), (Actions{Action::kNone, Action::kLetUp}));
  EXPECT_EQ(decide(true, false, 12999), kNothing);
  EXPECT_EQ(decide(true, false, 13000), (Actions{Action::kTakeDown, Action::kNone}));
  EXPECT_EQ(decide(false, true, 14000), (Actions{Action::kLetUp, Action::kNone}));
}

TEST_F(LinkRelayTest, WaitsForALinkThatBeginsAnew) {
  EXPECT_FALSE(relay_.begun_anew(0, 7000));
  EXPECT_EQ(decide(false, true, 11999), kNothing) << "it negotiates";
  EXPECT_EQ(decide(false, true, 12000), (Actions{Action::kNone, Action::kTakeDown}));
  EXPECT_TRUE(relay_.begun_anew(1, 13000)) << "as it was before";
  EXPECT_EQ(decide(false, true, 13250), kNothing);
  EXPECT_EQ(decide(true, false, 14000), (Actions{Action::kNone, Action::kLetUp}));
}

TEST_F(LinkRelayTest, LeavesTwoThatAreDownAlone) {
  EXPECT_EQ(decide(false, false, 9000), kNothing);
  EXPECT_EQ(decide(false, true, 10000), (Actions{Action::kNone, Action::kTakeDown}))
      << "the second came up first";
}

}  // namespace
}  // namespace synward::control
