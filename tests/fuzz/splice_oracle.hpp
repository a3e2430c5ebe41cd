// Knows of each client's connection what its ends could tell: the cookies that synward minted, the SYN-ACKs
// of the backend, and what is held. From these, not from what the splice says of itself, follows what every
// segment must look like on the other side.
#pragma once

#include <vector>

#include "tests/fuzz/reference_splice.hpp"
#include "tests/support/expect_frame.hpp"

namespace synward::fuzz {

using test::PipelineLab;

class SpliceOracle {
 public:
  explicit SpliceOracle(PipelineLab& lab) : lab_{&lab} {}

  /// A SYN-ACK of synward's own arrived at client `c`.
  void minted(std::uint32_t c, const handshake::Segment& syn_ack) {
    connections_[c].cookies.push_back({syn_ack.seq.value(), syn_ack.options});
  }
  /// The backend of client `c` got a SYN of synward's own.
  void asked(std::uint32_t c, const handshake::Segment& syn) { connections_[c].asked = syn.options; }
  void before_burst() {
    opened_ = opened();
    for (std::uint32_t c = 0; c < kClients; ++c) connections_[c].stage = stage_of(c);
  }
  /// Each lane, in its order.
  void check_lane(const Bytes& sent, const test::Outcome& outcome) {
    const auto segment = locate(sent);
    if (!segment) return;
    Known& known = connections_[segment->client];
    if (outcome.verdict == Route::kHold) known.held.push_back(sent);
    if (outcome.verdict == Route::kForward) check_passage(known, sent, *segment, outcome.frame);
    if (outcome.verdict == Route::kSend && !segment->to_service) check_answer(known, sent, *segment, outcome);
  }
  void check_released(const Bytes& frame) {
    const auto segment = locate(frame);
    if (!segment) return;
    Known& known = connections_[segment->client];
    ASSERT_FALSE(known.held.empty()) << "released, and never held";
    ASSERT_TRUE(known.halves);
    expect_translated(known, known.held.front(), *locate(known.held.front()), frame);
    known.held.erase(known.held.begin());
  }
  /// Behind a burst and its released packets, or when time has passed.
  void settle() {
    for (std::uint32_t c = 0; c < kClients; ++c)
      is_ipv4(c) ? settle<Family::kIpv4>(c) : settle<Family::kIpv6>(c);
    adopted_ = adopted();
  }
  /// What the receiver saw of the last segment of `c` in this direction, and how it was sent; empty when none
  /// was translated.
  struct Passage {
    Bytes sent, seen;
  };
  [[nodiscard]] const Passage& last(std::uint32_t c, bool to_service) const {
    return connections_[c].last[to_service ? 1 : 0];
  }
  /// Whether what is seen of `c` in this burst is what last() told.
  [[nodiscard]] bool follows(std::uint32_t c) const {
    return connections_[c].stage == Stage::kSpliced && connections_[c].halves && opened() == opened_;
  }

 private:
  enum class Stage { kNone, kUnfinished, kSpliced, kSplicedOnce, kNeverSpliced };
  struct Cookie {
    std::uint32_t isn;
    wire::SynOptions promised;
  };
  struct Known {
    Stage stage = Stage::kNone;
    std::vector<Cookie> cookies;
    wire::SynOptions asked{};
    std::vector<Bytes> held;
    std::optional<Halves> halves;
    std::array<Passage, 2> last;
  };

  [[nodiscard]] std::uint64_t counted(Event event) const {
    return lab_->core.counters.event[static_cast<std::size_t>(event)].read();
  }
  [[nodiscard]] std::uint64_t adopted() const { return counted(Event::kAdopted); }
  [[nodiscard]] std::uint64_t opened() const { return counted(Event::kPromoted) + adopted(); }
  template <Family kFamily>
  [[nodiscard]] const table::ConnectionState* state_of(std::uint32_t c) const {
    const auto* found = lab_->core.table<kFamily>().find(flow_of<kFamily>(port_of(c)));
    return found == nullptr ? nullptr : &found->state;
  }
  [[nodiscard]] const table::ConnectionState* state_of(std::uint32_t c) const {
    return is_ipv4(c) ? state_of<Family::kIpv4>(c) : state_of<Family::kIpv6>(c);
  }
  [[nodiscard]] Stage stage_of(std::uint32_t c) const {
    const auto* state = state_of(c);
    if (state == nullptr) return Stage::kNone;
    const auto phase = state->phase.get();
    if (phase == table::ConnectionPhase::kUnfinished) return Stage::kUnfinished;
    if (!state->splice.is_spliced) return Stage::kNeverSpliced;
    return phase == table::ConnectionPhase::kTombstone ? Stage::kSplicedOnce : Stage::kSpliced;
  }

