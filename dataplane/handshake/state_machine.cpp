#include "dataplane/handshake/state_machine.hpp"

#include <algorithm>

#include "dataplane/handshake/own_segments.hpp"

namespace synward::handshake {
namespace {

using wire::at_or_before;
using wire::before;
using wire::SeqNum;
using Flags = wire::TcpFlags;

// How the TCB changes.

void send_our_syn(Tcb& tcb, std::uint64_t now_us) {
  tcb.snd_una = tcb.iss();
  tcb.snd_nxt = tcb.iss() + 1;
  tcb.rcv_wnd = syn_window(tcb.options);
  tcb.timer.start(now_us, tcb.options.retries);
}

void take_peer_syn(Tcb& tcb, const Segment& segment) {
  tcb.irs = segment.seq;
  // Text beside a SYN is not acknowledged, for nobody keeps it: the peer sends it again.
  tcb.rcv_nxt = segment.seq + 1;
  tcb.agreed = negotiate(tcb.options, segment.options);
}

void update_send_window(Tcb& tcb, const Segment& segment) {
  // A SYN's window is never scaled (RFC 7323 2.2).
  const unsigned shift = segment.has(Flags::kSyn) ? 0 : tcb.agreed.snd_wind_shift;
  tcb.snd_wnd = std::uint32_t{segment.window} << shift;
  tcb.max_snd_wnd = std::max(tcb.max_snd_wnd, tcb.snd_wnd);
  tcb.snd_wl1 = segment.seq;
  tcb.snd_wl2 = segment.ack;
}

void establish(Tcb& tcb, const Segment& segment) {
  tcb.snd_una = segment.ack;
  update_send_window(tcb, segment);
  tcb.rcv_wnd = std::uint32_t{scaled_window(tcb.options, tcb.agreed)} << tcb.agreed.rcv_wind_shift;
  tcb.timer.stop();
  tcb.state = State::kEstablished;
}

/// The attempt failed: 3.10.7.4, "return to LISTEN" or "enter the CLOSED state".
void give_up(Tcb& tcb) {
  tcb.timer.stop();
  tcb.state = tcb.passive ? State::kListen : State::kClosed;
}

// 3.10.7.4, the checks that SYN-RECEIVED and the synchronized states share.

/// First, check the sequence number; with timestamps, RFC 7323 5.3 R1 comes before it. Nullopt: go on.
std::optional<Outcome> check_sequence(const Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  const bool rst = segment.has(Flags::kRst);
  if (tcb.agreed.ts_ok && !rst) {
    const auto& timestamps = segment.options.timestamps;
    // RFC 7323 3.2: silently dropped. A SYN is not, so that a peer that rebooted is challenged, and resets
    // us.
    if (!timestamps && !segment.has(Flags::kSyn)) return Outcome{Verdict::kNoTimestamp};
    if (timestamps && before(SeqNum{timestamps->tsval}, SeqNum{tcb.agreed.ts_recent}))
      return Outcome{Verdict::kOldTimestamp, make_ack(tcb, now_us)};
  }
  if (acceptable(segment, tcb.rcv_nxt, tcb.rcv_wnd)) return std::nullopt;
  if (rst) return Outcome{Verdict::kRstIgnored};
  return Outcome{Verdict::kOutsideWindow, make_ack(tcb, now_us)};
}

/// Second, check the RST bit, of a segment that has one: RFC 5961 3.2, the three checks.
Outcome take_reset(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  if (segment.seq != tcb.rcv_nxt) return {Verdict::kRstChallenged, make_ack(tcb, now_us)};
  if (tcb.state == State::kSynReceived) {
    give_up(tcb);
  } else {
    tcb.state = State::kClosed;
  }
  return {Verdict::kRstAccepted};
}

/// RFC 7323 4.3 (3). Only after the ACK check: a blind segment must not move what PAWS compares with.
void update_ts_recent(Tcb& tcb, const Segment& segment) {
  if (!tcb.agreed.ts_ok || !segment.options.timestamps) return;
  const std::uint32_t seen = segment.options.timestamps->tsval;
  if (at_or_before(SeqNum{tcb.agreed.ts_recent}, SeqNum{seen}) && at_or_before(segment.seq, tcb.rcv_nxt))
    tcb.agreed.ts_recent = seen;
}

/// Sixth, the URG bit: ignored. Seventh, the segment text: what is in order and in the window. Eighth, FIN.
Outcome take_text(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  Outcome outcome{Verdict::kAccepted};
  if (segment.length() == 0) return outcome;
  const SeqNum was_next = tcb.rcv_nxt, fin_at = segment.seq + segment.text_bytes;
  const bool in_order = tcb.state == State::kEstablished && at_or_before(segment.seq, was_next);
  if (in_order && before(was_next, fin_at)) {
    outcome.text_offset = static_cast<std::uint16_t>(wire::distance(segment.seq, was_next));
    outcome.text_bytes = static_cast<std::uint16_t>(
        std::min(static_cast<std::uint32_t>(wire::distance(was_next, fin_at)), tcb.rcv_wnd));
    tcb.rcv_nxt += outcome.text_bytes;
  }
  if (in_order && segment.has(Flags::kFin) && tcb.rcv_nxt == fin_at &&
      wire::in_window(fin_at, was_next, tcb.rcv_wnd)) {
    tcb.rcv_nxt += 1;
    tcb.state = State::kCloseWait;
  }
  outcome.reply = make_ack(tcb, now_us);
  return outcome;
}

// One function for each state.

/// 3.10.7.1
Outcome in_closed(const Segment& segment) {
  if (segment.has(Flags::kRst)) return {Verdict::kRstIgnored};
  return {Verdict::kNoConnection, reset_for(segment)};
}

/// 3.10.7.2
Outcome in_listen(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  // First, check for a RST.
  if (segment.has(Flags::kRst)) return {Verdict::kRstIgnored};
  // Second, check for an ACK: nothing was sent that it could acknowledge.
  if (segment.has(Flags::kAck)) return {Verdict::kBadAck, reset_for(segment)};
  // Third, check for a SYN. No TCP opens and closes in one segment; scanners do.
  if (!segment.has(Flags::kSyn)) return {Verdict::kNotASyn};
  if (segment.has(Flags::kFin)) return {Verdict::kSynWithFin};
  take_peer_syn(tcb, segment);
  send_our_syn(tcb, now_us);
  tcb.state = State::kSynReceived;
  return {Verdict::kAccepted, make_syn_ack(tcb, now_us)};
}

/// 3.10.7.3
Outcome in_syn_sent(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  const bool ack = segment.has(Flags::kAck), rst = segment.has(Flags::kRst);
  // First, check the ACK bit: SND.UNA < SEG.ACK =< SND.NXT. SND.UNA is ISS here.
  if (ack && !(before(tcb.snd_una, segment.ack) && at_or_before(segment.ack, tcb.snd_nxt))) {
    if (rst) return {Verdict::kRstIgnored};
    return {Verdict::kBadAck, reset_for(segment)};
  }
  // Second, check the RST bit: its ACK proves that it answers our SYN (RFC 5961 3.2 has nothing to add, there
  // is no RCV.NXT yet).
  if (rst) {
    if (!ack) return {Verdict::kRstIgnored};
    give_up(tcb);
    return {Verdict::kRstAccepted};
  }
  // Fourth, check the SYN bit. Fifth: if neither SYN nor RST is set, drop the segment.
  if (!segment.has(Flags::kSyn)) return {Verdict::kNotASyn};
  if (segment.has(Flags::kFin)) return {Verdict::kSynWithFin};
  take_peer_syn(tcb, segment);
  if (ack) {
    establish(tcb, segment);
    return {Verdict::kAccepted, make_ack(tcb, now_us)};
  }
  // Simultaneous open: our SYN is on its way, and its answer will be too (figure 7).
  tcb.state = State::kSynReceived;
  tcb.timer.start(now_us, tcb.options.retries);
  return {Verdict::kAccepted, make_syn_ack(tcb, now_us)};
}

/// 3.10.7.4, SYN-RECEIVED
Outcome in_syn_received(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  const bool ack = segment.has(Flags::kAck);
  // The SYN that brought us here lies one to the left of the window, so the first check would refuse it with
  // a bare ACK. Two segments deserve better (appendix A.2 discusses the second): the SYN sent again, because
  // our SYN-ACK was lost; and, in a simultaneous open, the peer's SYN-ACK, whose ACK completes figure 7.
  const bool repeats_syn =
      segment.seq == tcb.irs && (segment.flags & (Flags::kSyn | Flags::kRst | Flags::kFin)) == Flags::kSyn;
  if (repeats_syn && !ack) return {Verdict::kSynRepeated, make_syn_ack(tcb, now_us)};
  const bool crossing_syn_ack = repeats_syn && !tcb.passive;
  if (!crossing_syn_ack) {
    // First, check the sequence number.
    if (const auto ended = check_sequence(tcb, segment, now_us)) return *ended;
    // Second, check the RST bit.
    if (segment.has(Flags::kRst)) return take_reset(tcb, segment, now_us);
    // Fourth, check the SYN bit: a passive open returns to LISTEN, an active one challenges (RFC 5961 4.2).
    if (segment.has(Flags::kSyn)) {
      if (!tcb.passive) return {Verdict::kSynChallenged, make_ack(tcb, now_us)};
      give_up(tcb);
      return {Verdict::kSynInHandshake};
    }
  }
  // Fifth, check the ACK field: SND.UNA < SEG.ACK =< SND.NXT, or a reset.
  if (!ack) return {Verdict::kNoAck};
  if (!(before(tcb.snd_una, segment.ack) && at_or_before(segment.ack, tcb.snd_nxt)))
    return {Verdict::kBadAck, reset_for(segment)};
  establish(tcb, segment);
  update_ts_recent(tcb, segment);
  if (crossing_syn_ack) return {Verdict::kAccepted, make_ack(tcb, now_us)};
  return take_text(tcb, segment, now_us);
}

/// 3.10.7.4, ESTABLISHED and CLOSE-WAIT
Outcome in_established(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  // First, check the sequence number. A repeated SYN, SYN-ACK or text ends here, and is acknowledged anew.
  if (const auto ended = check_sequence(tcb, segment, now_us)) return *ended;
  // Second, check the RST bit.
  if (segment.has(Flags::kRst)) return take_reset(tcb, segment, now_us);
  // Fourth, check the SYN bit: a challenge ACK (RFC 5961 4.2). Who has really lost its state answers with
  // RST.
  if (segment.has(Flags::kSyn)) return {Verdict::kSynChallenged, make_ack(tcb, now_us)};
  // Fifth, check the ACK field: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT (RFC 5961 5.2).
  if (!segment.has(Flags::kAck)) return {Verdict::kNoAck};
  if (!at_or_before(tcb.snd_una - tcb.max_snd_wnd, segment.ack) || !at_or_before(segment.ack, tcb.snd_nxt))
    return {Verdict::kBadAck, make_ack(tcb, now_us)};
  if (at_or_before(tcb.snd_una, segment.ack)) {
    tcb.snd_una = segment.ack;
    if (before(tcb.snd_wl1, segment.seq) ||
        (tcb.snd_wl1 == segment.seq && at_or_before(tcb.snd_wl2, segment.ack)))
      update_send_window(tcb, segment);
  }
  update_ts_recent(tcb, segment);
  return take_text(tcb, segment, now_us);
}

}  // namespace

Segment open_active(Tcb& tcb, const EndpointOptions& options, InitialNumbers initial, std::uint64_t now_us) {
  tcb = Tcb{};
  tcb.options = options;
  tcb.initial = initial;
  tcb.state = State::kSynSent;
  send_our_syn(tcb, now_us);
  return make_syn(tcb, now_us);
}

void open_passive(Tcb& tcb, const EndpointOptions& options) {
  tcb = Tcb{};
  tcb.options = options;
  tcb.passive = true;
  tcb.state = State::kListen;
}

Outcome on_segment(Tcb& tcb, const Segment& segment, std::uint64_t now_us) {
  switch (tcb.state) {
    case State::kClosed:
      return in_closed(segment);
    case State::kListen:
      return in_listen(tcb, segment, now_us);
    case State::kSynSent:
      return in_syn_sent(tcb, segment, now_us);
    case State::kSynReceived:
      return in_syn_received(tcb, segment, now_us);
    case State::kEstablished:
    case State::kCloseWait:
      return in_established(tcb, segment, now_us);
  }
  __builtin_unreachable();
}

std::optional<Segment> on_timer(Tcb& tcb, std::uint64_t now_us) {
  if (!tcb.timer.due(now_us)) return std::nullopt;
  if (!tcb.timer.back_off(now_us)) {
    give_up(tcb);
    return std::nullopt;
  }
  return tcb.state == State::kSynSent ? make_syn(tcb, now_us) : make_syn_ack(tcb, now_us);
}

std::optional<Segment> send_text(Tcb& tcb, std::uint16_t text_bytes, std::uint64_t now_us) {
  if (tcb.state != State::kEstablished && tcb.state != State::kCloseWait) return std::nullopt;
  const std::size_t options_bytes = tcb.agreed.ts_ok ? wire::kTimestampsBytes : 0;  // RFC 6691 2
  const auto in_flight = static_cast<std::uint32_t>(wire::distance(tcb.snd_una, tcb.snd_nxt));
  if (text_bytes + options_bytes > tcb.agreed.send_mss || in_flight + text_bytes > tcb.snd_wnd)
    return std::nullopt;
  Segment segment = make_ack(tcb, now_us);
  segment.flags |= Flags::kPsh;
  segment.text_bytes = text_bytes;
  tcb.snd_nxt += text_bytes;
  return segment;
}

Segment reset_for(const Segment& segment) {
  if (segment.has(Flags::kAck)) return {.seq = segment.ack, .flags = Flags::kRst};
  return {.ack = segment.seq + segment.length(), .flags = Flags::kRst | Flags::kAck};
}

}  // namespace synward::handshake
