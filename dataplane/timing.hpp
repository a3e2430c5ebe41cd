// How long something takes, by the clock that a worker reads once a turn of its loop: what begins and ends in
// one turn took no time. One row = one histogram = one metric.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Timing : std::uint8_t { kBurstCycles, kBackendEstablished, kBackendRoundTrip, kCount };

enum class TimingUnit : std::uint8_t { kTscCycles, kMicroseconds };

struct TimingRow {
  Timing value;
  std::string_view label, help;
  TimingUnit unit;
  /// The first bucket holds what takes at most 2^first_bucket units, and each further one twice as much.
  std::uint8_t first_bucket;
};

/// The last one holds what is longer than all others take.
inline constexpr std::size_t kTimingBuckets = 22;

inline constexpr std::array<TimingRow, kCountOf<Timing>> kTimingTable{{
    {Timing::kBurstCycles, "burst_cycles", "a worker's turn that found frames", TimingUnit::kTscCycles, 7},
    {Timing::kBackendEstablished, "backend_established",
     "from a client's valid cookie to its backend's SYN-ACK, repeated SYNs included",
     TimingUnit::kMicroseconds, 4},
    {Timing::kBackendRoundTrip, "backend_round_trip",
     "from the SYN to a backend to its SYN-ACK, when no SYN was repeated", TimingUnit::kMicroseconds, 4},
}};
static_assert([] {
  for (std::size_t i = 0; i < kTimingTable.size(); ++i) {
    if (kTimingTable[i].value != static_cast<Timing>(i) || kTimingTable[i].help.empty()) return false;
  }
  return true;
}());

/// Of the bucket that a value falls into.
[[nodiscard]] constexpr std::size_t timing_bucket(std::uint64_t value, std::uint8_t first_bucket) {
  // Rounded up: each bucket holds its upper bound.
  const auto log2 = value <= 1 ? std::size_t{0} : static_cast<std::size_t>(std::bit_width(value - 1));
  return log2 <= first_bucket ? 0 : std::min<std::size_t>(log2 - first_bucket, kTimingBuckets - 1);
}

}  // namespace synward
