#include "dataplane/accept/acceptor.hpp"

#include <algorithm>

#include "dataplane/handshake/state_machine.hpp"

namespace synward::accept {
namespace {

using handshake::Segment;
using table::ConnectionPhase;
using table::ConnectionState;
using wire::at_or_before;
using wire::before;
using wire::SeqNum;
using Flags = wire::TcpFlags;

bool fin_sent(ConnectionPhase phase) { return phase != ConnectionPhase::kEstablished; }

/// Fifth, check the ACK field. Only our SYN-ACK and our FIN can be acknowledged, so the range of RFC 5961 5.2
/// shrinks to one or two numbers.
bool check_ack(const ConnectionState& state, SeqNum ack) {
  return ack == state.service_next || (fin_sent(state.phase.get()) && ack == state.service_next - 1);
}

bool fin_received(ConnectionPhase phase) {
  return phase == ConnectionPhase::kClosing || phase == ConnectionPhase::kLastAck ||
         phase == ConnectionPhase::kTimeWait;
}

/// What deserves a challenge ACK and nothing more.
void challenge(const ConnectionState& state, Outcome& outcome) {
  outcome.judgement = Judgement::kUnacceptable;
  outcome.ack = true;
  outcome.seq = state.service_next;
}

/// First, check the sequence number (and before it RFC 7323 5.3 R1). False when that is all, and `outcome`
/// says what it was.
bool check_sequence(const ConnectionState& state, const Segment& segment, std::uint32_t window,
                    Outcome& outcome) {
  const bool rst = segment.has(Flags::kRst);
  if (state.options.timestamps && !rst) {
    const auto& timestamps = segment.options.timestamps;
    if (!timestamps) return outcome.judgement = Judgement::kMissingTimestamp, false;
    if (before(SeqNum{timestamps->tsval}, SeqNum{state.half.ts_recent}))
      return challenge(state, outcome), false;
  }
  if (handshake::acceptable(segment, state.client_next, window)) return true;
  if (rst) return outcome.judgement = Judgement::kRstOutsideWindow, false;
  challenge(state, outcome);
  // A keep-alive probe: it wants an ACK, and whoever does not know our numbers cannot make one.
  const bool probe = segment.seq == state.client_next - 1 && segment.text_bytes <= 1 &&
                     !segment.has(Flags::kFin) && check_ack(state, segment.ack);
  if (probe) return outcome.judgement = Judgement::kTaken, false;
  if (segment.length() == 0) return false;
  outcome.judgement = Judgement::kRepeated;
  // Our last ACK was lost: "remain in the TIME-WAIT state. Restart the 2 MSL time-wait timeout."
  if (segment.has(Flags::kFin) && state.phase.get() == ConnectionPhase::kTimeWait &&
      segment.seq + segment.length() == state.client_next && check_ack(state, segment.ack))
    outcome.phase = ConnectionPhase::kTimeWait;
  return false;
}

/// What becomes of the phase when the ACK of our FIN has come.
std::optional<ConnectionPhase> fin_acknowledged(ConnectionPhase phase) {
  switch (phase) {
    case ConnectionPhase::kFinWait1:
      return ConnectionPhase::kFinWait2;
    case ConnectionPhase::kClosing:
      return ConnectionPhase::kTimeWait;
    case ConnectionPhase::kLastAck:
      return ConnectionPhase::kTombstone;
    default:
      return std::nullopt;
  }
}

/// Seventh, the segment text: RCV.NXT moves past what is in order and in the window. True when it has
/// reached the segment's end.
bool take_text(ConnectionState& state, const Segment& segment, std::uint32_t window) {
  if (before(state.client_next, segment.seq)) return false;  // behind a loss
  const std::int32_t fresh = wire::distance(state.client_next, segment.seq + segment.text_bytes);
  if (fresh > 0) state.client_next += std::min(static_cast<std::uint32_t>(fresh), window);
  return state.client_next == segment.seq + segment.text_bytes;
}

/// Eighth, check the FIN bit: of one that is in order.
void take_fin(ConnectionState& state, ConnectionPhase phase, Outcome& outcome) {
  state.client_next += 1;
  switch (phase) {
    case ConnectionPhase::kEstablished:  // CLOSE-WAIT, and at once LAST-ACK
      outcome.fin = true;
      outcome.seq = close(state);
      outcome.phase = ConnectionPhase::kLastAck;
      break;
    case ConnectionPhase::kFinWait1:  // simultaneous close
      outcome.phase = ConnectionPhase::kClosing;
      break;
    default:  // FIN-WAIT-2
      outcome.phase = ConnectionPhase::kTimeWait;
      break;
  }
}

}  // namespace

std::uint16_t window_field(table::WindowScales scales, std::uint32_t configured) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(configured >> scales.ours(), 0xffff));
}
std::uint32_t receive_window(table::WindowScales scales, std::uint32_t configured) {
  return std::uint32_t{window_field(scales, configured)} << scales.ours();
}

SeqNum close(ConnectionState& state) {
  const SeqNum fin = state.service_next;
  state.service_next += 1;
  return fin;
}

Outcome on_segment(ConnectionState& state, const Segment& segment, std::uint32_t window) {
  Outcome outcome{.judgement = Judgement::kTaken};
  if (!check_sequence(state, segment, window, outcome)) return outcome;
  // Second, check the RST bit: RFC 5961 3.2.
  if (segment.has(Flags::kRst)) {
    if (segment.seq != state.client_next) return challenge(state, outcome), outcome;
    outcome.judgement = Judgement::kReset;
    outcome.phase = ConnectionPhase::kTombstone;
    return outcome;
  }
  if (!check_ack(state, segment.ack)) return challenge(state, outcome), outcome;
  ConnectionPhase phase = state.phase.get();
  if (before(state.half.service_acked, segment.ack)) {
    state.half.service_acked = segment.ack;
    if (segment.ack == state.service_next) outcome.phase = fin_acknowledged(phase);
    phase = outcome.phase.value_or(phase);
  }
  // RFC 7323 4.3 (3): RCV.NXT is also Last.ACK.sent.
  if (state.options.timestamps && at_or_before(segment.seq, state.client_next))
    state.half.ts_recent = segment.options.timestamps->tsval;  // not before TS.Recent: PAWS has seen to it
  outcome.seq = state.service_next;
  if (segment.length() == 0 || phase == ConnectionPhase::kTombstone) return outcome;
  outcome.ack = true;
  if (fin_received(phase)) return outcome;  // "This should not occur": nothing comes behind a FIN
  if (take_text(state, segment, window) && segment.has(Flags::kFin)) take_fin(state, phase, outcome);
  return outcome;
}

}  // namespace synward::accept
