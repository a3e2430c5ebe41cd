// Segments of backends. The answer to our SYN finishes a handshake; all that comes afterwards is translated,
// and goes on to the client.
#include <algorithm>

#include "dataplane/proxy/connection_splice.hpp"
#include "dataplane/stages/backend_handshake.hpp"
#include "dataplane/stages/backend_promise.hpp"
#include "dataplane/stages/intact.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using proxy::PendingHandshake;
using table::Connection;
using table::ConnectionPhase;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

/// How often a backend's stale socket may be told to make way for one connection.
constexpr std::uint8_t kRestartsMost = 3;

/// One lane, its segment, and the connection that it belongs to.
template <Family kFamily>
struct Answer {
  Burst& burst;
  LaneIndex i;
  CoreState& core;
  Connection<kFamily>& connection;
  SeqNum seq, ack;
  std::uint8_t flags;

  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  void drop(Drop reason) const { drop_lane(burst, i, reason); }
};

/// The connection ends before it was spliced: the client gets an RST in place of this lane.
template <Family kFamily>
void refuse(const Answer<kFamily>& answer, Event why) {
  auto& state = answer.connection.state;
  answer.core.tally.add(why);
  discard(answer.core, state.splice.pending);
  answer.core.template table<kFamily>().bury(answer.connection, cookie_expiry(answer.core, state));
  forward_instead<kFamily>(answer.burst, answer.i, answer.connection.key,
                           reset_at(state.service_next, state.client_next));
}

/// A socket of an older connection stands in the way: it is told so, and the SYN comes again at once.
template <Family kFamily>
void make_way(const Answer<kFamily>& answer, PendingHandshake& pending) {
  if (pending.restarts == kRestartsMost) return answer.drop(Drop::kBackendUnexpected);
  ++pending.restarts;
  answer.core.tally.add(Event::kBackendStale);
  send_reply<kFamily>(answer.burst, answer.i, reset_at(answer.ack));
  send_backend_syn<kFamily>(answer.core, answer.connection.key, answer.connection.state.client_next - 1,
                            pending);
}

/// The lane becomes the ACK of the SYN-ACK that it was. It echoes no TSval, for of 0 a server takes no sample
/// of the round trip, which would be the one to synward and not the client's (see send_backend_syn()). No
/// server minds: Linux compares it with its own unless it is 0, FreeBSD's syncache does not look.
template <Family kFamily>
void acknowledge(const Answer<kFamily>& answer, const wire::TcpOptions& options, std::uint16_t window) {
  TimestampOption written;
  Reply ack{.seq = answer.ack, .ack = answer.seq + 1, .flags = Flags::kAck, .window = window};
  if (const auto timestamps = options.timestamps()) {
    wire::write_timestamps(written.data(), {timestamps->tsecr, 0});
    ack.options = written;
  }
  send_reply<kFamily>(answer.burst, answer.i, ack);
}

/// Which options the SYN of this handshake asked the backend for.
std::uint8_t asked_options(const proxy::ClientOffer& offer) {
  using proxy::OptionSet;
  return static_cast<std::uint8_t>(
      (offer.window_scale ? OptionSet::kScale : 0) | (offer.sack_permitted ? OptionSet::kSack : 0) |
      (offer.tsval ? OptionSet::kTimestamps : 0) | (offer.ecn ? OptionSet::kEcn : 0));
}

/// The splice that makes of the backend's numbers those that the client was promised. Both TSvals, the
/// cookie's and the backend's, stand for the same moment: so the client never sees its peer's clock go back,
/// and what it echoes of the cookie becomes the backend's own TSval.
void fill_splice(table::ConnectionState& state, const PendingHandshake& pending, SeqNum backend_isn,
                 const wire::TcpOptions& options) {
  const proxy::ClientOffer& offer = pending.offer;
  state.splice = {};
  state.splice.seq_delta = state.service_next.value() - 1 - backend_isn.value();
  if (const auto timestamps = options.timestamps())
    state.splice.ts_delta = offer.cookie_tsval - timestamps->tsval;
  state.splice.client_window = offer.window;
  // Unasked it means nothing (RFC 7323 2.2).
  state.splice.backend_scale = offer.window_scale ? options.window_scale().value_or(0) : 0;
  state.splice.backend_declined_scaling = offer.window_scale && !options.window_scale();
  state.splice.backend_declined_sack = offer.sack_permitted && !options.sack_permitted();
  state.splice.is_spliced = true;
}

