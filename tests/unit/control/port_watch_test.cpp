// Mirrors control/port_watch.hpp: what samples come to. Ports themselves are watched in tests/guests.
#include "control/port_watch.hpp"

#include <gtest/gtest.h>

namespace synward::control {
namespace {

using Word = RssVerdict::Word;

TEST(Monotone, GoesOnWhereADeviceBeginsAgain) {
  Monotone counter;
  for (const std::uint64_t reading : {5u, 5u, 9u, 0u, 2u, 1u}) counter.update(reading);
  EXPECT_EQ(counter.value(), 9u + 2u + 1u);
}

/// Names of drivers in DPDK 22.11.
TEST(XstatHelp, TellsLossesFromWhatOnlyCounts) {
  for (const auto* name :
       {"rx_good_packets", "tx_size_64_packets", "rx_unicast_packets", "interrupt_assert_count",
        "rx_q0_errors", "rx_missed_errors", "rx_errors", "rx_broadcast_packets"})
    EXPECT_EQ(xstat_help(name), "") << name;
  EXPECT_NE(xstat_help("rx_crc_errors").find("cable"), std::string_view::npos);
  EXPECT_NE(xstat_help("mac_local_errors").find("cable"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_oversize_errors").find("same mtu"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_length_errors").find("same mtu"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_undersize_errors").find("negotiate"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_out_of_buffer").find("rx_missed"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_xoff_packets").find("flow control"), std::string_view::npos);
  EXPECT_NE(xstat_help("rx_l3_l4_xsum_error").find("checksums"), std::string_view::npos);
  EXPECT_NE(xstat_help("tx_dropped_link_down").find("lost by the NIC"), std::string_view::npos);
}

class RssVerdictTest : public testing::Test {
 protected:
  bool judge(std::uint64_t elsewhere, std::optional<std::uint16_t> only_one = {}) {
    return verdict_.judge({.segments = 80, .elsewhere = elsewhere, .other_hash = 0, .only_one = only_one});
  }
  RssVerdict verdict_{Word::kProgrammed, "nothing has come"};
};

TEST_F(RssVerdictTest, IsVerifiedByWhatComesWhereItShouldAndSaysSoOnce) {
  EXPECT_TRUE(judge(0));
  EXPECT_EQ(verdict_.word(), Word::kVerified);
  EXPECT_EQ(verdict_.text(), "80 of 80 segments came to the queues that it was told");
  EXPECT_FALSE(judge(9)) << "a few strange ones";
  EXPECT_EQ(verdict_.text(), "71 of 80 segments came to the queues that it was told");
}

TEST_F(RssVerdictTest, FailsWhenManyComeElsewhere) {
  EXPECT_TRUE(judge(0));
  EXPECT_TRUE(verdict_.judge({.segments = 80, .elsewhere = 10, .other_hash = 7, .only_one = 3}));
  EXPECT_EQ(verdict_.word(), Word::kFailed);
  EXPECT_EQ(verdict_.text(),
            "70 of 80 segments came to the queues that it was told, all to queue 3, 7 with another hash than "
            "by its key");
}

TEST_F(RssVerdictTest, LearnsNothingFromOneFlowThatComesRight) {
  EXPECT_FALSE(judge(0, 0));
  EXPECT_EQ(verdict_.word(), Word::kProgrammed);
  EXPECT_EQ(verdict_.text(), "nothing has come");
}

TEST_F(RssVerdictTest, StaysSpreadUnlessItFails) {
  verdict_ = {Word::kSpread, "its table is small"};
  EXPECT_FALSE(judge(0));
  EXPECT_EQ(verdict_.word(), Word::kSpread);
  EXPECT_TRUE(judge(60, 0));
  EXPECT_EQ(verdict_.word(), Word::kFailed);
}

TEST_F(RssVerdictTest, IsVerifiedAgainOnlyAfterAWhile) {
  EXPECT_TRUE(judge(80));
  for (int n = 0; n < 15; ++n) EXPECT_FALSE(judge(0));
  EXPECT_FALSE(judge(80)) << "and from the beginning";
  for (int n = 0; n < 15; ++n) EXPECT_FALSE(judge(0));
  EXPECT_EQ(verdict_.word(), Word::kFailed);
  EXPECT_TRUE(judge(0));
  EXPECT_EQ(verdict_.word(), Word::kVerified);
}

}  // namespace
}  // namespace synward::control
