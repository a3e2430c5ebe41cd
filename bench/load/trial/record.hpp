// What a trial measures: one record for each client, and the wire's counts at each second. All that is
// reported is computed from these two afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace synward::load {

/// Clients come all the time, the attack in the middle.
enum class Phase : std::uint8_t { kBaseline, kAttack, kRecovery, kCount };
inline constexpr std::array<std::string_view, std::size_t(Phase::kCount)> kPhaseLabels{"baseline", "attack",
                                                                                       "recovery"};

/// When the phases are, in microseconds since the trial began.
struct Timeline {
  std::uint64_t baseline_us = 0, attack_us = 0, recovery_us = 0;  ///< how long each takes; 0: there is none

  [[nodiscard]] constexpr std::uint64_t begin_of(Phase phase) const {
    return phase == Phase::kBaseline ? 0 : phase == Phase::kAttack ? baseline_us : baseline_us + attack_us;
  }
  [[nodiscard]] constexpr std::uint64_t end_of(Phase phase) const {
    return phase == Phase::kBaseline ? baseline_us
           : phase == Phase::kAttack ? baseline_us + attack_us
                                     : total_us();
  }
  [[nodiscard]] constexpr std::uint64_t total_us() const { return baseline_us + attack_us + recovery_us; }
  /// What is at a phase's end belongs to the next one; behind the last, to the last one that takes any time.
  [[nodiscard]] constexpr Phase phase_at(std::uint64_t us) const {
    if (us < baseline_us) return Phase::kBaseline;
    if (us < baseline_us + attack_us) return Phase::kAttack;
    if (recovery_us != 0) return Phase::kRecovery;
    return attack_us != 0 ? Phase::kAttack : Phase::kBaseline;
  }
};

/// How a client fared. It succeeds when it is connected and, where it asks for something, the answer has
/// begun as it should and is as long as was said; closing comes after that.
enum class Outcome : std::uint8_t {
  kUnderWay,  ///< nobody knows: the trial was cut off
  kSucceeded,
  kNoSynAck,   ///< nothing came that answers its SYNs
  kBadSynAck,  ///< only SYN-ACKs came that acknowledge something else
  kReset,      ///< a RST ended it, before or after the SYN-ACK
  kNoData,     ///< connected, and the answer never came, or not all of it
  kWrongData,  ///< the answer begins otherwise
  kNoTuple,    ///< the generator had no address and port left for it: its own fault
  kCount
};
inline constexpr std::array<std::string_view, std::size_t(Outcome::kCount)> kOutcomeLabels{
    "under_way", "succeeded", "no_syn_ack", "bad_syn_ack", "reset", "no_data", "wrong_data", "no_tuple"};

/// It never came.
inline constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

/// One client. Latencies count from the intended time, whenever its SYN really left.
struct ClientRecord {
  std::uint64_t intended_us = 0;  ///< since the trial began
  std::uint32_t late_us = 0;      ///< how much later its first SYN left: the generator's own delay
  std::uint32_t syn_ack_us = kNever;
  std::uint32_t first_byte_us = kNever;
  std::uint8_t syns = 0;  ///< that it sent until it was answered, or gave up
  Outcome outcome = Outcome::kUnderWay;
  bool closed = false;  ///< by FINs of both sides
};

/// Since the trial began. What clients and attack send is told apart, what comes in by the address it is for.
struct WireCounts {
  std::uint64_t sent = 0,
                received = 0;    ///< frames of the clients' side, ARP and neighbour discovery included
  std::uint64_t refused = 0;     ///< frames that a port did not take: its queue was full; the backend's too
  std::uint64_t attack_due = 0;  ///< what the rate asked for until now
  std::uint64_t attack_sent = 0;
  std::uint64_t syns_sent = 0;       ///< those of attack_sent that ask for a SYN-ACK
  std::uint64_t syn_acks = 0;        ///< to addresses of the attack, acknowledging what it sent
  std::uint64_t wrong_syn_acks = 0;  ///< the same, acknowledging something else
  std::uint64_t resets = 0;          ///< to addresses of the attack
  std::uint64_t others = 0;          ///< to addresses of the attack: ACKs and the like
  std::uint64_t answer_bytes = 0;    ///< that clients got who wait for an answer: each byte once
  std::uint64_t leaked = 0;          ///< segments of the attack that came out at the backend
  std::uint64_t broken = 0;          ///< to clients: TCP with a wrong checksum, or that breaks off

  friend constexpr WireCounts operator-(const WireCounts& later, const WireCounts& earlier) {
    return {later.sent - earlier.sent,
            later.received - earlier.received,
            later.refused - earlier.refused,
            later.attack_due - earlier.attack_due,
            later.attack_sent - earlier.attack_sent,
            later.syns_sent - earlier.syns_sent,
            later.syn_acks - earlier.syn_acks,
            later.wrong_syn_acks - earlier.wrong_syn_acks,
            later.resets - earlier.resets,
            later.others - earlier.others,
            later.answer_bytes - earlier.answer_bytes,
            later.leaked - earlier.leaked,
            later.broken - earlier.broken};
  }
};

/// The counts at a time. The first is all zeros at 0; one follows at the end of each second and of each
/// phase, and one when the last client has ended.
struct Sample {
  std::uint64_t at_us = 0;  ///< since the trial began
  WireCounts counts;
};

/// All that a trial measured.
struct Record {
  Timeline timeline;
  std::vector<ClientRecord> clients;  ///< in the order of their intended times
  std::vector<Sample> samples;
  bool asks = false;         ///< clients wait for an answer: first_byte_us means something
  bool interrupted = false;  ///< by Ctrl-C: clients that had not ended are kUnderWay
  bool capped = false;       ///< the same, because no more packets might be sent
};

}  // namespace synward::load
