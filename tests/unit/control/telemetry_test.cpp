// Mirrors control/telemetry_answer.hpp and telemetry.hpp: what DPDK's telemetry gets, within its limits.
// telemetry_test.py asks with DPDK's own script.
#include "control/telemetry.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/metrics_server.hpp"
#include "control/stats_report.hpp"
#include "control/telemetry_answer.hpp"

namespace synward::control {
namespace {

using Json = nlohmann::json;

Json service(const std::string& name, bool retired = false) {
  return {
      {"name", name}, {"address", "198.18.0.10"}, {"port", 443}, {"connections", 7}, {"retired", retired}};
}

Json stats_of(std::size_t cores) {
  std::vector<CounterReading> readings(cores);
  readings.back().rx = 0x1'0000'0001;
  readings.back().drop[std::size_t(Drop::kSynFin)] = 2;
  readings.back().event[std::size_t(Event::kSynAnswered)] = 4;
  readings.back().timing[std::size_t(Timing::kBackendRoundTrip)].sum = 1'500'000;
  auto stats = stats_json(readings, 12.5);
  stats["draining"] = true;
  stats["table"] = {{"connections4", 1024}};
  stats["services"] = Json::array();
  stats["ports"] = Json::array();
  stats["talkers"] = {{"syns", Json::array()}, {"resets", Json::array()}};
  stats["reload"] = {{"reloads", 1}, {"lines", Json::array()}};
  return stats;
}

std::string error_of(const std::string& command, const std::string& parameters, const Json& from) {
  return telemetry_answer(command, parameters, from).value("error", "none");
}

/// What an answer with these entries becomes: health is told as it is.
Json made_to_fit(const Json& entries) { return telemetry_answer("/synward/health", "", entries); }

void expect_to_be_text(const std::string& text) {
  EXPECT_LE(text.size(), kTelemetryText) << text;
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) << text;
}

void expect_to_fit(const Json& object) {
  EXPECT_LE(object.size(), kTelemetryEntries);
  for (const auto& [name, value] : object.items()) {
    EXPECT_LE(name.size(), kTelemetryText) << name;
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/"),
              std::string::npos)
        << name;
    if (value.is_object()) {
      EXPECT_FALSE(value.empty()) << name;
      expect_to_fit(value);
    } else if (value.is_array()) {
      EXPECT_LE(value.size(), kTelemetryElements) << name;
      if (std::ranges::all_of(value, &Json::is_number_unsigned)) continue;
      for (const Json& text : value) expect_to_be_text(text.get<std::string>());
    } else if (value.is_string()) {
      expect_to_be_text(value.get<std::string>());
    } else if (!value.is_number_unsigned()) {
      ASSERT_TRUE(value.is_number_integer()) << name << " " << value;
      EXPECT_EQ(value.get<std::int64_t>(), value.get<int>());
    }
  }
}

/// Each of its numbers as long as it can be.
void count_to_the_end(Json& counts) {
  for (Json& count : counts) {
    if (count.is_structured()) count_to_the_end(count);
    if (count.is_number()) count = 0xffff'ffff'ffff'ffff;
  }
}

