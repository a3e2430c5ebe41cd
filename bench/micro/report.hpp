// How a benchmark of this folder runs and what it prints.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <benchmark/benchmark.h>

namespace synward::bench {

/// In what order the repetitions of all benchmarks run.
enum class Order {
  kInterleaved,  ///< at random: a noisy minute is spread over all rows
  kOneByOne,     ///< where what is measured takes long to set up
};

/// Registers a benchmark that sets its own times, as sample() does. `iterations` of a repetition: 0 for as
/// many as fill its time; a number where what is measured changes with each, and must end the same in every
/// run.
void add(const std::string& name, const std::function<void(benchmark::State&)>& run,
         std::size_t iterations = 0);

/// main() for registered benchmarks: five repetitions unless the arguments, Google Benchmark's own, say
/// otherwise; then one table of the medians, in time stamp counter cycles per packet. A benchmark is named
/// "row/column". Its figure is its counter "cycles", or what items_per_second amounts to; a counter "F", how
/// many times the floor that is, stands beside it. --benchmark_out=FILE leaves every repetition as JSON.
int run(int argc, char** argv, Order order);

}  // namespace synward::bench
