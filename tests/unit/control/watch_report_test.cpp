// Mirrors control/watch_report.hpp.
#include "control/watch_report.hpp"

#include <gtest/gtest.h>

#include "control/metrics.hpp"
#include "control/stats_report.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::control {
namespace {

nlohmann::json talkers() {
  return {{"syns",
           {{{"prefix", "198.18.3.0/24"}, {"count", 128000}}, {{"prefix", "2001:2::/64"}, {"count", 64}}}},
          {"bad_cookies", nlohmann::json::array()},
          {"resets", nlohmann::json::array()}};
}

nlohmann::json services(std::size_t count) {
  auto json = nlohmann::json::array();
  for (std::size_t n = 0; n < count; ++n)
    json.push_back({{"name", "web" + std::to_string(n)},
                    {"address", "198.18.0.0/24"},
                    {"port", 443},
                    {"connections", 4},
                    {"retired", false},
                    {"syns", 10},
                    {"cookies_valid", 2},
                    {"cookies_bad", 3}});
  return json;
}

TEST(WatchReport, TellsAPersonWhoIsAskedForAndByWhom) {
  auto stats = stats_json({CounterReading{}}, 1);
  stats["services"] = services(2);
  stats["services"][1]["retired"] = true;
  stats["talkers"] = talkers();
  const auto text = stats_text(stats);
  EXPECT_NE(
      text.find(
          "\nServices:\n"
          "web0            198.18.0.0/24 port 443        4 connections; 10 SYNs, 2 valid cookies, 3 bad "
          "ones\n"
          "web1            198.18.0.0/24 port 443        4 connections; 10 SYNs, 2 valid cookies, 3 bad "
          "ones; no longer in the config\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("\nMost SYNs, of the last minute, about:\n"
                      "        128000  198.18.3.0/24\n"
                      "            64  2001:2::/64\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("Most RSTs"), std::string::npos);
}

TEST(WatchReport, DoesNotListThousandsOfServices) {
  const auto text = services_text(services(1000));
  EXPECT_NE(text.find("web19 "), std::string::npos);
  EXPECT_EQ(text.find("web20 "), std::string::npos);
  EXPECT_NE(text.find("and 980 more: synward stats --json\n"), std::string::npos) << text;
}

TEST(WatchReport, ServicesAreMetricsByName) {
  auto stats = stats_json({CounterReading{}}, 1);
  stats["services"] = services(2);
  const auto text = metrics_text(stats);
  EXPECT_NE(text.find("synward_service_syns_total{service=\"web1\"} 10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("synward_service_cookies_bad_total{service=\"web0\"} 3\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace synward::control
