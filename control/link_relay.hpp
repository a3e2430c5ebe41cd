// A wire between two ports looks like a cable: when the link at its one end goes down, so should that at the
// other, or a router never learns that what it sends goes nowhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace synward::control {

/// Decides which of two links must be down because the other is. Knows no device; one thread.
class LinkRelay {
 public:
  enum class Action : std::uint8_t { kNone, kTakeDown, kLetUp };

  /// `now_ms`: any clock that only goes forward.
  explicit LinkRelay(std::uint64_t now_ms)
      : sure_from_ms_{now_ms + kNegotiationMs, now_ms + kNegotiationMs} {}

  /// `up`: what the ports say. A link that this took down says nothing of itself, nor does one for a while
  /// after it was let up: both ends first have to agree on a speed. Two links that are down by themselves are
  /// left alone.
  [[nodiscard]] std::array<Action, 2> decide(const std::array<bool, 2>& up, std::uint64_t now_ms);

  /// The link of `port` (0 or 1) has begun anew. Returns whether it must be taken down, as it was before; if
  /// not, it says nothing of itself for a while.
  [[nodiscard]] bool begun_anew(std::size_t port, std::uint64_t now_ms);

 private:
  static constexpr std::uint64_t kNegotiationMs = 5000;
  std::array<bool, 2> taken_down_{};
  std::array<std::uint64_t, 2> sure_from_ms_;
};

}  // namespace synward::control