/// The client's window field, as this backend reads it.
std::uint16_t window_for_backend(const table::ConnectionState& state, std::uint16_t field) {
  const unsigned unscaled = state.splice.backend_declined_scaling ? state.window_scales.client() : 0;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(std::uint32_t{field} << unscaled, 0xffff));
}

void record_timings(CoreState& core, const PendingHandshake& pending) {
  const std::uint64_t us = core.now.mono_us - pending.opened_us;
  core.counters.record(Timing::kBackendEstablished, us);
  // Which SYN it answers is known only when there was one (Karn: RFC 6298 3).
  if (pending.timeouts == 0 && pending.restarts == 0) core.counters.record(Timing::kBackendRoundTrip, us);
}

template <Family kFamily>
void establish(const Answer<kFamily>& answer, table::ConnectionState& state) {
  CoreState& core = answer.core;
  const auto index = state.splice.pending;
  const PendingHandshake& pending = core.pending[index];
  const wire::TcpHeader& tcp = tcp_header(answer.burst, answer.i);
  const wire::TcpOptions options = wire::parse_tcp_options(wire::options(tcp));
  core.profiles->reached(pending.profile);
  core.profiles->learn(pending.profile, facts_of<kFamily>(tcp, options, asked_options(pending.offer)),
                       core.keys.current());
  if (pending.offer.tsval && !options.timestamps()) {  // the client will send them, and wait for them
    static_cast<void>(originate<kFamily>(core, pending.path, Toward::kBackend, answer.connection.key,
                                         reset_at(answer.ack)));
    return refuse(answer, Event::kTimestampsDeclined);
  }
  fill_splice(state, pending, answer.seq, options);
  if (state.splice.backend_declined_scaling || state.splice.backend_declined_sack)
    core.tally.add(Event::kOptionMasked);
  core.tally.add(Event::kBackendEstablished);
  record_timings(core, pending);
  auto& connections = core.table<kFamily>();
  connections.set_phase(answer.connection, ConnectionPhase::kEstablished);
  connections.set_deadline(answer.connection, idle_deadline(core, state));
  acknowledge(answer, options, window_for_backend(state, pending.offer.window));
  release_held<kFamily>(core, answer.connection, index);
}

/// Of a backend that has been asked and not answered yet.
template <Family kFamily>
void finish_handshake(const Answer<kFamily>& answer) {
  auto& state = answer.connection.state;
  const bool of_our_syn = answer.has(Flags::kAck) && answer.ack == state.client_next;
  if (!ip_is_intact<kFamily>(answer.burst, answer.i)) return answer.drop(Drop::kBadIpv4Checksum);
  if (!segment_is_intact<kFamily>(answer.burst, answer.i)) return answer.drop(Drop::kBadTcpChecksum);
  if (answer.has(Flags::kRst)) {
    if (!of_our_syn) return answer.drop(Drop::kBackendUnexpected);
    answer.core.profiles->refused(answer.core.pending[state.splice.pending].profile, answer.core.now.mono_ms);
    return refuse(answer, Event::kBackendRefused);
  }
  if (answer.has(Flags::kSyn) && of_our_syn) return establish(answer, state);
  if (answer.has(Flags::kAck)) return make_way(answer, answer.core.pending[state.splice.pending]);
  answer.drop(Drop::kBackendUnexpected);
}

template <Family kFamily>
void to_client(const Answer<kFamily>& answer) {
  auto& state = answer.connection.state;
  const auto& view = answer.burst.view[answer.i];
  auto& tcp = header_at<wire::TcpHeader>(answer.burst, answer.i, view.transport);
  proxy::to_client({answer.burst.frame[answer.i] + view.transport, tcp.header_bytes()},
                   proxy::splice_of(state));
  if (state.phase.get() != ConnectionPhase::kTombstone)
    note_segment<kFamily>(answer.core, answer.connection, Sender::kBackend, tcp,
                          view.transport_bytes - tcp.header_bytes());
  answer.burst.on(Route::kForward).push(answer.i);
}

