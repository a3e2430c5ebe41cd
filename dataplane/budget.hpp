// How many of something may be sent: a token bucket.
#pragma once

#include <algorithm>
#include <cstdint>

namespace synward {

/// Holds one second's worth at most. One core's, no clock of its own.
class Budget {
 public:
  explicit constexpr Budget(std::uint32_t per_second)
      : per_second_{per_second}, milli_tokens_{std::uint64_t{per_second} * 1000} {}

  /// Takes one, when there is one. `mono_ms` never goes back.
  [[nodiscard]] bool take(std::uint64_t mono_ms) {
    const std::uint64_t passed = std::min<std::uint64_t>(mono_ms - refilled_ms_, 1000);
    milli_tokens_ = std::min(milli_tokens_ + passed * per_second_, std::uint64_t{per_second_} * 1000);
    refilled_ms_ = mono_ms;
    if (milli_tokens_ < 1000) return false;
    milli_tokens_ -= 1000;
    return true;
  }

 private:
  std::uint64_t per_second_, milli_tokens_, refilled_ms_ = 0;
};

}  // namespace synward
