#include "control/stats_report.hpp"

#include <fmt/format.h>

#include "control/backend_report.hpp"
#include "control/port_watch.hpp"

namespace synward::control {
namespace {

template <typename Enum, std::size_t kSize>
nlohmann::json by_label(const Table<Enum>& table, const std::array<std::uint64_t, kSize>& counts) {
  auto object = nlohmann::json::object();
  for (std::size_t i = 0; i < kSize; ++i) object[std::string{table[i].label}] = counts[i];
  return object;
}

nlohmann::json reading_json(const CounterReading& r) {
  auto drops = by_label(kDropTable, r.drop);
  drops.erase("none");
  return {{"rx", r.rx},
          {"taken_over", r.taken_over},
          {"sent", r[Route::kSend]},
          {"forwarded", r[Route::kForward]},
          {"held", r[Route::kHold]},
          {"dropped", r[Route::kDrop]},
          {"handed_over", r[Route::kHandOver]},
          {"released", r.released},
          {"held_dropped", r.held_dropped},
          {"held_now", r.held_now},
          {"originated", r.originated},
          {"originated_dropped", r.originated_dropped},
          {"bursts", r.bursts},
          {"empty_polls", r.empty_polls},
          {"drops", drops},
          {"routes", by_label(kRouteTable, r.route)},
          {"events", by_label(kEventTable, r.event)},
          {"gauges", by_label(kGaugeTable, r.gauge)},
          {"balances", r.balances()}};
}

}  // namespace

nlohmann::json stats_json(const std::vector<CounterReading>& cores, double uptime_s) {
  CounterReading total;
  auto per_core = nlohmann::json::array();
  for (const CounterReading& core : cores) {
    total += core;
    per_core.push_back(reading_json(core));
  }
  return {{"version", SYNWARD_VERSION},
          {"uptime_s", uptime_s},
          {"cores", per_core},
          {"total", reading_json(total)}};
}

std::string stats_text(const nlohmann::json& stats, const nlohmann::json& before) {
  const auto& total = stats.at("total");
  const double uptime_s = stats.at("uptime_s");
  std::string text = fmt::format("synward {}, {} worker(s), up {:.0f} s\n\n",
                                 stats.at("version").get<std::string>(), stats.at("cores").size(), uptime_s);
  const double elapsed_s = before.is_null() ? 0 : uptime_s - before.at("uptime_s").get<double>();
  const auto line = [&](const std::string& path, std::string_view label, std::string_view help) {
    const nlohmann::json::json_pointer at{"/total/" + path};
    const std::uint64_t count = stats.at(at);
    text += fmt::format("{:>14}  ", count);
    if (elapsed_s > 0) {
      const auto grown = static_cast<double>(count - before.at(at).get<std::uint64_t>());
      text += fmt::format("{:>10.0f}/s  ", grown / elapsed_s);
    }
    text += fmt::format("{:<24}{}\n", label, help);
  };
  // What stands has no rate: the column stays free.
  const auto gauge = [&](std::uint64_t value, std::string_view label, std::string_view help) {
    text += fmt::format("{:>14}  {:{}}{:<24}{}\n", value, "", elapsed_s > 0 ? 14 : 0, label, help);
  };
  const auto line_if_any = [&](const std::string& path, std::string_view label, std::string_view help) {
    if (total.at(path) != 0) line(path, label, help);
  };
  line("rx", "rx", "frames received");
  line_if_any("taken_over", "taken_over", "frames that another core received and handed over");
  line("sent", "sent", "frames that became their own reply");
  line("forwarded", "forwarded", "frames that went on: to the other port, or to the acceptor");
  for (const auto& row : kEventTable) line("events/" + std::string{row.label}, row.label, row.help);
  for (const auto& row : kGaugeTable)
    gauge(total.at("gauges").at(std::string{row.label}), row.label, row.help);
  line("originated", "originated", "frames of synward's own accord");
  line_if_any("originated_dropped", "originated_dropped", "the same, but the transmit queue was full");
  line("handed_over", "handed_over", "frames moved to the core that owns their flow");
  line("dropped", "dropped", "frames that ended here, each for one of these reasons:");
  for (const auto& row : kDropTable) {
    const std::string label{row.label};
    if (total.at("drops").value(label, std::uint64_t{0}) != 0) line("drops/" + label, row.label, row.help);
  }
  if (stats.contains("ports")) text += ports_text(stats.at("ports"));
  if (stats.contains("backends")) text += backends_text(stats.at("backends"));
  text += total.at("balances").get<bool>()
              ? "\nEvery frame is accounted for.\n"
              : "\nThe counters do not add up; while traffic flows, ask again.\n";
  return text;
}

}  // namespace synward::control
