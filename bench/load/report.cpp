#include "bench/load/report.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

namespace synward::load {
namespace {

double milliseconds(std::uint32_t us) { return us / 1000.0; }

std::string failures_text(const ClientReport& report) {
  std::string text;
  for (std::size_t i = 0; i < kFailureLabels.size(); ++i) {
    if (report.failures[i] != 0) text += fmt::format(" {} {}", kFailureLabels[i], report.failures[i]);
  }
  return text.empty() ? text : " (" + text.substr(1) + ")";
}

}  // namespace

nlohmann::json to_json(const FloodReport& report) {
  return {{"elapsed_s", report.elapsed_s},
          {"sent", report.sent},
          {"refused", report.refused},
          {"per_s", report.per_second()}};
}

nlohmann::json to_json(const ClientReport& report) {
  auto failures = nlohmann::json::object();
  for (std::size_t i = 0; i < kFailureLabels.size(); ++i)
    failures[std::string{kFailureLabels[i]}] = report.failures[i];
  return {{"started", report.started},
          {"connected", report.connected},
          {"closed", report.closed},
          {"failed", report.failed()},
          {"failures", failures},
          {"connect_us",
           {{"p50", percentile(report.connect_us, 0.5)},
            {"p90", percentile(report.connect_us, 0.9)},
            {"p99", percentile(report.connect_us, 0.99)},
            {"max", percentile(report.connect_us, 1)}}}};
}

std::string text_of(const FloodReport& report) {
  std::string text = fmt::format("{:5.1f} s  {} segments sent, {}/s", report.elapsed_s, grouped(report.sent),
                                 grouped(static_cast<std::uint64_t>(report.per_second())));
  if (report.refused != 0) text += fmt::format(", {} refused by the interface", grouped(report.refused));
  return text;
}

std::string text_of(const ClientReport& report) {
  return fmt::format("{} clients started, {} connected, {} closed, {} failed{}; {}", grouped(report.started),
                     grouped(report.connected), grouped(report.closed), grouped(report.failed()),
                     failures_text(report), latency_text(report));
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string latency_text(const ClientReport& report, std::size_t first) {
  const auto values = std::span{report.connect_us}.subspan(std::min(first, report.connect_us.size()));
  if (values.empty()) return "nobody connected";
  return fmt::format("connect p50 {:.2f} ms, p99 {:.2f} ms, worst {:.2f} ms",
                     milliseconds(percentile(values, 0.5)), milliseconds(percentile(values, 0.99)),
                     milliseconds(percentile(values, 1)));
}

}  // namespace synward::load
