// The clock of these benchmarks: time stamp counter cycles, which tick at one rate whatever the core's
// frequency.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <x86intrin.h>

#include <benchmark/benchmark.h>

namespace synward::bench {

/// Cycles per second, measured once against the kernel's clock.
[[nodiscard]] double tsc_hz();

/// What `work` takes, from the end of everything before it until its last instruction has ended.
template <typename Work>
[[nodiscard]] std::uint64_t cycles_of(Work&& work) {
  _mm_lfence();
  const std::uint64_t start = __rdtsc();
  _mm_lfence();
  work();
  unsigned core;
  const std::uint64_t end = __rdtscp(&core);
  _mm_lfence();
  return end - start;
}

/// One figure of many samples: the median, which a few interruptions do not move.
class Samples {
 public:
  void add(std::uint64_t cycles) { cycles_.push_back(cycles); }
  [[nodiscard]] double median() {
    const auto middle = cycles_.begin() + static_cast<std::ptrdiff_t>(cycles_.size() / 2);
    std::nth_element(cycles_.begin(), middle, cycles_.end());
    return static_cast<double>(*middle);
  }

 private:
  std::vector<std::uint64_t> cycles_;
};

/// Times `work`, which handles `packets`, after each time `prepare`, which is not timed. Reports the counter
/// "cycles": per packet. For benchmarks that UseManualTime().
template <typename Prepare, typename Work>
void sample(benchmark::State& state, std::size_t packets, Prepare&& prepare, Work&& work) {
  Samples samples;
  for (auto _ : state) {
    prepare();
    const std::uint64_t cycles = cycles_of(work);
    samples.add(cycles);
    state.SetIterationTime(static_cast<double>(cycles) / tsc_hz());
  }
  state.counters["cycles"] = samples.median() / static_cast<double>(packets);
}

}  // namespace synward::bench
