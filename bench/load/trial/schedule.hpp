// When clients come, decided beforehand, so that a run can be repeated and nobody waits for anybody.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "bench/load/attack.hpp"

namespace synward::load {

enum class Arrivals : std::uint8_t {
  kConstant,  ///< at equal distances
  kPoisson,   ///< as people come, who do not know of each other
};

/// Intended times in microseconds since the trial began, ascending, all below `total_us`.
[[nodiscard]] inline std::vector<std::uint64_t> arrival_times(Arrivals arrivals, double per_second,
                                                              std::uint64_t total_us, std::uint64_t seed) {
  std::vector<std::uint64_t> times;
  if (per_second <= 0) return times;
  const double gap_us = 1e6 / per_second;
  times.reserve(static_cast<std::size_t>(static_cast<double>(total_us) / gap_us) + 1);
  FastRandom random{seed};
  // 53 bits above zero: its logarithm is finite.
  const auto drawn = [&] { return static_cast<double>((random() >> 11) + 1) * 0x1p-53; };
  const auto gap = [&] { return arrivals == Arrivals::kConstant ? gap_us : -std::log(drawn()) * gap_us; };
  for (double at = arrivals == Arrivals::kConstant ? 0 : gap(); at < static_cast<double>(total_us);
       at += gap())
    times.push_back(static_cast<std::uint64_t>(at));
  return times;
}

}  // namespace synward::load
