#include "bench/micro/report.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/tsc.hpp"

namespace synward::bench {

double tsc_hz() {
  static const double kHz = [] {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    const std::uint64_t first = __rdtsc();
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    const std::uint64_t last = __rdtsc();
    const std::chrono::duration<double> passed = Clock::now() - began;
    return static_cast<double>(last - first) / passed.count();
  }();
  return kHz;
}

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string cpu_model() {
  std::ifstream info{"/proc/cpuinfo"};
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

/// All repetitions of one row and column.
struct Cell {
  std::vector<double> cycles, floors;
  std::string error;

  [[nodiscard]] std::string text() const {
    if (!error.empty()) return error;
    if (cycles.empty()) return "";
    std::array<char, 64> text;
    if (floors.empty())
      std::snprintf(text.data(), text.size(), "%.1f        ", median(cycles));
    else
      std::snprintf(text.data(), text.size(), "%.1f %5.2f F", median(cycles), median(floors));
    return text.data();
  }
};

class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const std::string& name = run.run_name.function_name;
      const std::size_t slash = name.rfind('/');
      Cell& cell = cell_at(run.family_index, name.substr(0, slash), name.substr(slash + 1));
      if (run.error_occurred) {
        cell.error = run.error_message;
        continue;
      }
      const auto& counters = run.counters;
      if (const auto found = counters.find("cycles"); found != counters.end())
        cell.cycles.push_back(found->second.value);
      else if (const auto rate = counters.find("items_per_second"); rate != counters.end())
        cell.cycles.push_back(tsc_hz() / rate->second.value);
      if (const auto found = counters.find("F"); found != counters.end())
        cell.floors.push_back(found->second.value);
    }
  }

  void Finalize() override {
    std::array<double, 1> load{};
    getloadavg(load.data(), static_cast<int>(load.size()));
    std::printf("%s, TSC %.2f GHz, load %.1f, compiler %s\n", cpu_model().c_str(), tsc_hz() / 1e9, load[0],
                __VERSION__);
    const auto rows = in_order(rows_), columns = in_order(columns_);
    std::size_t width = 30;
    for (const std::string& row : rows) width = std::max(width, row.size());
    std::printf("%-*s", static_cast<int>(width), "TSC cycles per packet, medians");
    for (const std::string& column : columns) std::printf(" %20s", (column + "        ").c_str());
    for (const std::string& row : rows) {
      std::printf("\n%-*s", static_cast<int>(width), row.c_str());
      for (const std::string& column : columns) std::printf(" %20s", cells_[{row, column}].text().c_str());
    }
    std::printf("\n");
  }

 private:
  /// Names in the order of registration, whatever the order of the runs.
  using Names = std::map<std::string, std::int64_t>;
  static std::vector<std::string> in_order(const Names& names) {
    std::vector<std::string> sorted;
    sorted.reserve(names.size());
    for (const auto& [name, first] : names) sorted.push_back(name);
    std::sort(sorted.begin(), sorted.end(),
              [&names](const auto& a, const auto& b) { return names.at(a) < names.at(b); });
    return sorted;
  }
  Cell& cell_at(std::int64_t position, const std::string& row, const std::string& column) {
    for (auto* const first : {&rows_.try_emplace(row, position).first->second,
                              &columns_.try_emplace(column, position).first->second})
      *first = std::min(*first, position);
    return cells_[{row, column}];
  }

  Names rows_, columns_;
  std::map<std::pair<std::string, std::string>, Cell> cells_;
};

}  // namespace

void add(const std::string& name, const std::function<void(benchmark::State&)>& run, std::size_t iterations) {
  auto* const row = benchmark::RegisterBenchmark(name.c_str(), run);  // NOLINT: the library owns it
  row->UseManualTime();
  if (iterations != 0) row->Iterations(static_cast<benchmark::IterationCount>(iterations));
}

int run(int argc, char** argv, Order order) {
  // What the user says comes behind, and counts.
  std::vector<std::string> arguments{argv[0], "--benchmark_repetitions=5", "--benchmark_min_time=0.05"};
  if (order == Order::kInterleaved) arguments.emplace_back("--benchmark_enable_random_interleaving=true");
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  // Without these, the figures in a JSON file could not be read as the table's.
  benchmark::AddCustomContext("cpu", cpu_model());
  benchmark::AddCustomContext("tsc_hz", std::to_string(tsc_hz()));
  benchmark::AddCustomContext("compiler", __VERSION__);
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}

}  // namespace synward::bench
