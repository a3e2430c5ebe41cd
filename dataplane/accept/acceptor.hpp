// The built-in acceptor: a TCP that takes what its client sends, throws it away (RFC 863), and closes when
// its client has. Pure: a connection's state and a segment go in, what to do comes out.
//
// RFC 9293 3.10.7.4 from ESTABLISHED on, with the checks of RFC 5961 (blind resets and acknowledgments) and
// RFC 7323 (timestamps, PAWS). It never sends text, so of its send sequence space only the FIN is ever
// outstanding, and CLOSE-WAIT lasts no time: its own FIN leaves with the ACK of the client's.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/handshake/segment.hpp"
#include "dataplane/table/connection.hpp"

namespace synward::accept {

/// What a segment was.
enum class Judgement : std::uint8_t {
  kTaken,             ///< acceptable
  kRepeated,          ///< text or a FIN outside of what is expected: a repetition, or behind a loss
  kUnacceptable,      ///< deserves a challenge ACK (RFC 5961) and nothing more
  kReset,             ///< RST with exactly RCV.NXT
  kRstOutsideWindow,  ///< dropped without a word
  kMissingTimestamp,  ///< dropped without a word (RFC 7323 3.2)
};

/// Too large to be returned in registers: it would be put together there from what had just been stored in
/// smaller pieces, and so wait until every store before, to cold entries too, has ended.
struct alignas(32) Outcome {
  Judgement judgement;
  bool ack = false;  ///< an ACK is due now: <SEQ=seq><ACK=RCV.NXT>, with FIN if `fin`
  bool fin = false;
  wire::SeqNum seq{0};
  std::optional<table::ConnectionPhase> phase{};  ///< the next; kTombstone when the connection is over
};

/// RCV.WND, bytes: always the same, as nothing waits to be read. `configured` is what the service allows; a
/// client without window scaling sees no more than 65535.
[[nodiscard]] std::uint32_t receive_window(table::WindowScales scales, std::uint32_t configured);
/// The window field that says so.
[[nodiscard]] std::uint16_t window_field(table::WindowScales scales, std::uint32_t configured);

/// Whether `segment` can belong to this connection and not to another one of the same tuple: its ACK is one
/// that this one's client can send. Another's hits by 2^-31.
[[nodiscard]] inline bool fits(const table::ConnectionState& state, wire::SeqNum ack) {
  return state.service_next.value() - ack.value() <= 1;
}

/// SEGMENT ARRIVES, for phases kEstablished to kTimeWait. Moves RCV.NXT, SND.UNA, SND.NXT and TS.Recent;
/// the phase is the caller's to set, for the table keeps count of it. `segment` has ACK or RST, and no SYN.
[[nodiscard]] Outcome on_segment(table::ConnectionState& state, const handshake::Segment& segment,
                                 std::uint32_t receive_window);

/// CLOSE, in kEstablished: the FIN takes its place behind what was sent. Returns its sequence number. The
/// phase becomes kFinWait1.
wire::SeqNum close(table::ConnectionState& state);

}  // namespace synward::accept
