// What the two ends of a connection have in common that synward-load plays. The state machine is about
// opening; saying a thing again, and closing, is its owner's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dataplane/handshake/negotiation.hpp"
#include "dataplane/handshake/retransmission.hpp"
#include "dataplane/handshake/state_machine.hpp"

namespace synward::load {

/// Everything on, and the MSS of an Ethernet.
template <wire::Family kFamily>
[[nodiscard]] handshake::EndpointOptions endpoint_options() {
  handshake::EndpointOptions options;
  options.family = kFamily;
  if constexpr (kFamily == wire::Family::kIpv6) options.mss = 1440;
  return options;
}

[[nodiscard]] inline bool all_acknowledged(const handshake::Tcb& tcb) { return tcb.snd_una == tcb.snd_nxt; }

/// One number of sequence space; nullopt as from send_text().
[[nodiscard]] inline std::optional<handshake::Segment> send_fin(handshake::Tcb& tcb, std::uint64_t now_us) {
  auto fin = handshake::send_text(tcb, 0, now_us);
  if (!fin) return std::nullopt;
  fin->flags = wire::TcpFlags::kFin | wire::TcpFlags::kAck;  // nothing is pushed
  tcb.snd_nxt += 1;
  return fin;
}

/// When what is under way is said again: text and FIN, for the timer of the TCB is that of SYNs.
class TextTimer {
 public:
  void start(std::uint64_t now_us) {
    rto_us_ = kLeastRtoUs;
    due_us_ = now_us + rto_us_;
  }
  void back_off(std::uint64_t now_us) {
    rto_us_ = std::min(2 * rto_us_, handshake::kMaxRtoUs);
    due_us_ = now_us + rto_us_;
  }
  [[nodiscard]] std::uint64_t due_us() const { return due_us_; }

 private:
  static constexpr std::uint32_t kLeastRtoUs = 200'000;  // Linux's TCP_RTO_MIN

  std::uint64_t due_us_ = 0;
  std::uint32_t rto_us_ = kLeastRtoUs;
};

}  // namespace synward::load