/// As much of everything as there can be, by the worst of names.
Json huge() {
  auto stats = stats_of(126);
  count_to_the_end(stats["cores"]);
  count_to_the_end(stats["total"]);
  for (int i = 0; i < 65'000; ++i)
    stats["services"].push_back(service(std::to_string(i) + std::string(300, i % 2 == 0 ? '"' : '\xff')));
  Json port{{"name", "out\nside"}, {"xstats", Json::object()}, {"receive_offloads", Json::array()}};
  for (int i = 0; i < 1000; ++i)
    port["xstats"]["rx-q" + std::to_string(i) + " bytes"] = 0xffff'ffff'ffff'ffff;
  for (int i = 0; i < 1000; ++i) port["receive_offloads"].push_back("offload " + std::to_string(i));
  stats["ports"].push_back(port);  // clang takes braces around one for a copy
  stats["backends"] = Json::array(
      {{{"address", "2001:2::10"}, {"port", 443}, {"promise", {{"mss", 1460}, {"window_scale", nullptr}}}}});
  stats["reload"]["lines"] = Json::array();
  for (int i = 0; i < 600; ++i) stats["reload"]["lines"].push_back(std::string(200, '\t'));
  stats["healthy"] = false;  // for the one that is answered from health
  return stats;
}

TEST(TelemetryCommands, AreSuchAsDpdkTakes) {
  for (const TelemetryCommand& command : telemetry_commands()) {
    const std::string name = command.name;
    EXPECT_LT(name.size(), 56u) << name;
    EXPECT_TRUE(name.starts_with("/synward/")) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_/"), std::string::npos) << name;
    EXPECT_LT(std::strlen(command.help), 128u) << name;
    EXPECT_NE(std::string{command.help}.find("arameters"), std::string::npos) << name;
  }
}

TEST(TelemetryAnswer, FitsWhateverThereIsAndWhateverIsAsked) {
  const auto stats = huge();
  for (const TelemetryCommand& command : telemetry_commands()) {
    for (const std::string parameters : {"", "0", "125", "126", "64999", "65001", "-1", "1x", "out?side",
                                         "\xff", "[2001:2::10]:443", "99999999999999999999"}) {
      SCOPED_TRACE(std::string{command.name} + "," + parameters);
      const auto answer = telemetry_answer(command.name, parameters, stats);
      EXPECT_TRUE(answer.is_object());
      expect_to_fit(answer);
      EXPECT_LE(answer.dump().size(), kTelemetryBytes);
    }
  }
}

TEST(TelemetryAnswer, LeavesOutNoCountHoweverHighTheyAre) {
  const auto stats = huge();
  EXPECT_FALSE(telemetry_answer("/synward/stats", "", stats).contains("left_out"));
  EXPECT_FALSE(telemetry_answer("/synward/core", "125", stats).contains("left_out"));
}

TEST(TelemetryAnswer, IsWhatTheStatsSay) {
  const auto stats = stats_of(2);
  const auto& total = stats.at("total");
  auto answer = telemetry_answer("/synward/stats", "", stats);
  EXPECT_EQ(answer.at("rx"), 0x1'0000'0001);
  EXPECT_EQ(answer.at("workers"), 2);
  EXPECT_EQ(answer.at("uptime_s"), 12) << "DPDK has no fractions";
  EXPECT_EQ(answer.at("draining"), 1) << "nor truth";
  EXPECT_EQ(answer.at("table").at("connections4"), 1024);
  for (const char* own : {"workers", "uptime_s", "draining", "table", "version"}) answer.erase(own);
  EXPECT_EQ(answer.at("balances"), 0);
  answer["balances"] = false;
  EXPECT_EQ(answer, total) << "whatever is counted";
  EXPECT_EQ(telemetry_answer("/synward/drops", "", stats), total.at("drops"));
  EXPECT_EQ(telemetry_answer("/synward/events", "", stats), total.at("events"));
  EXPECT_EQ(telemetry_answer("/synward/core", "0", stats).at("rx"), 0);
  EXPECT_EQ(telemetry_answer("/synward/core", "1", stats).at("drops"), stats.at("cores").at(1).at("drops"));
  EXPECT_EQ(telemetry_answer("/synward/version", "", stats).at("version"), stats_of(1).at("version"));
  EXPECT_EQ(telemetry_answer("/synward/reload", "", stats).at("reloads"), 1);
}

TEST(TelemetryAnswer, SaysWhatIsWrongWithAParameter) {
  auto stats = stats_of(3);
  stats["services"].push_back(service("web"));
  for (const char* number : {"", "3", "-1", "1 ", "0x1", "one", "18446744073709551616"})
    EXPECT_EQ(error_of("/synward/core", number, stats), "which worker: a number from 0 to 2") << number;
  EXPECT_EQ(error_of("/synward/service", "", stats), "which service: /synward/services has the names");
  EXPECT_EQ(error_of("/synward/service", "Web", stats),
            "no service has this name: /synward/services has those that there are");
  EXPECT_EQ(error_of("/synward/port", "web", stats),
            "no port has this name: /synward/ports has those that there are");
  EXPECT_EQ(error_of("/synward/services", "2", stats), "the first one to name: a number from 0 to 1");
  EXPECT_EQ(error_of("/synward/services", "web", stats), "the first one to name: a number from 0 to 1");
  EXPECT_EQ(error_of("/synward/stats", "all", stats), "it takes no parameters");
  EXPECT_EQ(error_of("/synward", "", stats), "no such command");
  EXPECT_EQ(error_of("/synward/service", "web", stats), "none");
}

TEST(TelemetryAnswer, NamesAllServicesPageByPage) {
  auto stats = stats_of(1);
  for (int i = 0; i < 1300; ++i) stats["services"].push_back(service("service-" + std::to_string(i)));
  std::size_t seen = 0, pages = 0;
  for (std::string first; first != "end"; ++pages) {
    const auto page = telemetry_answer("/synward/services", first, stats);
    EXPECT_EQ(page.at("count"), 1300);
    EXPECT_EQ(page.at("first"), seen);
    for (const std::string name : page.at("names"))
      ASSERT_EQ(telemetry_answer("/synward/service", name, stats).at("name"),
                "service-" + std::to_string(seen++));
    first = page.contains("next") ? std::to_string(page.at("next").get<std::size_t>()) : "end";
  }
  EXPECT_EQ(seen, 1300u);
  EXPECT_EQ(pages, 3u);
}

TEST(TelemetryAnswer, TakesANameAsItIsAndAsItIsShown) {
  auto stats = stats_of(1);
  const std::string name = "f\xc3\xbcnf, " + std::string(200, 'a');
  stats["services"] = Json::array({service("f??nf"), service(name)});
  const std::string shown = telemetry_answer("/synward/services", "", stats).at("names").at(1);
  EXPECT_EQ(shown, "f??nf, " + std::string(117, 'a') + "...");
  stats["services"][1]["port"] = 80;
  EXPECT_EQ(telemetry_answer("/synward/service", name, stats).at("port"), 80);
  EXPECT_EQ(telemetry_answer("/synward/service", shown, stats).at("port"), 80);
  EXPECT_EQ(telemetry_answer("/synward/service", "f??nf", stats).at("port"), 443);
  EXPECT_EQ(error_of("/synward/service", "f?nf", stats).substr(0, 2), "no");
}

TEST(TelemetryAnswer, OfAServiceThatIsRetiredGivesWayToAnotherOfItsName) {
  auto stats = stats_of(1);
  stats["services"] = Json::array({service("web", true), service("web"), service("old", true)});
  EXPECT_EQ(telemetry_answer("/synward/service", "web", stats).at("retired"), 0);
  EXPECT_EQ(telemetry_answer("/synward/service", "old", stats).at("retired"), 1);
}

TEST(TelemetryAnswer, HasBackendsByTheirPlaceAndAnEndpointHasNone) {
  auto stats = stats_of(1);
  EXPECT_EQ(telemetry_answer("/synward/backends", "", stats).at("count"), 0);
  stats["backends"] = Json::array({{{"address", "2001:2::10"}, {"port", 443}, {"down", true}}});
  EXPECT_THAT(telemetry_answer("/synward/backends", "", stats).at("names"),
              testing::ElementsAre("[2001:2::10]:443"));
  EXPECT_EQ(telemetry_answer("/synward/backend", "[2001:2::10]:443", stats).at("down"), 1);
}

TEST(TelemetryAnswer, HasTalkersInColumns) {
  auto stats = stats_of(1);
  for (int i = 1; i < 3; ++i)
    stats["talkers"]["syns"].push_back(
        {{"prefix", "198.18." + std::to_string(i) + ".0/24"}, {"count", 10 * i}});
  const auto answer = telemetry_answer("/synward/talkers", "", stats);
  EXPECT_THAT(answer.at("syns").at("prefixes"), testing::ElementsAre("198.18.1.0/24", "198.18.2.0/24"));
  EXPECT_THAT(answer.at("syns").at("counts"), testing::ElementsAre(10, 20));
  EXPECT_TRUE(answer.at("resets").at("counts").empty());
}

TEST(TelemetryAnswer, CountsWhatItLeavesOut) {
  Json many = Json::object(), large = Json::object();
  for (int i = 0; i < 300; ++i) many["n" + std::to_string(i)] = 1;
  for (int i = 0; i < 200; ++i) large["n" + std::to_string(i)] = std::string(120, 'x');
  auto answer = made_to_fit(many);
  EXPECT_EQ(answer.size(), 256u);
  EXPECT_EQ(answer.at("left_out"), 300 - 255);
  answer = made_to_fit(large);
  EXPECT_EQ(answer.size() - 1 + answer.at("left_out").get<std::size_t>(), 200u);
  EXPECT_GT(answer.dump().size(), kTelemetryBytes - 200) << "there was room for one more";
  Json nested{{"a", many}, {"b", large}, {"c", 7}};
  answer = made_to_fit(nested);
  EXPECT_EQ(answer.at("a").at("left_out"), 300 - 255);
  EXPECT_EQ(answer.at("b").size() - 1 + answer.at("b").at("left_out").get<std::size_t>(), 200u);
  EXPECT_LE(answer.dump().size(), kTelemetryBytes);
  expect_to_fit(answer);
}

TEST(TelemetryAnswer, HasNamesAndNumbersAsDpdkTakesThem) {
  auto answer = made_to_fit({{"rx-q0 bytes", 1},
                             {"rx_q0_bytes", 2},
                             {"rx.q0.bytes", 3},
                             {"yes", true},
                             {"fraction", 1.9},
                             {"below", -1},
                             {"far_below", -5'000'000'000},
                             {"most", 0xffff'ffff'ffff'ffff},
                             {"nothing", nullptr},
                             {"empty", Json::object()},
                             {"mixed", Json::array({1, "a", Json::array({2, 3})})},
                             {"text", "tab\tquote\"\x7f"}});
  EXPECT_EQ(answer.at("rx_q0_bytes").get<int>() + answer.at("rx_q0_bytes_2").get<int>() +
                answer.at("rx_q0_bytes_3").get<int>(),
            1 + 2 + 3);
  EXPECT_EQ(answer.at("yes"), 1);
  EXPECT_EQ(answer.at("fraction"), 1);
  EXPECT_EQ(answer.at("below"), -1);
  EXPECT_EQ(answer.at("far_below"), std::numeric_limits<int>::min());
  EXPECT_EQ(answer.at("most"), 0xffff'ffff'ffff'ffff);
  EXPECT_FALSE(answer.contains("nothing"));
  EXPECT_FALSE(answer.contains("empty"));
  EXPECT_THAT(answer.at("mixed"), testing::ElementsAre("1", "a", "[2,3]"));
  EXPECT_EQ(answer.at("text"), "tab?quote\"?");
  expect_to_fit(answer);
}

TEST(Telemetry, ReadsTheNumbersOnceForAllWhoAskWithinAQuarterOfASecond) {
  int reads = 0, looks = 0;
  const auto stats = [&reads] {
    auto numbers = stats_of(1);
    numbers["uptime_s"] = ++reads;
    return numbers;
  };
  const auto health = [&looks] {
    return Json{{"healthy", true}, {"reasons", Json::array()}, {"look", ++looks}};
  };
  Telemetry telemetry{stats, health};
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(telemetry.answer("/synward/stats", "").at("uptime_s"), 1);
  for (int asked = 0; asked < 200; ++asked) static_cast<void>(telemetry.answer("/synward/drops", ""));
  EXPECT_LE(reads, 1 + (std::chrono::steady_clock::now() - begun) / kStatsFreshFor);
  const int before = reads;
  std::this_thread::sleep_for(kStatsFreshFor);
  EXPECT_EQ(telemetry.answer("/synward/stats", "").at("uptime_s"), before + 1);
  EXPECT_EQ(telemetry.answer("/synward/health", "").at("healthy"), 1);
  EXPECT_EQ(telemetry.answer("/synward/health", "").at("look"), 2) << "health is never an old one";
}

TEST(Telemetry, MayBeginAnew) {
  const auto none = [] { return stats_of(1); };
  { const Telemetry first{none, none}; }
  Telemetry second{none, none};
  EXPECT_EQ(second.answer("/synward/version", "").at("version"), stats_of(1).at("version"));
}

}  // namespace
}  // namespace synward::control
