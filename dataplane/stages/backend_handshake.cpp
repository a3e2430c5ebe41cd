#include "dataplane/stages/backend_handshake.hpp"

#include <algorithm>

#include "dataplane/stages/backend_promise.hpp"

namespace synward {
namespace {

using proxy::PendingHandshake;
using proxy::PendingHandshakes;
using table::ConnectionPhase;
using wire::Family;
using Flags = wire::TcpFlags;

/// Longer than all timeouts of a handshake: its end is theirs, not the sweep's.
constexpr std::uint32_t kUnfinishedMs = 10'000;

proxy::ClientOffer offer_of(const handshake::Segment& segment, const cookie::Admission& admission) {
  const cookie::ClientOptions& options = admission.options;
  proxy::ClientOffer offer{.mss = options.mss,
                           .window_scale = options.window_scale,
                           .sack_permitted = options.sack_permitted,
                           .ecn = options.ecn,
                           .window = segment.window};
  if (options.timestamps && segment.options.timestamps) {
    offer.tsval = segment.options.timestamps->tsval;
    offer.cookie_tsval = segment.options.timestamps->tsecr;
  }
  return offer;
}

/// An entry that is replaced leaves nobody behind: its handshake is over, or its backend's half is reset.
template <Family kFamily>
void end_predecessor(CoreState& core, const table::FlowKey<kFamily>& flow,
                     const typename table::ConnectionTable<kFamily>::Place& place) {
  auto* old = core.table<kFamily>().find(flow, place);
  if (old == nullptr) return;
  const auto& state = old->state;
  if (state.phase.get() == ConnectionPhase::kUnfinished) {
    if (core.pending.is_of<kFamily>(state.splice.pending, flow)) discard(core, state.splice.pending);
    return;
  }
  const bool open = state.phase.get() != ConnectionPhase::kTombstone && state.path != LinkPaths::kNone;
  if (!open) return;
  // When the outbox is full, the backend's challenge brings the RST later.
  static_cast<void>(
      originate<kFamily>(core, core.paths[state.path], Toward::kBackend, flow, reset_at(state.client_next)));
}

}  // namespace

template <Family kFamily>
void send_backend_syn(CoreState& core, const table::FlowKey<kFamily>& flow, wire::SeqNum client_isn,
                      const PendingHandshake& pending) {
  const proxy::ClientOffer& offer = pending.offer;
  wire::SynOptions asked{
      .mss = offer.mss, .window_scale = offer.window_scale, .sack_permitted = offer.sack_permitted};
  if (offer.tsval) asked.timestamps = wire::TcpTimestamps{*offer.tsval, 0};
  std::array<std::byte, wire::kMaxSynOptionBytes> options;
  const std::size_t bytes = wire::write_syn_options(options.data(), asked);
  const std::uint32_t window = std::uint32_t{offer.window} << offer.window_scale.value_or(0);
  const Reply syn{
      .seq = client_isn,
      .ack = wire::SeqNum{0},
      .flags = static_cast<std::uint8_t>(Flags::kSyn | (offer.ecn ? kEcnSetup : 0)),
      .window = static_cast<std::uint16_t>(std::min<std::uint32_t>(window, 0xffff)),  // never scaled
      .options = std::span{options}.first(bytes)};
  for (int n = 0; n < 2; ++n)
    static_cast<void>(originate<kFamily>(core, pending.path, Toward::kBackend, flow, syn));
}

template <Family kFamily>
table::Connection<kFamily>* open_backend(Burst& burst, LaneIndex i, CoreState& core,
                                         const cookie::Admission& admission) {
  const auto flow = flow_of<kFamily>(burst, i);
  const handshake::Segment segment = segment_of(burst, i, core);
  const auto pending = core.pending.open(backend_of<kFamily>(burst, i, core), core.now.mono_ms);
  if (!pending) return drop_lane(burst, i, Drop::kPendingFull), nullptr;
  auto& connections = core.table<kFamily>();
  const auto place = connections.place_of(burst.flow_hash[i]);
  end_predecessor<kFamily>(core, flow, place);
  const auto inserted =
      connections.insert(flow, place, ConnectionPhase::kUnfinished, table::after(core.tick(), kUnfinishedMs));
  if (!inserted) {
    core.pending.close(*pending);
    return drop_lane(burst, i, Drop::kTableFull), nullptr;
  }
  if (inserted->evicted == table::Evicted::kTombstone) core.tally.add(Event::kTombstoneEvicted);
  if (inserted->evicted == table::Evicted::kUnfinished) core.tally.add(Event::kUnfinishedEvicted);
  core.unknown_backends.forget(burst.flow_hash[i]);  // it was of another connection
  auto& state = inserted->connection.state;
  state.client_next = segment.seq;
  state.service_next = segment.ack;
  state.splice = {};
  state.splice.pending = *pending;

  PendingHandshake& handshake = core.pending[*pending];
  handshake.flow = flow;
  handshake.opened_us = core.now.mono_us;
  handshake.path = link_path_of(burst, i);
  handshake.offer = offer_of(segment, admission);
  send_backend_syn<kFamily>(core, flow, segment.seq - 1, handshake);
  return &inserted->connection;
}

void hold(Burst& burst, LaneIndex i, CoreState& core, PendingHandshake& pending) {
  if (pending.held_count == proxy::kHeldMost || !core.held.take(pending.profile))
    return void(drop_lane(burst, i, Drop::kHoldFull));
  pending.held[pending.held_count++] = {.packet = burst.packet[i],
                                        .frame = burst.frame[i],
                                        .frame_bytes = burst.frame_bytes[i],
                                        .transport = burst.view[i].transport,
                                        .transport_bytes = burst.view[i].transport_bytes,
                                        .port = core.ports[burst.port].other};
  burst.on(Route::kHold).push(i);
}

void discard(CoreState& core, PendingHandshakes::Index pending) {
  const auto packets = core.pending[pending].held_packets();
  for (const auto& packet : packets) core.discarded.add(packet);
  core.held.give_back(core.pending[pending].profile, packets.size());
  core.pending.close(pending);
}

template <Family kFamily>
void release_held(CoreState& core, table::Connection<kFamily>& connection, PendingHandshakes::Index pending) {
  const auto packets = core.pending[pending].held_packets();
  const proxy::Splice splice = proxy::splice_of(connection.state);
  for (const auto& packet : packets) {
    const auto& tcp = wire::overlay<wire::TcpHeader>(packet.frame + packet.transport);
    note_segment<kFamily>(core, connection, Sender::kClient, tcp,
                          packet.transport_bytes - tcp.header_bytes());
    proxy::to_backend({packet.frame + packet.transport, tcp.header_bytes()}, splice);
    core.released.add(packet);
  }
  core.held.give_back(core.pending[pending].profile, packets.size());
  core.pending.close(pending);
}

template <Family kFamily>
void note_segment(CoreState& core, table::Connection<kFamily>& connection, Sender sender,
                  const wire::TcpHeader& tcp, std::size_t text_bytes) {
  auto& connections = core.table<kFamily>();
  auto& state = connection.state;
  const bool from_client = sender == Sender::kClient;
  if ((tcp.flags & Flags::kRst) != 0) {
    // Of any other the endpoint thinks nothing (RFC 5961 3.2), and a stranger may have guessed it.
    if (wire::SeqNum{tcp.seq} != (from_client ? state.client_next : state.service_next)) return;
    state.splice.reset_by_client |= from_client;
    state.splice.reset_by_backend |= !from_client;
    return connections.set_deadline(connection, table::after(core.tick(), kSpliceSilenceMs));
  }
  state.splice.reset_by_client = state.splice.reset_by_backend = false;
  if (from_client) state.splice.client_window = tcp.window.host();
  const bool fin = (tcp.flags & Flags::kFin) != 0;
  const auto length = static_cast<std::uint32_t>(text_bytes) + (fin ? 1 : 0);
  proxy::move_on(from_client ? state.client_next : state.service_next, wire::SeqNum{tcp.seq} + length);
  const ConnectionPhase first = from_client ? ConnectionPhase::kCloseWait : ConnectionPhase::kFinWait2;
  if (fin && state.phase.get() == ConnectionPhase::kEstablished) {
    connections.set_phase(connection, first);
  } else if (fin && state.phase.get() != first) {
    connections.set_phase(connection, ConnectionPhase::kTimeWait);
  }
  if (state.phase.get() != ConnectionPhase::kTimeWait)
    return connections.set_deadline(connection, idle_deadline(core, state));
  const bool has_all = wire::SeqNum{tcp.ack} == (from_client ? state.service_next : state.client_next);
  state.splice.client_has_all |= from_client && has_all;
  state.splice.backend_has_all |= !from_client && has_all;
  const bool finished = state.splice.client_has_all && state.splice.backend_has_all;
  connections.set_deadline(connection,
                           table::after(core.tick(), finished ? kSpliceSilenceMs : kSpliceUnfinishedMs));
}

template void note_segment<Family::kIpv4>(CoreState&, table::Connection<Family::kIpv4>&, Sender,
                                          const wire::TcpHeader&, std::size_t);
template void note_segment<Family::kIpv6>(CoreState&, table::Connection<Family::kIpv6>&, Sender,
                                          const wire::TcpHeader&, std::size_t);
template void release_held<Family::kIpv4>(CoreState&, table::Connection<Family::kIpv4>&,
                                          PendingHandshakes::Index);
template void release_held<Family::kIpv6>(CoreState&, table::Connection<Family::kIpv6>&,
                                          PendingHandshakes::Index);
template table::Connection<Family::kIpv4>* open_backend<Family::kIpv4>(Burst&, LaneIndex, CoreState&,
                                                                       const cookie::Admission&);
template table::Connection<Family::kIpv6>* open_backend<Family::kIpv6>(Burst&, LaneIndex, CoreState&,
                                                                       const cookie::Admission&);
template void send_backend_syn<Family::kIpv4>(CoreState&, const table::FlowKey<Family::kIpv4>&, wire::SeqNum,
                                              const PendingHandshake&);
template void send_backend_syn<Family::kIpv6>(CoreState&, const table::FlowKey<Family::kIpv6>&, wire::SeqNum,
                                              const PendingHandshake&);

}  // namespace synward
