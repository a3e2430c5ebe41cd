// When things are to happen, decided beforehand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <time.h>

namespace synward::load {

/// Microseconds of the monotonic clock: what all of the load tester measures with.
[[nodiscard]] inline std::uint64_t now_us() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000;
}

/// Event n is due at start + n / rate, for n below rate * seconds, whether or not anybody had time for it.
/// Latency counts from then: counted from when it was really sent, a stall of the sender, or of the server
/// that keeps it waiting, would hide itself (coordinated omission).
class Pace {
 public:
  Pace(double per_second, double seconds, std::uint64_t start_us)
      : per_us_{per_second / 1e6},
        total_{static_cast<std::uint64_t>(per_second * seconds)},
        start_us_{start_us},
        end_us_{start_us + static_cast<std::uint64_t>(seconds * 1e6)} {}

  /// How many events are due by `now_us`.
  [[nodiscard]] std::uint64_t due(std::uint64_t now_us) const {
    if (now_us < start_us_) return 0;
    return std::min(total_,
                    static_cast<std::uint64_t>(static_cast<double>(now_us - start_us_) * per_us_) + 1);
  }
  [[nodiscard]] std::uint64_t time_of(std::uint64_t n) const {
    return start_us_ + static_cast<std::uint64_t>(static_cast<double>(n) / per_us_);
  }
  [[nodiscard]] std::uint64_t start_us() const { return start_us_; }
  [[nodiscard]] std::uint64_t end_us() const { return end_us_; }

 private:
  double per_us_;
  std::uint64_t total_, start_us_, end_us_;
};

}  // namespace synward::load
