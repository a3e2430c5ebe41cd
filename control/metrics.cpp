#include "control/metrics.hpp"

#include <array>
#include <cstdint>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <string_view>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include "control/backend_report.hpp"
#include "control/port_watch.hpp"
#include "control/stats_report.hpp"
#include "dataplane/service_counters.hpp"

namespace synward::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Families {
 public:
  /// Of the metric that the calls of number() and histogram() are for from now on.
  void begin(std::string name, std::string_view help, MetricType type) {
    made_.push_back({.name = std::move(name), .help = std::string{help}, .type = type, .metric = {}});
  }
  void counter(std::string_view label, std::string_view help) {
    begin("synward_" + std::string{label} + "_total", help, MetricType::Counter);
  }
  void gauge(std::string_view label, std::string_view help) {
    begin("synward_" + std::string{label}, help, MetricType::Gauge);
  }
  void number(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (made_.back().type == MetricType::Counter) metric.counter.value = value;
    if (made_.back().type == MetricType::Gauge) metric.gauge.value = value;
    if (made_.back().type == MetricType::Untyped) metric.untyped.value = value;
    made_.back().metric.push_back(std::move(metric));
  }
  /// One number for each core, which `of` finds in its JSON.
  template <typename Of>
  void each_core(const nlohmann::json& stats, const Labels& labels, Of&& of) {
    std::size_t index = 0;
    for (const auto& core : stats.at("cores")) {
      Labels all{{"core", std::to_string(index++)}};
      all.insert(all.end(), labels.begin(), labels.end());
      number(std::move(all), of(core).template get<double>());
    }
  }
  void histogram(Labels labels, const nlohmann::json& timing, double scale) {
    ClientMetric metric;
    metric.label = std::move(labels);
    auto& made = metric.histogram;
    const auto& bounds = timing.at("le");
    const auto& counts = timing.at("counts");
    for (std::size_t b = 0; b < counts.size(); ++b) {
      made.sample_count += counts[b].get<std::uint64_t>();
      if (b < bounds.size())
        made.bucket.push_back(
            {.cumulative_count = made.sample_count, .upper_bound = bounds[b].get<double>() * scale});
    }
    made.sample_sum = timing.at("sum").get<double>() * scale;
    made_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer{}.Serialize(made_); }

 private:
  std::vector<MetricFamily> made_;
};

