// Frames on their way.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "tests/impair/impairment.hpp"

namespace synward::impair {

/// Frames that are not yet due, at most so many. Those that are due at the same moment keep their order.
class DelayLine {
 public:
  explicit DelayLine(std::size_t most_frames) : most_frames_{most_frames} {}

  /// False when it is full: the frame is gone.
  [[nodiscard]] bool push(Departure departure) {
    if (frames_.size() == most_frames_) return false;
    frames_.emplace(departure.when, std::move(departure.frame));  // behind its equals
    return true;
  }
  /// The next frame, when it is due at `now`.
  [[nodiscard]] std::optional<Frame> pop(Clock::time_point now) {
    if (frames_.empty() || frames_.begin()->first > now) return std::nullopt;
    return std::move(frames_.extract(frames_.begin()).mapped());
  }
  /// When the next frame is due; nullopt when there is none.
  [[nodiscard]] std::optional<Clock::time_point> next() const {
    return frames_.empty() ? std::nullopt : std::optional{frames_.begin()->first};
  }
  [[nodiscard]] std::size_t size() const { return frames_.size(); }

 private:
  std::size_t most_frames_;
  std::multimap<Clock::time_point, Frame> frames_;
};

}  // namespace synward::impair