  /// Of a segment that went on. A burst that opened a connection may have changed what holds within it.
  void check_passage(Known& known, const Bytes& sent, const Located& segment, const Bytes& seen) const {
    if (opened() != opened_) return;
    const std::uint8_t flags = tcp_at(sent, segment.at).flags;
    const bool syn = (flags & Flags::kSyn) != 0, syn_ack = syn && (flags & Flags::kAck) != 0;
    const bool teaches = segment.to_service ? syn : syn_ack && known.stage != Stage::kUnfinished;
    const bool over = known.stage == Stage::kSplicedOnce && segment.to_service;
    if (known.stage == Stage::kNone || teaches || over) {
      EXPECT_TRUE(test::same_frame(seen, sent)) << "belongs to no connection, and was changed";
    } else if ((known.stage == Stage::kSpliced || known.stage == Stage::kSplicedOnce) && known.halves) {
      expect_translated(known, sent, segment, seen);
      known.last[segment.to_service ? 1 : 0] = {sent, seen};
    }
  }
  static void expect_translated(const Known& known, const Bytes& sent, const Located& segment, Bytes seen) {
    ASSERT_EQ(seen.size(), sent.size());
    auto& tcp = wire::overlay<wire::TcpHeader>(&seen[segment.at]);
    tcp.checksum = {};
    EXPECT_TRUE(test::same_frame(seen, translated(sent, segment, *known.halves)));
  }
  /// Whether this is the TSval of a cookie, or, if nobody saw that the ACK was corrupt, what it made of one.
  static bool is_known_clock(const Known& known, std::uint32_t tsval) {
    const auto was_told = [tsval](const Cookie& cookie) {
      return cookie.promised.timestamps && cookie.promised.timestamps->tsval == tsval;
    };
    if (std::ranges::any_of(known.cookies, was_told)) return true;
    if (known.held.empty()) return false;
    const Bytes& ack = known.held.front();
    const auto echoed = wire::parse_tcp_options(wire::options(tcp_at(ack, locate(ack)->at))).timestamps();
    return echoed && echoed->tsecr == tsval;
  }
  /// A backend's segment that synward answered: if it was the SYN-ACK that opens, both halves are known now.
  void check_answer(Known& known, const Bytes& sent, const Located& segment, const test::Outcome& outcome) {
    const auto answer = locate(outcome.frame);
    const wire::TcpHeader& syn_ack = tcp_at(sent, segment.at);
    constexpr std::uint8_t kSynAck = Flags::kSyn | Flags::kAck;
    const bool opens = known.stage == Stage::kUnfinished && (syn_ack.flags & kSynAck) == kSynAck && answer &&
                       tcp_at(outcome.frame, answer->at).flags == Flags::kAck;
    if (!opens) return;
    const wire::TcpHeader& ack = tcp_at(outcome.frame, answer->at);
    EXPECT_EQ(ack.ack.host(), syn_ack.seq.host() + 1);
    EXPECT_EQ(ack.seq.host(), syn_ack.ack.host());
    const auto& state = *state_of(segment.client);
    const auto options = wire::parse_tcp_options(wire::options(syn_ack));
    const auto cookie =
        std::ranges::find(known.cookies, syn_ack.seq.host() + state.splice.seq_delta, &Cookie::isn);
    ASSERT_NE(cookie, known.cookies.end()) << "spliced to a number that no client was told";
    const wire::SynOptions& promised = cookie->promised;
    known.halves = {.seq = cookie->isn - syn_ack.seq.host(),
                    .ts = state.splice.ts_delta,
                    .hides_sack = promised.sack_permitted && !options.sack_permitted(),
                    .promised_scale = promised.window_scale.value_or(0),
                    .backend_scale = promised.window_scale ? options.window_scale().value_or(0) : 0u,
                    .unscales = options.window_scale() ? 0u : known.asked.window_scale.value_or(0)};
    if (options.timestamps() && promised.timestamps)
      EXPECT_TRUE(is_known_clock(known, state.splice.ts_delta + options.timestamps()->tsval))
          << "spliced to a clock that no client was told";
    known.stage = Stage::kSpliced;
  }
  template <Family kFamily>
  void settle(std::uint32_t c) {
    Known& known = connections_[c];
    const auto* state = state_of<kFamily>(c);
    const Stage stage = stage_of(c);
    if (stage != Stage::kUnfinished) known.held.clear();
    if (stage == Stage::kUnfinished || stage == Stage::kNone) {
      known.halves.reset();
      known.last = {};
    }
    if (stage == Stage::kUnfinished) {
      const auto index = state->splice.pending;
      ASSERT_TRUE(lab_->core.pending.is_of<kFamily>(index, flow_of<kFamily>(port_of(c))));
      const std::size_t held = lab_->core.pending[index].held_count;
      ASSERT_GE(known.held.size(), held);  // those in front were of a handshake that was replaced
      known.held.erase(known.held.begin(), known.held.end() - std::ptrdiff_t(held));
    }
    const bool may_be_adopted = adopted() != adopted_ && stage == Stage::kSpliced;
    if (may_be_adopted && state->splice.seq_delta == 0 && state->splice.ts_delta == 0) {
      known.halves = Halves{};
      known.last = {};
    }
  }

  PipelineLab* lab_;
  std::array<Known, kClients> connections_;
  std::uint64_t opened_ = 0, adopted_ = 0;
};

}  // namespace synward::fuzz
