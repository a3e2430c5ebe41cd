// Mirrors control/top_history.hpp: rates between answers, through restarts and silences, and the state of a
// service.
#include "control/top_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/stats_report.hpp"

namespace synward::control {
namespace {

using nlohmann::json;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using enum ServiceState;

struct StateCase {
  std::string_view name;
  ServiceState before;
  double syns_per_s, valid_per_s;
  ServiceState after;
};

class StateOfAService : public testing::TestWithParam<StateCase> {};

TEST_P(StateOfAService, GoesBackHarderThanItComes) {
  const auto& [name, before, syns_per_s, valid_per_s, after] = GetParam();
  EXPECT_EQ(next_state(before, syns_per_s, valid_per_s), after);
}

constexpr StateCase kStates[] = {
    {"AHundredIsNoFlood", kBusy, 100, 0, kBusy},
    {"MoreIsOne", kBusy, 100.1, 10, kFlooded},
    {"ATenthIsEnough", kBusy, 200, 20, kBusy},
    {"FewerIsNot", kQuiet, 200, 19.9, kFlooded},
    {"FiftyIsStillOne", kFlooded, 50, 0, kFlooded},
    {"FewerIsNone", kFlooded, 49.9, 0, kBusy},
    {"ATenthIsNotEnoughToEnd", kFlooded, 200, 39, kFlooded},
    {"AFifthIs", kFlooded, 200, 40, kBusy},
    {"EndsInQuiet", kFlooded, 0, 0, kQuiet},
    {"OneASecondIsBusy", kQuiet, 1, 0, kBusy},
    {"LessIsQuiet", kQuiet, 0.9, 0, kQuiet},
    {"HalfAsManyIsStillBusy", kBusy, 0.5, 0, kBusy},
    {"LessThanThatIsQuiet", kBusy, 0.4, 0.4, kQuiet},
};
INSTANTIATE_TEST_SUITE_P(Top, StateOfAService, testing::ValuesIn(kStates),
                         [](const auto& test) { return std::string{test.param.name}; });

/// What synward has counted, and a watch that both read.
class History : public testing::Test {
 protected:
  static constexpr double kWatch = 1000;  // what our clock shows when synward starts

