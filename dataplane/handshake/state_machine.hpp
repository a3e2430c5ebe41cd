// RFC 9293 3.10 for a connection that is being opened: active, passive and simultaneous open, and what an
// established endpoint does with the handshake's stragglers. Pure: segments and the time go in, segments to
// send come out. No I/O, no clock, no allocation.
//
// A wrong sequence number, a wrong acknowledgment or a missing flag never reaches ESTABLISHED: a test
// compares every state with a second reading of the RFC, over all flags and around every edge.
//
// Challenge ACKs and resets are answers to whoever asks; a budget for them (RFC 5961 7) is the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/handshake/segment.hpp"
#include "dataplane/handshake/tcb.hpp"

namespace synward::handshake {

/// The step of RFC 9293 3.10.7 at which a segment's processing ended.
enum class Verdict : std::uint8_t {
  kAccepted,
  kNoConnection,
  kNotASyn,
  kSynWithFin,
  kSynRepeated,
  kSynChallenged,
  kSynInHandshake,
  kOutsideWindow,
  kOldTimestamp,
  kNoTimestamp,
  kRstAccepted,
  kRstIgnored,
  kRstChallenged,
  kNoAck,
  kBadAck,
};
/// Few words for a person.
[[nodiscard]] std::string_view describe(Verdict verdict);

/// "SYN-SENT", as the RFC spells it.
[[nodiscard]] std::string_view name_of(State state);

struct Outcome {
  Verdict verdict;
  std::optional<Segment> reply{};
  /// Of the segment's text, the part that was new and in order: RCV.NXT has moved past it.
  std::uint16_t text_offset = 0, text_bytes = 0;
};

/// CLOSED -> SYN-SENT (3.10.1). Returns the SYN.
[[nodiscard]] Segment open_active(Tcb& tcb, const EndpointOptions& options, InitialNumbers initial,
                                  std::uint64_t now_us);

/// CLOSED -> LISTEN (3.10.1). A Tcb serves one connection: a server with many copies it, or listens anew, for
/// each SYN.
void open_passive(Tcb& tcb, const EndpointOptions& options);

/// SEGMENT ARRIVES (3.10.7). In LISTEN, `tcb.initial` must hold the numbers for whoever sent `segment`: only
/// the caller knows the addresses they depend on.
[[nodiscard]] Outcome on_segment(Tcb& tcb, const Segment& segment, std::uint64_t now_us);

/// RETRANSMISSION TIMEOUT (3.10.8): the SYN or SYN-ACK again, with the same ISS, when its time has come. When
/// there were enough of them, nothing is sent: an active open is CLOSED, a passive one in LISTEN again.
[[nodiscard]] std::optional<Segment> on_timer(Tcb& tcb, std::uint64_t now_us);

/// SEND (3.10.2) in ESTABLISHED or CLOSE-WAIT, for the first flight: nullopt elsewhere, and for text that
/// exceeds a segment or the peer's window. Sending it again is the connection owner's.
[[nodiscard]] std::optional<Segment> send_text(Tcb& tcb, std::uint16_t text_bytes, std::uint64_t now_us);

/// The reset that answers a segment of no connection (3.5.2, group 1). Not for segments with RST.
[[nodiscard]] Segment reset_for(const Segment& segment);

/// The first check of 3.10.7.4: table 6, its four cases.
[[nodiscard]] constexpr bool acceptable(const Segment& segment, wire::SeqNum rcv_nxt, std::uint32_t rcv_wnd) {
  const std::uint32_t length = segment.length();
  if (length == 0) {
    return rcv_wnd == 0 ? segment.seq == rcv_nxt : wire::in_window(segment.seq, rcv_nxt, rcv_wnd);
  }
  return wire::in_window(segment.seq, rcv_nxt, rcv_wnd) ||
         wire::in_window(segment.seq + (length - 1), rcv_nxt, rcv_wnd);
}

}  // namespace synward::handshake
