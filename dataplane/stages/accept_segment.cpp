// What the acceptor says of a segment, carried out: phase, deadlines, the answer, the count.
#include "dataplane/stages/connection_access.hpp"

namespace synward {
namespace {

using accept::Judgement;
using accept::Outcome;
using table::ConnectionPhase;
using wire::Family;

/// The deadline that belongs to the phase; in kEstablished and kFinWait2 it moves with every segment.
template <Family kFamily>
void enter(CoreState& core, table::Connection<kFamily>& connection, ConnectionPhase phase) {
  auto& connections = core.table<kFamily>();
  switch (phase) {
    case ConnectionPhase::kTombstone:
      return connections.bury(connection, cookie_expiry(core, connection.state));
    case ConnectionPhase::kTimeWait:
      connections.set_phase(connection, phase);
      return connections.set_deadline(connection, table::after(core.tick(), kTimeWaitMs));
    case ConnectionPhase::kLastAck:  // our FIN leaves now
      connection.state.retransmissions = 0;
      connections.set_phase(connection, phase);
      return connections.set_deadline(connection, table::after(core.tick(), kFinTimeoutMs));
    default:  // kFinWait2; kClosing, whose FIN waits on
      connections.set_phase(connection, phase);
  }
}

template <Family kFamily>
void keep_alive(CoreState& core, table::Connection<kFamily>& connection) {
  const ConnectionPhase phase = connection.state.phase.get();
  if (phase == ConnectionPhase::kEstablished || phase == ConnectionPhase::kFinWait2)
    core.table<kFamily>().set_deadline(connection, idle_deadline(core, connection.state));
}

/// A client that moved to another router is followed; paths seldom change, so this is one comparison.
void follow(const Burst& burst, LaneIndex i, CoreState& core, table::ConnectionState& state) {
  const LinkPath path = link_path_of(burst, i);
  if (state.path == LinkPaths::kNone || !(core.paths[state.path] == path))
    state.path = core.paths.intern(path);
}

template <Family kFamily>
void answer(Burst& burst, LaneIndex i, const CoreState& core, const table::ConnectionState& state,
            const Outcome& outcome) {
  if (!outcome.ack) return burst.on(Route::kForward).push(i);  // the acceptor has it
  const auto flags =
      static_cast<std::uint8_t>(wire::TcpFlags::kAck | (outcome.fin ? wire::TcpFlags::kFin : 0));
  TimestampOption options;
  send_reply<kFamily>(burst, i, segment_of_ours(core, state, flags, outcome.seq, options));
}

}  // namespace

template <Family kFamily>
void accept_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection) {
  auto& state = connection.state;
  const auto& profile = (*core.services)[state.service].profile;
  const Outcome outcome = accept::on_segment(state, segment_of(burst, i),
                                             accept::receive_window(state.window_scales, profile.window));
  switch (outcome.judgement) {
    case Judgement::kMissingTimestamp:
      return void(drop_lane(burst, i, Drop::kMissingTimestamp));
    case Judgement::kRstOutsideWindow:
      return void(drop_lane(burst, i, Drop::kRstOutsideWindow));
    case Judgement::kUnacceptable:
      if (!core.challenges.take(core.now.mono_ms)) return void(drop_lane(burst, i, Drop::kChallengeLimited));
      core.tally.add(Event::kChallengeSent);
      break;
    case Judgement::kReset:
      core.tally.add(Event::kResetByClient);
      break;
    case Judgement::kRepeated:
      break;
    case Judgement::kTaken:  // nobody else can have sent it, so it may move what a spoofer must not
      follow(burst, i, core, state);
      keep_alive(core, connection);
      break;
  }
  if (outcome.phase) {
    if (outcome.judgement == Judgement::kTaken && *outcome.phase == ConnectionPhase::kTombstone)
      core.tally.add(Event::kClosed);
    enter(core, connection, *outcome.phase);
    keep_alive(core, connection);  // FIN-WAIT-2 begins
  }
  answer<kFamily>(burst, i, core, state, outcome);
}

template void accept_segment<Family::kIpv4>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv4>&);
template void accept_segment<Family::kIpv6>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv6>&);

}  // namespace synward
