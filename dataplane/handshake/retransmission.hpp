// When to send a SYN or SYN-ACK again (RFC 6298). Time is the caller's, in microseconds of any clock that
// never steps back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace synward::handshake {

inline constexpr std::uint32_t kInitialRtoUs = 1'000'000;  // RFC 6298 2.1: nothing was measured yet
inline constexpr std::uint32_t kMaxRtoUs = 120'000'000;    // RFC 6298 2.5 asks for at least 60 s
/// A SYN is given up 247 s after it was first sent; RFC 9293 3.8.3 (MUST-23) asks for at least 3 minutes.
inline constexpr std::uint8_t kSynRetries = 7;
/// A SYN-ACK after 63 s, as in Linux: who waits holds memory for a stranger.
inline constexpr std::uint8_t kSynAckRetries = 5;

/// The retransmission timer of one connection, and how often it may still fire.
class RetransmissionTimer {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  void start(std::uint64_t now_us, std::uint8_t retries) {
    rto_us_ = kInitialRtoUs;
    retries_left_ = retries;
    deadline_us_ = now_us + rto_us_;
  }
  /// What was sent is acknowledged (RFC 6298 5.2), or the connection is gone.
  void stop() { deadline_us_ = kNever; }
  [[nodiscard]] bool due(std::uint64_t now_us) const { return now_us >= deadline_us_; }
  /// kNever while the timer is stopped.
  [[nodiscard]] std::uint64_t deadline_us() const { return deadline_us_; }
  /// RFC 6298 5.5 and 5.6: twice the timeout, and from now. False, and stopped, when it has fired often
  /// enough.
  [[nodiscard]] bool back_off(std::uint64_t now_us) {
    if (retries_left_ == 0) {
      stop();
      return false;
    }
    --retries_left_;
    rto_us_ = std::min(2 * rto_us_, kMaxRtoUs);
    deadline_us_ = now_us + rto_us_;
    return true;
  }

 private:
  std::uint64_t deadline_us_ = kNever;
  std::uint32_t rto_us_ = kInitialRtoUs;
  std::uint8_t retries_left_ = 0;
};

}  // namespace synward::handshake
