// Which strays were seen before. A stray is dropped when it comes first, for it may be a reordered first
// flight; who sends it again three seconds later has a connection that we do not know, and deserves an RST.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace synward {

/// One core's. A flow is a 64-bit keyed hash of it. A newer stray takes the place of an older one, so that
/// whoever floods with strays makes us forget, and send less.
class StrayMemory {
 public:
  /// A client whose ACK and first text were lost sends text behind them again as a probe (RFC 8985 7.2), two
  /// round trips later, and only then, after its first RTO, the text that has the cookie: it must not be
  /// reset in between.
  static constexpr std::uint32_t kLeastMs = 3'000, kMostMs = 60'000;

  /// Whether `flow` was here at least kLeastMs and at most kMostMs ago; that answer ends its memory, so the
  /// next one starts over. Otherwise remembers it, unless it does already.
  [[nodiscard]] bool repeats(std::uint64_t flow, std::uint64_t mono_ms) {
    Seen& seen = seen_[flow % kEntries];
    const auto tag = static_cast<std::uint32_t>(flow >> 32) | 1;  // 0: nobody
    const auto now = static_cast<std::uint32_t>(mono_ms);
    const std::uint32_t age = now - seen.ms;
    if (seen.tag != tag || age > kMostMs) {
      seen = {tag, now};
      return false;
    }
    if (age < kLeastMs) return false;
    seen.tag = 0;
    return true;
  }

 private:
  static constexpr std::size_t kEntries = 4096;  // 32 KiB
  struct Seen {
    std::uint32_t tag, ms;
  };
  std::array<Seen, kEntries> seen_{};
};

}  // namespace synward
