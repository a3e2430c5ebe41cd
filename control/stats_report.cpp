#include "control/stats_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "control/backend_report.hpp"
#include "control/port_watch.hpp"
#include "control/watch_report.hpp"

namespace synward::control {
namespace {

template <typename Enum, std::size_t kSize>
nlohmann::json by_label(const Table<Enum>& table, const std::array<std::uint64_t, kSize>& counts) {
  auto object = nlohmann::json::object();
  for (std::size_t i = 0; i < kSize; ++i) object[std::string{table[i].label}] = counts[i];
  return object;
}

/// "le" are the upper bounds of all buckets but the last, which has none.
nlohmann::json timing_json(const TimingRow& row, const HistogramReading& reading) {
  auto bounds = nlohmann::json::array();
  for (std::size_t b = 0; b + 1 < kTimingBuckets; ++b)
    bounds.push_back(std::uint64_t{1} << (row.first_bucket + b));
  return {{"unit", row.unit == TimingUnit::kTscCycles ? "tsc_cycles" : "us"},
          {"le", bounds},
          {"counts", reading.count},
          {"sum", reading.sum}};
}

nlohmann::json reading_json(const CounterReading& r) {
  auto drops = by_label(kDropTable, r.drop);
  drops.erase("none");
  nlohmann::json json{{"drops", drops},
                      {"routes", by_label(kRouteTable, r.route)},
                      {"events", by_label(kEventTable, r.event)},
                      {"gauges", by_label(kGaugeTable, r.gauge)},
                      {"balances", r.balances()}};
  for (const TimingRow& row : kTimingTable)
    json["timings"][std::string{row.label}] = timing_json(row, r.timing[static_cast<std::size_t>(row.value)]);
  for (const VerdictRow& row : kVerdictTable) json[std::string{row.label}] = r[row.verdict];
  for (const ScalarRow& row : kScalarTable) json[std::string{row.label}] = r.*row.reading;
  return json;
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
  if (stats.value("draining", false))
    text += "Draining: SYNs get no answer. `synward drain --undo` ends it.\n\n";
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
  const auto help_of = [](const auto& table, std::string_view label) {
    return std::ranges::find(table, label, [](const auto& row) { return row.label; })->help;
  };
  const auto scalar = [&](const std::string& label, auto&& write) {
    write(label, label, help_of(kScalarTable, label));
  };
  const auto verdict = [&](const std::string& label) { line(label, label, help_of(kVerdictTable, label)); };
  scalar("rx", line);
  scalar("taken_over", line_if_any);
  verdict("sent");
  verdict("forwarded");
  for (const auto& row : kEventTable) line("events/" + std::string{row.label}, row.label, row.help);
  for (const auto& row : kGaugeTable)
    gauge(total.at("gauges").at(std::string{row.label}), row.label, row.help);
  scalar("originated", line);
  scalar("originated_dropped", line_if_any);
  verdict("handed_over");
  verdict("dropped");
  for (const auto& row : kDropTable) {
    const std::string label{row.label};
    if (total.at("drops").value(label, std::uint64_t{0}) != 0) line("drops/" + label, row.label, row.help);
  }
  if (stats.contains("services")) text += services_text(stats.at("services"));
  if (stats.contains("talkers")) text += talkers_text(stats.at("talkers"));
  if (stats.contains("ports")) text += ports_text(stats.at("ports"));
  if (stats.contains("backends")) text += backends_text(stats.at("backends"));
  text += total.at("balances").get<bool>()
              ? "\nEvery frame is accounted for.\n"
              : "\nThe counters do not add up; while traffic flows, ask again.\n";
  return text;
}

}  // namespace synward::control
