// How many packets a port takes in and sends, by its own count: the same instrument for synward and testpmd.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace synward::bench {

struct Passage {
  std::uint64_t received, sent;
  std::uint64_t cycles;  ///< of the time stamp counter meanwhile
};

/// What passes `port` in so much time, from a moment after the first packet. Throws std::runtime_error when
/// none comes.
[[nodiscard]] Passage measure(std::uint16_t port, std::chrono::milliseconds time);
/// One line that bench/pmd/run.py looks for, a JSON object behind a mark. `problem`: why it must not count.
[[nodiscard]] std::string as_line(const Passage& passage, const std::string& problem = "");

}  // namespace synward::bench
