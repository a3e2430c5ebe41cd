// What a trial comes to: figures of each phase.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/load/trial/record.hpp"

namespace synward::load {

/// Nearest rank: each is a value that was measured. In microseconds; zeros when `count` is.
struct Latency {
  std::uint64_t count = 0;
  std::uint32_t p50_us = 0, p90_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
};

/// Sorts `us`.
[[nodiscard]] Latency latency_of(std::vector<std::uint32_t>& us);

/// Clients belong to the phase of their intended time, whenever they end.
struct PhaseSummary {
  Phase phase = Phase::kBaseline;
  double seconds = 0;
  std::uint64_t clients = 0;    ///< that ended: all but those kUnderWay
  std::uint64_t first_syn = 0;  ///< succeeded, and their first SYN was the one that was answered
  std::array<std::uint64_t, std::size_t(Outcome::kCount)> outcomes{};
  std::uint64_t unclosed = 0;   ///< of those that succeeded
  Latency syn_ack, first_byte;  ///< of all that got so far
  Latency late;                 ///< the generator's own
  WireCounts counts;            ///< within the phase
  std::uint64_t syn_acks = 0;   ///< to the attack from the phase's begin to the trial's end: also late ones

  [[nodiscard]] std::uint64_t succeeded() const { return outcomes[std::size_t(Outcome::kSucceeded)]; }
  /// In percent; 0 without clients.
  [[nodiscard]] double success() const { return share(succeeded()); }
  [[nodiscard]] double first_syn_success() const { return share(first_syn); }
  [[nodiscard]] double per_second(std::uint64_t count) const {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
  }
  [[nodiscard]] double syn_acks_per_syn() const {
    return counts.syns_sent == 0 ? 0 : static_cast<double>(syn_acks) / static_cast<double>(counts.syns_sent);
  }
  /// The generator was too slow for what it was asked: a hundredth of the attack or more never left, or one
  /// client in a hundred began a millisecond late or later. Its figures then say less about the target.
  [[nodiscard]] bool saturated() const;

 private:
  [[nodiscard]] double share(std::uint64_t of) const {
    return clients == 0 ? 0 : 100 * static_cast<double>(of) / static_cast<double>(clients);
  }
};

/// Of each phase that takes any time, in their order. Of a trial that was interrupted, as far as it came.
[[nodiscard]] std::vector<PhaseSummary> summarize(const Record& record);

}  // namespace synward::load
