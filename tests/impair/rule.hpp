// What is to happen to one certain segment.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/impair/segment.hpp"

namespace synward::impair {

enum class Direction : std::uint8_t { kAToB, kBToA };

enum class Action : std::uint8_t { kDrop, kDuplicate, kCorrupt, kDelay };

struct Rule {
  Action action;
  Direction direction;
  Kind kind;
  std::uint64_t nth;                // of its kind and direction, from 1
  std::chrono::nanoseconds hold{};  // kDelay alone: how long the segment is kept back

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// "ab:syn:1", and for kDelay "ab:syn:1:MILLISECONDS". Throws std::invalid_argument, one sentence.
[[nodiscard]] Rule parse_rule(Action action, const std::string& text);

}  // namespace synward::impair
