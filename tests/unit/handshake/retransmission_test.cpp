#include "dataplane/handshake/retransmission.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace synward::handshake {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

/// The seconds at which a timer that is started at 0 fires, until it gives up.
std::vector<std::uint64_t> firings(std::uint8_t retries) {
  RetransmissionTimer timer;
  timer.start(0, retries);
  std::vector<std::uint64_t> seconds;
  for (std::uint64_t now = timer.deadline_us();; now = timer.deadline_us()) {
    EXPECT_FALSE(timer.due(now - 1));
    EXPECT_TRUE(timer.due(now));
    seconds.push_back(now / kSecond);
    if (!timer.back_off(now)) break;
  }
  EXPECT_EQ(timer.deadline_us(), RetransmissionTimer::kNever);
  return seconds;
}

TEST(RetransmissionTimer, DoublesFromOneSecondUpToTwoMinutes) {
  EXPECT_EQ(firings(3), (std::vector<std::uint64_t>{1, 3, 7, 15}));
  EXPECT_EQ(firings(9), (std::vector<std::uint64_t>{1, 3, 7, 15, 31, 63, 127, 247, 367, 487}));
}

TEST(RetransmissionTimer, SynIsTriedForAtLeastThreeMinutes) {
  EXPECT_EQ(firings(kSynRetries).back(), 247u);
  EXPECT_GE(firings(kSynRetries).back(), 180u);  // RFC 9293 3.8.3, MUST-23
  EXPECT_EQ(firings(kSynAckRetries).back(), 63u);
}

TEST(RetransmissionTimer, StoppedNeverFires) {
  RetransmissionTimer timer;
  EXPECT_FALSE(timer.due(kSecond));
  timer.start(5, 1);
  timer.stop();
  EXPECT_FALSE(timer.due(100 * kSecond));
  timer.start(7 * kSecond, 1);  // and starts anew from one second
  EXPECT_EQ(timer.deadline_us(), 8 * kSecond);
}

}  // namespace
}  // namespace synward::handshake
