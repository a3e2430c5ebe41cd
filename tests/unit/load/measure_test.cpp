// Mirrors bench/load/pace.hpp, client_log.hpp and report.hpp: what is measured, and what is said about it.
#include <gtest/gtest.h>

#include "bench/load/client_log.hpp"
#include "bench/load/neighbor.hpp"
#include "bench/load/pace.hpp"
#include "bench/load/report.hpp"
#include "tests/support/addresses.hpp"

namespace synward::load {
namespace {

TEST(Pace, EventsAreDueAtTheirIntendedTimesAndNoneAfterTheEnd) {
  const Pace pace{1000, 2, 5'000'000};
  EXPECT_EQ(pace.due(4'999'999), 0u);
  EXPECT_EQ(pace.due(5'000'000), 1u);
  EXPECT_EQ(pace.due(5'000'999), 1u);
  EXPECT_EQ(pace.due(5'001'000), 2u);
  EXPECT_EQ(pace.time_of(0), 5'000'000u);
  EXPECT_EQ(pace.time_of(1500), 6'500'000u);
  EXPECT_EQ(pace.due(pace.end_us()), 2000u);
  EXPECT_EQ(pace.due(100'000'000), 2000u);
}

TEST(Pace, AStallMakesEventsLateAndMovesNone) {
  const Pace pace{100, 1, 0};
  EXPECT_EQ(pace.due(700'000), 71u);      // nobody asked for 0.7 s: all are due at once,
  EXPECT_EQ(pace.time_of(10), 100'000u);  // and number 10 is 0.6 s late by now
}

TEST(Percentile, IsAValueThatWasMeasured) {
  const std::vector<std::uint32_t> values{40, 10, 30, 20};
  EXPECT_EQ(percentile(values, 0.5), 20u);
  EXPECT_EQ(percentile(values, 0.51), 30u);
  EXPECT_EQ(percentile(values, 0.99), 40u);
  EXPECT_EQ(percentile(values, 1), 40u);
  EXPECT_EQ(percentile(values, 0), 10u);
  EXPECT_EQ(percentile({}, 0.5), 0u);
}

TEST(Report, TellsOfClients) {
  ClientLog log;
  for (std::uint32_t i = 1; i <= 100; ++i) {
    log.started();
    log.connected(1000 * i);
    if (i != 100) log.closed();
  }
  log.started();
  log.failed(Failure::kCloseTimeout);
  const auto report = log.report();
  EXPECT_EQ(
      text_of(report),
      "101 clients started, 100 connected, 99 closed, 1 failed (close_timeout 1); connect p50 50.00 ms, p99 "
      "99.00 ms, worst 100.00 ms");
  const auto json = to_json(report);
  EXPECT_EQ(json["failures"]["close_timeout"], 1);
  EXPECT_EQ(json["failures"].size(), std::size_t(Failure::kCount));
  EXPECT_EQ(json["connect_us"]["p90"], 90'000);
  EXPECT_EQ(latency_text(report, 90), "connect p50 95.00 ms, p99 100.00 ms, worst 100.00 ms");
  EXPECT_EQ(latency_text(report, 100), "nobody connected");
}

TEST(Report, TellsTheRateOfTheFloodThatWasReached) {
  const FloodReport report{.elapsed_s = 2, .sent = 2'469'134, .refused = 1000};
  EXPECT_EQ(text_of(report), "  2.0 s  2,469,134 segments sent, 1,234,567/s, 1,000 refused by the interface");
  EXPECT_EQ(to_json(report)["per_s"], 1'234'567.0);
}

TEST(Grouped, PutsACommaBeforeEveryThirdDigit) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(ParseMac, TakesSixPairsOfDigits) {
  EXPECT_EQ(parse_mac("02:00:00:00:00:0a"), test::mac("02:00:00:00:00:0a"));
  EXPECT_THROW((void)parse_mac("02:00:00:00:00"), std::invalid_argument);
}

}  // namespace
}  // namespace synward::load
