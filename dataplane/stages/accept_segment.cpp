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

/// A client that moved to another router is followed; paths seldom change, so this is one comparison. How
/// often is limited, so that nobody fills the place of all.
void follow(const Burst& burst, LaneIndex i, CoreState& core, table::ConnectionState& state) {
  const LinkPath path = link_path_of(burst, i);
  if (state.path != LinkPaths::kNone && core.paths[state.path] == path) return;
  if (!core.path_moves.take(core.now.mono_ms)) return;
  const LinkPaths::Index moved = core.paths.intern(path);
  if (moved != LinkPaths::kNone) state.path = moved;
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
void challenge(Burst& burst, LaneIndex i, CoreState& core, const table::ConnectionState& state) {
  core.tally.add(Event::kChallengeSent);
  TimestampOption options;
  send_reply<kFamily>(burst, i,
                      segment_of_ours(core, state, wire::TcpFlags::kAck, state.service_next, options));
}

template <Family kFamily>
void accept_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection) {
  auto& state = connection.state;
  const auto& profile = (*core.services)[state.service].profile;
  const Outcome outcome = accept::on_segment(state, segment_of(burst, i, core),
                                             accept::receive_window(state.window_scales, profile.window));
  switch (outcome.judgement) {
    case Judgement::kMissingTimestamp:
      return void(drop_lane(burst, i, Drop::kMissingTimestamp));
    case Judgement::kRstOutsideWindow:
      note_reset<kFamily>(burst, i, core);
      return void(drop_lane(burst, i, Drop::kRstOutsideWindow));
    case Judgement::kUnacceptable:
      return take_misfit(core, state) ? challenge<kFamily>(burst, i, core, state)
                                      : void(drop_lane(burst, i, Drop::kChallengeLimited));
    case Judgement::kReset:
      note_reset<kFamily>(burst, i, core);
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

template void challenge<Family::kIpv4>(Burst&, LaneIndex, CoreState&, const table::ConnectionState&);
template void challenge<Family::kIpv6>(Burst&, LaneIndex, CoreState&, const table::ConnectionState&);
template void accept_segment<Family::kIpv4>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv4>&);
template void accept_segment<Family::kIpv6>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv6>&);

}  // namespace synward
