// The three segments that an opening connection sends. Private to the state machine: what to send, and when,
// is its decision.
#pragma once

#include <cstdint>

#include "dataplane/handshake/negotiation.hpp"
#include "dataplane/handshake/segment.hpp"
#include "dataplane/handshake/tcb.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::handshake {

/// RFC 7323 5.4: a clock of 1 ms, moved by an offset that belongs to the connection.
[[nodiscard]] inline std::uint32_t tsval(const Tcb& tcb, std::uint64_t now_us) {
  return tcb.initial.ts_offset + static_cast<std::uint32_t>(now_us / 1000);
}

/// <SEQ=ISS><CTL=SYN>, the first time and every other.
[[nodiscard]] inline Segment make_syn(const Tcb& tcb, std::uint64_t now_us) {
  return {.seq = tcb.iss(),
          .flags = wire::TcpFlags::kSyn,
          .window = syn_window(tcb.options),
          .options = syn_options(tcb.options, tsval(tcb, now_us))};
}

/// <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
[[nodiscard]] inline Segment make_syn_ack(const Tcb& tcb, std::uint64_t now_us) {
  return {.seq = tcb.iss(),
          .ack = tcb.rcv_nxt,
          .flags = wire::TcpFlags::kSyn | wire::TcpFlags::kAck,
          .window = syn_window(tcb.options),
          .options = syn_ack_options(tcb.options, tcb.agreed, tsval(tcb, now_us))};
}

/// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>: the acknowledgment, and every challenge (RFC 5961).
[[nodiscard]] inline Segment make_ack(const Tcb& tcb, std::uint64_t now_us) {
  Segment ack{.seq = tcb.snd_nxt,
              .ack = tcb.rcv_nxt,
              .flags = wire::TcpFlags::kAck,
              .window = scaled_window(tcb.options, tcb.agreed)};
  if (tcb.agreed.ts_ok) ack.options.timestamps = {tsval(tcb, now_us), tcb.agreed.ts_recent};
  return ack;
}

}  // namespace synward::handshake
