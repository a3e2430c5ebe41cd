// A synward in numbers, and what whoever watches it with `synward top` sees.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/stats_report.hpp"
#include "control/top_screen.hpp"

namespace synward::control {

/// What synward counts in a second.
struct Traffic {
  std::uint64_t syns = 0, valid = 0, invalid = 0;
};

/// A synward in numbers, and who watches it.
class Watched {
 public:
  explicit Watched(std::size_t cores = 1) : cores_(cores) {}

  void second(const Traffic& traffic = {}) {
    uptime_s_ += 1;
    now_s_ += 1;
    CounterReading& core = cores_[0];
    core.route[std::size_t(Route::kCommonSyn4)] += traffic.syns;
    core.event[std::size_t(Event::kSynAnswered)] += traffic.syns;
    core.event[std::size_t(Event::kCookieValid)] += traffic.valid;
    core.event[std::size_t(Event::kPromoted)] += traffic.valid;
    core.drop[std::size_t(Drop::kBadCookie)] += traffic.invalid;
    core.route[std::size_t(Route::kDrop)] += traffic.invalid;
    core.gauge[std::size_t(Gauge::kConnections4)] += traffic.valid;
    for (std::size_t c = 0; c < cores_.size(); ++c) {
      cores_[c].busy_cycles += traffic.syns == 0 ? 0 : c % 5 * 25;
      cores_[c].idle_cycles += traffic.syns == 0 ? 100 : 100 - c % 5 * 25;
    }
    auto stats = stats_json(cores_, uptime_s_);
    for (auto& service : services) {
      service["syns"] = service["syns"].get<std::uint64_t>() + traffic.syns / services.size();
      service["cookies_valid"] =
          service["cookies_valid"].get<std::uint64_t>() + traffic.valid / services.size();
      service["cookies_bad"] =
          service["cookies_bad"].get<std::uint64_t>() + traffic.invalid / services.size();
    }
    if (!services.empty()) stats["services"] = services;
    stats.update(others);
    history.add(stats, now_s_);
  }
  void serve(const std::string& name, const std::string& address, int port) {
    services.push_back({{"name", name},
                        {"address", address},
                        {"port", port},
                        {"syns", 0},
                        {"cookies_valid", 0},
                        {"cookies_bad", 0}});
  }
  void add_backend(const std::string& address, bool down) {
    others["backends"].push_back({{"address", address},
                                  {"port", 443},
                                  {"down", down},
                                  {"handshakes", 12'345},
                                  {"refusals", 6},
                                  {"silences", 0}});
  }
  void restart() {
    uptime_s_ = 0;
    cores_ = std::vector<CounterReading>(cores_.size());
  }
  [[nodiscard]] std::string screen(std::size_t columns, std::size_t rows,
                                   Look look = {.unicode = true}) const {
    std::string text;
    for (const auto& line : top_screen(history.view(), {columns, rows, look, true})) text += line + "\n";
    return text;
  }

  std::vector<nlohmann::json> services;
  nlohmann::json others = nlohmann::json::object();
  TopHistory history{1};

 private:
  std::vector<CounterReading> cores_;
  double uptime_s_ = 3 * 86400 + 4 * 3600, now_s_ = 0;  // of the person's clock
};

inline Watched flooded() {
  Watched watched{2};
  watched.serve("web", "198.18.0.10", 443);
  watched.serve("web over IPv6", "2001:2::10", 443);
  watched.others = {{"table", {{"connections4", 1'048'576}, {"connections6", 1'048'576}}},
                    {"talkers",
                     {{"syns",
                       {{{"prefix", "198.18.7.0/24"}, {"count", 1'234'567}},
                        {{"prefix", "2001:2:0:77::/64"}, {"count", 2345}},
                        {{"prefix", "198.18.8.0/24"}, {"count", 67}}}},
                      {"bad_cookies", {{{"prefix", "203.0.113.0/24"}, {"count", 450'000}}}},
                      {"resets", nlohmann::json::array()}}}};
  watched.add_backend("198.18.0.10", false);
  watched.add_backend("2001:2::10", true);
  for (int i = 0; i < 12; ++i) watched.second({.syns = 40, .valid = 38});
  for (std::uint64_t i = 1; i <= 8; ++i) watched.second({.syns = 150'000 * i, .valid = 40, .invalid = 9000});
  return watched;
}

inline nlohmann::json many_sources(const std::string& begin, const std::string& end) {
  auto sources = nlohmann::json::array();
  for (int i = 0; i < 10; ++i)
    sources.push_back({{"prefix", begin + std::to_string(10 + i) + end}, {"count", 1'000'000 >> i}});
  return sources;
}

inline Watched many() {
  Watched watched{4};
  for (int i = 1; i <= 15; ++i)
    watched.serve("service " + std::to_string(i), "198.18.0." + std::to_string(i), 443);
  for (int i = 1; i <= 9; ++i) watched.add_backend("198.18.0." + std::to_string(i), i == 7);
  watched.others["talkers"] = {{"syns", many_sources("198.18.", ".0/24")},
                               {"bad_cookies", many_sources("198.18.", ".0/24")},
                               {"resets", many_sources("198.18.", ".0/24")}};
  watched.second();
  for (auto& service : watched.services) service["cookies_valid"] = 1;
  watched.services[11]["syns"] = 90'000;
  watched.second({.syns = 30});
  return watched;
}

inline Watched quiet() {
  Watched watched;
  for (int i = 0; i < 5; ++i) watched.second();
  return watched;
}

}  // namespace synward::control