/// The answer to a SYN that passed: so much does this backend promise.
template <Family kFamily>
void learn(const Burst& burst, LaneIndex i, CoreState& core, std::uint64_t flow) {
  const auto asked = core.passed_syns.recall(flow);
  if (!asked || !ip_is_intact<kFamily>(burst, i) || !segment_is_intact<kFamily>(burst, i)) return;
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  const auto facts = facts_of<kFamily>(tcp, wire::parse_tcp_options(wire::options(tcp)), *asked);
  core.profiles->reached(core.profiles->learn<kFamily>(ip_header<kFamily>(burst, i).source, tcp.src_port,
                                                       facts, core.keys.current()));
}

/// Of a connection that synward does not follow. It passes as it is; its numbers tell whether the client's
/// next segment belongs to it.
template <Family kFamily>
void pass_unknown(Burst& burst, LaneIndex i, CoreState& core) {
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  const std::uint64_t hash = burst.flow_hash[i];
  const auto flag = [&tcp](std::uint8_t mask) { return (tcp.flags & mask) == mask; };
  if (flag(Flags::kSyn | Flags::kAck)) learn<kFamily>(burst, i, core, hash);
  const std::uint32_t length =
      static_cast<std::uint32_t>(burst.view[i].transport_bytes - tcp.header_bytes()) +
      (flag(Flags::kSyn) ? 1 : 0) + (flag(Flags::kFin) ? 1 : 0);
  if (flag(Flags::kRst)) {
    core.unknown_backends.forget(hash);
  } else {
    core.unknown_backends.remember(hash, {SeqNum{tcp.seq} + length, SeqNum{tcp.ack}}, core.now.mono_ms);
  }
  core.tally.add(Event::kUnknownPassed);
  burst.on(Route::kForward).push(i);
}

template <Family kFamily>
void decide(const Answer<kFamily>& answer) {
  const auto& state = answer.connection.state;
  if (state.phase.get() == ConnectionPhase::kUnfinished) return finish_handshake(answer);
  const bool syn_ack = answer.has(Flags::kSyn) && answer.has(Flags::kAck);
  const auto pass = [&answer] { pass_unknown<kFamily>(answer.burst, answer.i, answer.core); };
  if (!state.splice.is_spliced) {  // a tombstone of one that never was: the answer came too late
    if (syn_ack && answer.core.passed_syns.recall(answer.burst.flow_hash[answer.i])) return pass();
    if (answer.has(Flags::kRst) && answer.ack == state.client_next) return answer.drop(Drop::kRefusedAgain);
    if (!answer.has(Flags::kAck) || answer.has(Flags::kRst)) return answer.drop(Drop::kBackendUnexpected);
    return send_reply<kFamily>(answer.burst, answer.i, reset_at(answer.ack));
  }
  if (!syn_ack) return to_client(answer);
  const bool again = proxy::is_near(answer.seq + state.splice.seq_delta, state.service_next) &&
                     proxy::is_near(answer.ack, state.client_next);
  if (!again) return pass();
  // Our ACK was lost, or is late.
  const auto& tcp = tcp_header(answer.burst, answer.i);
  acknowledge(answer, wire::parse_tcp_options(wire::options(tcp)),
              window_for_backend(state, state.splice.client_window));
}

template <Family kFamily>
void relay_family(Burst& burst, CoreState& core) {
  const auto lanes = burst.on(Routes<kFamily>::kBackend).take();
  if (lanes.empty()) return;
  std::array<Connection<kFamily>*, kBurstMax> found;
  const auto flow = [&](std::size_t n) { return reversed<kFamily>(flow_of<kFamily>(burst, lanes[n])); };
  const auto hashes = hash_flows<kFamily>(burst, core, lanes, flow);
  core.table<kFamily>().find_bulk(hashes.data(), lanes.size(), flow, found.data());
  for (std::size_t n = 0; n < lanes.size(); ++n) {
    const LaneIndex i = lanes[n];
    if (found[n] == nullptr) {
      pass_unknown<kFamily>(burst, i, core);
      continue;
    }
    const wire::TcpHeader& tcp = tcp_header(burst, i);
    decide(Answer<kFamily>{burst, i, core, *found[n], SeqNum{tcp.seq}, SeqNum{tcp.ack}, tcp.flags});
  }
}

}  // namespace

void relay_backend(Burst& burst, CoreState& core) {
  relay_family<Family::kIpv4>(burst, core);
  relay_family<Family::kIpv6>(burst, core);
}

}  // namespace synward
