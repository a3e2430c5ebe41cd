// A second reading of RFC 9293 3.10.7, for tests: no timers, options or windows, only which state follows and
// what is answered. It is written as the RFC reads, on distances instead of comparisons, and shares no code
// with dataplane/handshake/.
#pragma once

#include <cstdint>

namespace synward::test {

enum class OracleState { kClosed, kListen, kSynSent, kSynReceived, kEstablished, kCloseWait };

struct OracleTcb {
  OracleState state;
  bool passive;
  std::uint32_t snd_una, snd_nxt, iss, max_snd_wnd, rcv_nxt, rcv_wnd, irs;
};

struct OracleSegment {
  bool syn, ack_bit, rst, fin;
  std::uint32_t seq, ack, text;
};

enum class OracleReply { kNothing, kAck, kSynAck, kResetBySeq, kResetByAck };

struct OracleAnswer {
  OracleState state;
  OracleReply reply;
  std::uint32_t rcv_nxt;
  friend bool operator==(const OracleAnswer&, const OracleAnswer&) = default;
};

/// lo =< x =< hi, read off the circle.
inline bool on_arc(std::uint32_t lo, std::uint32_t x, std::uint32_t hi) { return x - lo <= hi - lo; }

inline OracleAnswer oracle_closed(const OracleTcb& t, const OracleSegment& s) {
  // "An incoming segment containing a RST is discarded. An incoming segment not containing a RST causes a
  // RST"
  if (s.rst) return {t.state, OracleReply::kNothing, t.rcv_nxt};
  return {t.state, s.ack_bit ? OracleReply::kResetBySeq : OracleReply::kResetByAck, t.rcv_nxt};
}

inline OracleAnswer oracle_listen(const OracleTcb& t, const OracleSegment& s) {
  if (s.rst) return {t.state, OracleReply::kNothing, t.rcv_nxt};
  if (s.ack_bit) return {t.state, OracleReply::kResetBySeq, t.rcv_nxt};
  // Not the RFC's: SYN with FIN is dropped.
  if (s.syn && !s.fin) return {OracleState::kSynReceived, OracleReply::kSynAck, s.seq + 1};
  return {t.state, OracleReply::kNothing, t.rcv_nxt};
}

inline OracleAnswer oracle_syn_sent(const OracleTcb& t, const OracleSegment& s) {
  if (s.ack_bit) {
    // "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the RST bit is set)". One number is
    // right.
    if (s.ack != t.iss + 1)
      return {t.state, s.rst ? OracleReply::kNothing : OracleReply::kResetBySeq, t.rcv_nxt};
    if (s.rst) return {OracleState::kClosed, OracleReply::kNothing, t.rcv_nxt};
    if (s.syn && !s.fin) return {OracleState::kEstablished, OracleReply::kAck, s.seq + 1};
    return {t.state, OracleReply::kNothing, t.rcv_nxt};
  }
  if (s.syn && !s.rst && !s.fin) return {OracleState::kSynReceived, OracleReply::kSynAck, s.seq + 1};
  return {t.state, OracleReply::kNothing, t.rcv_nxt};
}

/// Table 6, as "some number that the segment occupies lies in the window"; an empty one counts by its start.
inline bool oracle_acceptable(const OracleTcb& t, const OracleSegment& s) {
  const std::uint32_t length = s.text + (s.syn ? 1 : 0) + (s.fin ? 1 : 0);
  if (t.rcv_wnd == 0) return length == 0 && s.seq == t.rcv_nxt;
  const std::uint32_t last_in_window = t.rcv_nxt + (t.rcv_wnd - 1);
  if (on_arc(t.rcv_nxt, s.seq, last_in_window)) return true;
  return length != 0 && on_arc(t.rcv_nxt, s.seq + (length - 1), last_in_window);
}

/// Seventh and eighth: text in order counts, and FIN behind it.
inline OracleAnswer oracle_text(const OracleTcb& t, const OracleSegment& s) {
  if (s.text == 0 && !s.fin) return {OracleState::kEstablished, OracleReply::kNothing, t.rcv_nxt};
  // One number after the other, for as long as the next one expected is in the segment and in the window.
  std::uint32_t next = t.rcv_nxt;
  while (next - s.seq < s.text && next - t.rcv_nxt < t.rcv_wnd) ++next;
  if (s.fin && next == s.seq + s.text && next - t.rcv_nxt < t.rcv_wnd)
    return {OracleState::kCloseWait, OracleReply::kAck, next + 1};
  return {OracleState::kEstablished, OracleReply::kAck, next};
}

inline OracleAnswer oracle_synchronized(const OracleTcb& t, const OracleSegment& s) {
  const bool handshake = t.state == OracleState::kSynReceived;
  const bool peers_syn = s.syn && !s.rst && !s.fin && s.seq == t.irs && handshake;
  // Not the RFC's: the SYN again is answered with the SYN-ACK again.
  if (peers_syn && !s.ack_bit) return {t.state, OracleReply::kSynAck, t.rcv_nxt};
  // Figure 7, line 6.
  if (peers_syn && !t.passive) {
    if (s.ack == t.iss + 1) return {OracleState::kEstablished, OracleReply::kAck, t.rcv_nxt};
    return {t.state, OracleReply::kResetBySeq, t.rcv_nxt};
  }
  if (!oracle_acceptable(t, s))
    return {t.state, s.rst ? OracleReply::kNothing : OracleReply::kAck, t.rcv_nxt};
  if (s.rst && s.seq != t.rcv_nxt) return {t.state, OracleReply::kAck, t.rcv_nxt};
  if (s.rst) {
    const bool listens_again = handshake && t.passive;
    return {listens_again ? OracleState::kListen : OracleState::kClosed, OracleReply::kNothing, t.rcv_nxt};
  }
  if (s.syn && handshake && t.passive) return {OracleState::kListen, OracleReply::kNothing, t.rcv_nxt};
  if (s.syn) return {t.state, OracleReply::kAck, t.rcv_nxt};
  if (!s.ack_bit) return {t.state, OracleReply::kNothing, t.rcv_nxt};
  if (handshake) {
    if (s.ack != t.iss + 1) return {t.state, OracleReply::kResetBySeq, t.rcv_nxt};
    return oracle_text(t, s);
  }
  if (!on_arc(t.snd_una - t.max_snd_wnd, s.ack, t.snd_nxt)) return {t.state, OracleReply::kAck, t.rcv_nxt};
  if (t.state == OracleState::kCloseWait)
    return {t.state, s.text != 0 || s.fin ? OracleReply::kAck : OracleReply::kNothing, t.rcv_nxt};
  return oracle_text(t, s);
}

inline OracleAnswer oracle(const OracleTcb& t, const OracleSegment& s) {
  switch (t.state) {
    case OracleState::kClosed:
      return oracle_closed(t, s);
    case OracleState::kListen:
      return oracle_listen(t, s);
    case OracleState::kSynSent:
      return oracle_syn_sent(t, s);
    default:
      return oracle_synchronized(t, s);
  }
}

}  // namespace synward::test
