// The transmission control block (RFC 9293 3.3.1) of a connection that is being opened. A value without
// pointers: 120 bytes, and copying it forks the connection.
#pragma once

#include <cstdint>

#include "dataplane/handshake/negotiation.hpp"
#include "dataplane/handshake/retransmission.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::handshake {

/// RFC 9293 3.3.2, as far as opening goes, and the one state that a peer may reach with its first segment
/// (ACK and FIN in one). What follows belongs to whoever owns the connection.
enum class State : std::uint8_t { kClosed, kListen, kSynSent, kSynReceived, kEstablished, kCloseWait };

/// What must be unpredictable about a connection: see isn.hpp.
struct InitialNumbers {
  wire::SeqNum iss{0};
  std::uint32_t ts_offset = 0;  ///< added to the millisecond clock, it makes TSval
};

struct Tcb {
  // Send sequence space: figure 3.
  wire::SeqNum snd_una{0};        ///< oldest number sent and not acknowledged
  wire::SeqNum snd_nxt{0};        ///< next number to send
  wire::SeqNum snd_wl1{0};        ///< SEG.SEQ and
  wire::SeqNum snd_wl2{0};        ///< SEG.ACK of the last window update
  std::uint32_t snd_wnd = 0;      ///< bytes: scaled already
  std::uint32_t max_snd_wnd = 0;  ///< the largest of those so far (RFC 5961 5)
  InitialNumbers initial{};       ///< ISS

  // Receive sequence space: figure 4. RCV.NXT is acknowledged as soon as it moves, so it is also RFC 7323's
  // Last.ACK.sent.
  wire::SeqNum rcv_nxt{0};
  wire::SeqNum irs{0};
  std::uint32_t rcv_wnd = 0;  ///< bytes: what the peer was told

  EndpointOptions options{};
  Negotiated agreed{};
  RetransmissionTimer timer{};
  State state = State::kClosed;
  bool passive = false;  ///< SYN-RECEIVED came from LISTEN, and failing returns there

  [[nodiscard]] constexpr wire::SeqNum iss() const { return initial.iss; }
};
static_assert(sizeof(Tcb) <= 120, "a load generator holds one for each of its clients");

}  // namespace synward::handshake