  [[nodiscard]] json stats() const {
    auto answer = stats_json(cores_, uptime_s_);
    answer["services"] = json::array({{{"name", "web"},
                                       {"address", "198.18.0.10"},
                                       {"port", 443},
                                       {"syns", syns_},
                                       {"cookies_valid", valid_},
                                       {"cookies_bad", 7}}});
    return answer;
  }
  void add() { history_.add(stats(), started_s_ + uptime_s_); }
  /// `seconds` pass, and then somebody asks.
  void after(double seconds) {
    uptime_s_ += seconds;
    add();
  }
  void restart(double after_s) {
    started_s_ += uptime_s_ + after_s;
    uptime_s_ = 0;
    cores_ = std::vector<CounterReading>(cores_.size());
    syns_ = valid_ = 0;
  }
  [[nodiscard]] const Series& rate(TopRate which) const {
    return history_.view().rates[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] ServiceState state() const { return history_.view().services.at(0).state; }

  std::vector<CounterReading> cores_ = std::vector<CounterReading>(2);
  double started_s_ = kWatch, uptime_s_ = 5;
  std::uint64_t syns_ = 0, valid_ = 0;
  TopHistory history_{1};
};

TEST_F(History, HasNoRateBeforeTheSecondAnswer) {
  cores_[0].route[std::size_t(Route::kSyn4)] = 1000;
  add();
  EXPECT_THAT(rate(TopRate::kSynIn), IsEmpty());
  EXPECT_EQ(history_.view().services[0].syns_per_s, std::nullopt);
  after(1);
  EXPECT_THAT(rate(TopRate::kSynIn), ElementsAre(Optional(0.0)));
}

TEST_F(History, RatesAreOfTheTimeThatPassedThere) {
  add();
  cores_[1].route[std::size_t(Route::kCommonSyn4)] = 100;
  cores_[1].route[std::size_t(Route::kCommonSyn6)] = 200;
  cores_[0].route[std::size_t(Route::kSyn4)] = 300;
  cores_[0].route[std::size_t(Route::kSyn6)] = 400;
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 900;
  cores_[0].event[std::size_t(Event::kCookieValid)] = 80;
  cores_[0].event[std::size_t(Event::kPromoted)] = 60;
  cores_[0].route[std::size_t(Route::kDrop)] = 500;
  after(2);
  EXPECT_THAT(rate(TopRate::kSynIn), Each(Optional(500.0)));
  EXPECT_THAT(rate(TopRate::kSynAckOut), Each(Optional(450.0)));
  EXPECT_THAT(rate(TopRate::kValid), Each(Optional(40.0)));
  EXPECT_THAT(rate(TopRate::kEstablished), Each(Optional(30.0)));
  EXPECT_THAT(rate(TopRate::kDropped), Each(Optional(250.0)));
}

TEST_F(History, InvalidIsWhateverBroughtNoCookieThatOpensAConnection) {
  add();
  cores_[0].drop[std::size_t(Drop::kBadCookie)] = 1;
  cores_[0].drop[std::size_t(Drop::kSpentCookie)] = 10;
  cores_[0].drop[std::size_t(Drop::kUnknownLimited)] = 100;
  cores_[0].event[std::size_t(Event::kStrayReset)] = 1000;
  cores_[0].drop[std::size_t(Drop::kSynFin)] = 10'000;
  after(1);
  EXPECT_THAT(rate(TopRate::kInvalid), ElementsAre(Optional(1111.0)));
}

TEST_F(History, ARestartedSynwardHasCountedFromZero) {
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 1'000'000;
  add();
  after(1);
  restart(0.1);
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 400;
  after(0.8);
  EXPECT_THAT(rate(TopRate::kSynAckOut), ElementsAre(Optional(0.0), Optional(DoubleNear(500, 1e-6))));
}

/// So long ago that it has been up for longer than the one before, and counted more.
TEST_F(History, ARestartIsKnownByTheClockWhenNobodyLooked) {
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 100;
  add();
  restart(10);
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 600;
  after(60);
  EXPECT_THAT(rate(TopRate::kSynAckOut).back(), Optional(10.0));
}

TEST_F(History, ACounterThatWentBackBeganAgain) {
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 1'000'000;
  cores_[0].event[std::size_t(Event::kCookieValid)] = 100;
  add();
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 300;
  cores_[0].event[std::size_t(Event::kCookieValid)] = 150;
  after(1);
  EXPECT_THAT(rate(TopRate::kSynAckOut), ElementsAre(Optional(300.0)));
  EXPECT_THAT(rate(TopRate::kValid), ElementsAre(Optional(50.0)));
}

TEST_F(History, SilenceIsUnknownAndHasAReason) {
  add();
  after(1);
  history_.add_silence("nobody\nthere", started_s_ + uptime_s_ + 1);
  history_.add_silence("nobody there", started_s_ + uptime_s_ + 2);
  EXPECT_EQ(history_.view().silence, "nobody there");
  EXPECT_EQ(history_.view().silent_s, 2);
  EXPECT_EQ(history_.view().services[0].syns_per_s, std::nullopt);
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 300;
  after(3);
  EXPECT_THAT(rate(TopRate::kSynAckOut),
              ElementsAre(Optional(0.0), std::nullopt, std::nullopt, Optional(100.0)));
  EXPECT_EQ(history_.view().silence, "");
  EXPECT_EQ(history_.view().silent_s, 0);
}

/// Asked too late, or after Ctrl-Z: all columns are there.
TEST_F(History, ATimeInWhichNobodyAskedHasItsMean) {
  add();
  after(1);
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 300;
  after(3);
  EXPECT_THAT(rate(TopRate::kSynAckOut),
              ElementsAre(Optional(0.0), Optional(100.0), Optional(100.0), Optional(100.0)));
  after(1.4);
  EXPECT_EQ(rate(TopRate::kSynAckOut).size(), 5u);
}

TEST_F(History, TheTimeBeforeSynwardBeganAnewIsUnknown) {
  add();
  restart(2);
  cores_[0].event[std::size_t(Event::kSynAnswered)] = 300;
  after(1);
  EXPECT_THAT(rate(TopRate::kSynAckOut), ElementsAre(std::nullopt, std::nullopt, Optional(300.0)));
}

TEST_F(History, WhatIsNoAnswerOfASynwardChangesNothing) {
  add();
  after(1);
  EXPECT_THROW(history_.add({{"hello", 1}}, kWatch + 100), json::exception);
  auto half = stats();
  half["services"][0].erase("syns");
  EXPECT_THROW(history_.add(half, kWatch + 100), json::exception);
  after(1);
  EXPECT_EQ(rate(TopRate::kSynIn).size(), 2u);
}

TEST_F(History, KeepsWhatAScreenCanShow) {
  add();
  for (int i = 0; i < 1200; ++i) after(1);
  EXPECT_EQ(rate(TopRate::kSynIn).size(), TopHistory::kMoments);
  after(100'000);
  EXPECT_EQ(rate(TopRate::kSynIn).size(), TopHistory::kMoments);
}

TEST_F(History, BusyIsTheShareOfItsCycles) {
  add();
  cores_[0].busy_cycles = 30;
  cores_[0].idle_cycles = 70;
  after(1);
  EXPECT_THAT(history_.view().cores, ElementsAre(ElementsAre(Optional(0.3)), ElementsAre(std::nullopt)));
}

TEST_F(History, AServiceIsFloodedForTheLastTenSeconds) {
  add();
  after(1);
  EXPECT_EQ(state(), kQuiet);
  syns_ += 2000;
  after(1);
  EXPECT_EQ(state(), kFlooded);
  int still = 0;
  while (state() == kFlooded && still < 100) {
    after(1);
    ++still;
  }
  EXPECT_EQ(still, 10);
  EXPECT_EQ(state(), kQuiet);
}

TEST_F(History, AServiceInDemandIsNotFlooded) {
  add();
  syns_ += 10'000;
  valid_ += 9'900;
  after(1);
  EXPECT_EQ(state(), kBusy);
  EXPECT_THAT(history_.view().services[0].valid_per_s, Optional(9900.0));
}

TEST_F(History, AServiceIsKnownAgainInAnotherOrder) {
  add();
  syns_ += 2000;
  after(1);
  auto reloaded = stats();
  json added = reloaded["services"][0];
  added.update({{"name", "new"}, {"address", "2001:2::/64"}, {"port", 80}, {"syns", 1'000'000}});
  reloaded["services"] = json::array({added, reloaded["services"][0]});
  reloaded["uptime_s"] = uptime_s_ + 1;
  history_.add(reloaded, started_s_ + uptime_s_ + 1);
  const auto& services = history_.view().services;
  EXPECT_EQ(services[0].place, "[2001:2::/64]:80");
  EXPECT_EQ(services[0].state, kQuiet);
  EXPECT_EQ(services[0].syns_per_s, std::nullopt);
  EXPECT_EQ(services[1].state, kFlooded);
  EXPECT_THAT(services[1].syns_per_s, Optional(0.0));
}

TEST_F(History, WarnsOfWhatIsLost) {
  const auto with_port = [&](std::uint64_t missed, const char* link) {
    auto answer = stats();
    answer["ports"] = json::array({{{"name", "out\033side"},
                                    {"link", link},
                                    {"resetting", false},
                                    {"rx_missed", missed},
                                    {"rx_no_packets", 5},
                                    {"rx_errors", 0},
                                    {"tx_errors", 0}}});
    return answer;
  };
  history_.add(with_port(10, "up"), started_s_ + uptime_s_);
  EXPECT_THAT(history_.view().warnings, IsEmpty());
  uptime_s_ += 1;
  cores_[0].drop[std::size_t(Drop::kTableFull)] = 4;
  cores_[0].gauge[std::size_t(Gauge::kOverloadedCores)] = 1;
  cores_[1].gauge[std::size_t(Gauge::kLimitedPrefixes)] = 3;
  auto answer = with_port(41, "down");
  answer["backends"] = json::array({{{"address", "198.18.0.10"},
                                     {"port", 443},
                                     {"down", true},
                                     {"handshakes", 1},
                                     {"refusals", 2},
                                     {"silences", 3}}});
  history_.add(answer, started_s_ + uptime_s_);
  EXPECT_THAT(history_.view().warnings, ElementsAre("1 core(s) get more than they can answer",
                                                    "SYNs of 3 client prefix(es) are limited",
                                                    "1 of 1 backend(s) down", "port out?side: link down",
                                                    "clients turned away, the table is full: table_full 4/s",
                                                    "frames lost at port out?side: rx_missed 31/s"));
}

}  // namespace
}  // namespace synward::control
