// A trial second by second: what its plot and its JSON show.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/load/trial/record.hpp"

namespace synward::load {

/// Between two samples. Clients belong to the one of their intended time, and never to another phase's: the
/// intervals of a phase hold its clients. Latencies are nullopt where nobody was measured.
struct Interval {
  std::uint64_t from_us = 0, to_us = 0;
  std::optional<Phase> phase;  ///< none: behind the last one, while the last clients end
  std::uint64_t clients = 0;   ///< all but those kUnderWay
  std::uint64_t succeeded = 0;
  std::uint64_t first_syn = 0;  ///< of those, by their first SYN
  std::optional<std::uint32_t> syn_ack_p50_us, syn_ack_p99_us, first_byte_p99_us;
  WireCounts counts;  ///< within it
};

/// One for each two samples that follow each other.
[[nodiscard]] std::vector<Interval> intervals(const Record& record);

}  // namespace synward::load