void add_process(Families& families, const nlohmann::json& stats) {
  families.gauge("build_info", "1; the version is the label");
  families.number({{"version", stats.at("version").get<std::string>()}}, 1);
  families.gauge("uptime_seconds", "since the workers started");
  families.number({}, stats.at("uptime_s").get<double>());
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  families.begin("process_cpu_seconds_total", "user and system time of the process", MetricType::Counter);
  families.number({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  families.begin("process_max_resident_memory_bytes", "the most that the process has had in memory",
                 MetricType::Gauge);
  families.number({}, static_cast<double>(usage.ru_maxrss) * 1024);
}

void add_frames(Families& families, const nlohmann::json& stats) {
  for (const ScalarRow& row : kScalarTable) {
    row.is_gauge ? families.gauge(row.label, row.help) : families.counter(row.label, row.help);
    families.each_core(stats, {}, [&](const auto& core) { return core.at(std::string{row.label}); });
  }
  families.counter("frames", "what became of frames received");
  for (const VerdictRow& row : kVerdictTable) {
    const std::string label{row.label};
    families.each_core(stats, {{"verdict", label}}, [&](const auto& core) { return core.at(label); });
  }
  families.counter(
      "drops",
      "frames that ended here, by reason; `synward stats` says what each means (Linux: SyncookiesFailed is "
      "bad_cookie, ListenOverflows is accept_queue_full)");
  for (const auto& row : kDropTable) {
    if (row.value == Drop::kNone) continue;
    const std::string label{row.label};
    families.each_core(stats, {{"reason", label}},
                       [&](const auto& core) { return core.at("drops").at(label); });
  }
  families.counter("routes", "frames by what they were found to be on their way through the stages");
  for (const auto& row : kRouteTable) {
    if (row.value >= Route::kSend) continue;  // a verdict, told above
    const std::string label{row.label};
    families.each_core(stats, {{"route", label}},
                       [&](const auto& core) { return core.at("routes").at(label); });
  }
}

void add_events(Families& families, const nlohmann::json& stats) {
  for (const auto& row : kEventTable) {
    families.counter(row.label, row.help);
    families.each_core(stats, {},
                       [&](const auto& core) { return core.at("events").at(std::string{row.label}); });
  }
  for (const auto& row : kGaugeTable) {
    families.gauge(row.label, row.help);
    families.each_core(stats, {},
                       [&](const auto& core) { return core.at("gauges").at(std::string{row.label}); });
  }
  for (const TimingRow& row : kTimingTable) {
    const bool in_seconds = row.unit == TimingUnit::kMicroseconds;
    const std::string label{row.label};
    families.begin("synward_" + label + (in_seconds ? "_seconds" : ""), row.help, MetricType::Histogram);
    std::size_t index = 0;
    for (const auto& core : stats.at("cores"))
      families.histogram({{"core", std::to_string(index++)}}, core.at("timings").at(label),
                         in_seconds ? 1e-6 : 1);
  }
}

void add_ports(Families& families, const nlohmann::json& ports) {
  const auto each = [&](auto&& value) {
    for (const auto& port : ports)
      families.number({{"port", port.at("name").template get<std::string>()}}, value(port));
  };
  families.gauge("port_link_up", "1 while the port's link is up");
  each([](const auto& port) { return port.at("link") == "up" ? 1.0 : 0.0; });
  families.gauge("port_speed_bytes", "speed of the link, bytes per second; 0: unknown");
  each([](const auto& port) { return port.at("link_mbps").template get<double>() * 1e6 / 8; });
  families.counter("port_resets", "how often the device began anew");
  each([](const auto& port) { return port.at("resets").template get<double>(); });
  for (const auto& [label, help] : port_losses()) {
    families.counter("port_" + std::string{label}, help);
    each([label = std::string{label}](const auto& port) { return port.at(label).template get<double>(); });
  }
  families.begin("synward_port_xstats", "what the port's driver counts, by its own names",
                 MetricType::Untyped);
  for (const auto& port : ports) {
    for (const auto& [name, value] : port.at("xstats").items())
      families.number({{"name", name}, {"port", port.at("name").get<std::string>()}}, value.get<double>());
  }
}

void add_services(Families& families, const nlohmann::json& services) {
  const auto each = [&](const std::string& label) {
    for (const auto& service : services) {
      if (service.at("retired").get<bool>()) continue;  // another one may have its name
      families.number({{"service", service.at("name").get<std::string>()}}, service.at(label).get<double>());
    }
  };
  families.gauge("service_connections", "connections of the service");
  each("connections");
  for (const ServiceCounterRow& row : kServiceCounterTable) {
    families.counter("service_" + std::string{row.label}, row.help);
    each(std::string{row.label});
  }
}

void add_reloads(Families& families, const nlohmann::json& reload) {
  families.counter("reloads", "times that the config was read anew and taken over");
  families.number({}, reload.at("reloads").get<double>());
  families.counter("failed_reloads", "times that it was not taken over: it was wrong, or wants a restart");
  families.number({}, reload.at("failed").get<double>());
}

void add_backends(Families& families, const nlohmann::json& backends) {
  const auto each = [&](auto&& value) {
    for (const auto& backend : backends)
      families.number({{"backend", backend_place(backend)}}, value(backend));
  };
  families.gauge("backend_up",
                 "0 for a second after the backend refused a client, or answered none of its SYNs");
  each([](const auto& backend) { return backend.at("down").template get<bool>() ? 0.0 : 1.0; });
  constexpr std::array<std::pair<const char*, const char*>, 3> kCounts{
      {{"handshakes", "handshakes that the backend completed"},
       {"refusals", "connections that it refused with an RST"},
       {"silences", "connections given up because it never answered"}}};
  for (const auto& [label, help] : kCounts) {
    families.counter("backend_" + std::string{label}, help);
    each([label = std::string{label}](const auto& backend) {
      return backend.at(label).template get<double>();
    });
  }
}

}  // namespace

std::string metrics_text(const nlohmann::json& stats) {
  Families families;
  add_process(families, stats);
  add_frames(families, stats);
  add_events(families, stats);
  if (stats.contains("reload")) add_reloads(families, stats.at("reload"));
  if (stats.contains("services")) add_services(families, stats.at("services"));
  if (stats.contains("ports")) add_ports(families, stats.at("ports"));
  if (stats.contains("backends")) add_backends(families, stats.at("backends"));
  return families.text();
}

}  // namespace synward::control
