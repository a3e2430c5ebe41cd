#include "dataplane/housekeeping.hpp"

#include <algorithm>

#include "dataplane/stages/backend_handshake.hpp"
#include "dataplane/stages/connection_access.hpp"

namespace synward {
namespace {

using table::Connection;
using table::ConnectionPhase;
using table::Tick;
using wire::Family;
using Flags = wire::TcpFlags;

/// Of a turn, which takes a burst of each port and one that other cores handed over: what they opened is
/// accepted in the next, and no turn takes long.
constexpr std::size_t kAcceptsPerPort = 2 * kBurstMax, kBucketsPerTurn = 512;
/// How long the sweep takes to go round, unless the core has more to do: what timers may be late by.
constexpr std::uint64_t kRoundMs = 512;
/// 1 + 2 + ... + 64 s, and then nobody is there any more.
constexpr unsigned kFinRetries = 6;

/// A frame of our own accord to the client of `connection`. False when the outbox is full; when no path is
/// known there is nothing to wait for either.
template <Family kFamily>
bool tell_client(CoreState& core, const Connection<kFamily>& connection, std::uint8_t flags,
                 wire::SeqNum seq) {
  const auto& state = connection.state;
  if (state.path == LinkPaths::kNone) return true;
  TimestampOption options;
  return originate<kFamily>(core, core.paths[state.path], Toward::kClient, connection.key,
                            segment_of_ours(core, state, flags, seq, options));
}

/// The connection is over; what is left of it is the memory of its cookie. Nothing when that has expired too.
template <Family kFamily>
std::optional<Tick> bury(CoreState& core, Connection<kFamily>& connection) {
  if (core.keys.lifetime_ms(connection.state.cookie_slot) == 0) return std::nullopt;
  core.table<kFamily>().set_phase(connection, ConnectionPhase::kTombstone);
  connection.state.retransmissions = 0;
  return cookie_expiry(core, connection.state);
}

/// Of a connection whose silence is to end it, by a deadline from before the operator gave its service longer
/// timeouts: when to look again. Silence then counts from that change on.
[[nodiscard]] std::optional<Tick> reprieve(const CoreState& core, const table::ConnectionState& state) {
  const Tick end = table::after(timeouts_since(core, state), idle_timeout_ms(core, state));
  return core.tick() < end ? std::optional{end} : std::nullopt;
}

/// Silence in ESTABLISHED or FIN-WAIT-2. `retry`: when to come back if the outbox is full.
template <Family kFamily>
std::optional<Tick> end_silence(CoreState& core, Connection<kFamily>& connection, Tick retry) {
  auto& state = connection.state;
  const auto& service = (*core.services)[state.service];
  if (const auto later = reprieve(core, state)) return later;
  if (service.close_after_ms != 0 && state.phase.get() == ConnectionPhase::kEstablished) {
    if (!tell_client(core, connection, Flags::kFin | Flags::kAck, state.service_next)) return retry;
    accept::close(state);
    state.retransmissions = 0;
    core.table<kFamily>().set_phase(connection, ConnectionPhase::kFinWait1);
    return table::after(core.tick(), kFinTimeoutMs);
  }
  if (!tell_client(core, connection, Flags::kRst | Flags::kAck, state.service_next)) return retry;
  core.tally.add(Event::kIdleReset);
  return bury(core, connection);
}

/// Of a spliced connection: both ends are told, in the numbers that each of them knows. After an RST they
/// know.
template <Family kFamily>
std::optional<Tick> end_splice(CoreState& core, Connection<kFamily>& connection, Tick retry) {
  const auto& state = connection.state;
  if (state.splice.reset_by_client || state.splice.reset_by_backend) {
    core.tally.add(state.splice.reset_by_client ? Event::kResetByClient : Event::kResetByBackend);
    return bury(core, connection);
  }
  if (state.phase.get() == ConnectionPhase::kTimeWait) {
    core.tally.add(Event::kClosed);
    return bury(core, connection);
  }
  if (const auto later = reprieve(core, state)) return later;
  if (state.path != LinkPaths::kNone) {
    if (core.outbox.size() + 2 > Outbox::kFrames) return retry;
    const LinkPath& path = core.paths[state.path];
    const wire::SeqNum backend_next = state.service_next - state.splice.seq_delta;
    const bool told = originate<kFamily>(core, path, Toward::kClient, connection.key,
                                         reset_at(state.service_next, state.client_next)) &&
                      originate<kFamily>(core, path, Toward::kBackend, connection.key,
                                         reset_at(state.client_next, backend_next));
    if (!told) return retry;
  }
  core.tally.add(Event::kIdleReset);
  return bury(core, connection);
}

/// RETRANSMISSION TIMEOUT (RFC 9293 3.10.8) of our FIN.
template <Family kFamily>
std::optional<Tick> repeat_fin(CoreState& core, Connection<kFamily>& connection, Tick retry) {
  auto& state = connection.state;
  if (state.retransmissions == kFinRetries) {
    core.tally.add(Event::kFinGivenUp);
    return bury(core, connection);
  }
  if (!tell_client(core, connection, Flags::kFin | Flags::kAck, state.service_next - 1)) return retry;
  core.tally.add(Event::kFinRepeated);
  state.retransmissions = (state.retransmissions + 1u) & 15u;
  return table::after(core.tick(), kFinTimeoutMs << state.retransmissions);
}

/// The time of a connection has come: its next deadline, or nothing when it goes.
template <Family kFamily>
std::optional<Tick> expire(CoreState& core, Connection<kFamily>& connection) {
  const Tick retry{core.tick().number + 1};
  const ConnectionPhase phase = connection.state.phase.get();
  if (core.is_inline() && phase != ConnectionPhase::kTombstone) {
    // The handshakes' own timers end what is unfinished; an entry of which they know nothing goes.
    if (phase == ConnectionPhase::kUnfinished) return std::nullopt;
    return end_splice(core, connection, retry);
  }
  switch (phase) {
    case ConnectionPhase::kEstablished:
    case ConnectionPhase::kFinWait2:
      return end_silence(core, connection, retry);
    case ConnectionPhase::kFinWait1:
    case ConnectionPhase::kClosing:
    case ConnectionPhase::kLastAck:
      return repeat_fin(core, connection, retry);
    case ConnectionPhase::kTimeWait:
      core.tally.add(Event::kClosed);
      return bury(core, connection);
    default:  // a tombstone, unless the wall clock went back and its cookie lives on; the others do not occur
      if (core.keys.lifetime_ms(connection.state.cookie_slot) == 0) return std::nullopt;
      return cookie_expiry(core, connection.state);
  }
}

template <Family kFamily>
void sweep(CoreState& core, std::uint64_t passed_ms) {
  auto& connections = core.table<kFamily>();
  const std::uint64_t due = connections.buckets() * std::min(passed_ms, kRoundMs) / kRoundMs + 1;
  connections.sweep(core.tick(), std::min<std::size_t>(due, kBucketsPerTurn),
                    [&core](Connection<kFamily>& connection) { return expire(core, connection); });
}

template <Family kFamily>
void accept_one(CoreState& core, const table::FlowKey<kFamily>& flow) {
  auto* connection = core.table<kFamily>().find(flow);
  const bool waits = connection != nullptr && !connection->state.options.accepted &&
                     connection->state.phase.get() != ConnectionPhase::kTombstone;
  if (waits) connection->state.options.accepted = true;
  core.tally.add(waits ? Event::kAccepted : Event::kAcceptAborted);
}

void publish(CoreState& core) {
  const auto set = [&core](Gauge gauge, std::size_t value) {
    core.counters.gauge[static_cast<std::size_t>(gauge)].set(value);
  };
  const auto& four = core.table<Family::kIpv4>();
  const auto& six = core.table<Family::kIpv6>();
  set(Gauge::kConnections4, four.live());
  set(Gauge::kConnections6, six.live());
  set(Gauge::kTombstones, four.size() + six.size() - four.live() - six.live());
  set(Gauge::kTableSlots, four.slots() + six.slots());
  set(Gauge::kAcceptQueue, core.accept_queue.size());
  set(Gauge::kBackendHandshakes, core.pending.size());
  set(Gauge::kHeldPackets, core.held.size());
  core.syn_budget.advance(core.now.mono_ms);  // also where nothing comes any more
  core.talkers.advance(core.now.mono_ms);
  set(Gauge::kLimitedPrefixes, core.syn_budget.limited());
  set(Gauge::kOverloadedCores, core.overload.is_flooded(core.now.mono_ms) ? 1 : 0);
  core.publish_events();
}

}  // namespace

bool end_waiting(CoreState& core) {
  constexpr std::uint64_t kEndOfTime = ~std::uint64_t{0};
  while (core.discarded.has_room()) {
    const auto pending = core.pending.due(kEndOfTime);
    if (!pending) return true;
    discard(core, *pending);
  }
  return false;
}

void housekeep(CoreState& core) {
  for (std::size_t n = 0; n < kAcceptsPerPort * core.ports.size() && !core.accept_queue.empty(); ++n)
    std::visit([&core](const auto& flow) { accept_one(core, flow); }, core.accept_queue.pop());
  time_out_handshakes(core);
  const std::uint64_t passed_ms = core.now.mono_ms - core.swept_ms;
  if (passed_ms != 0) {
    core.swept_ms = core.now.mono_ms;
    sweep<Family::kIpv4>(core, passed_ms);
    sweep<Family::kIpv6>(core, passed_ms);
  }
  publish(core);
}

}  // namespace synward
