// Handshakes with backends that nobody has answered: the SYN again after 1 and 3 seconds, an RST to the
// client after 7.
#include "dataplane/stages/backend_handshake.hpp"

namespace synward {
namespace {

using proxy::PendingHandshake;
using proxy::PendingHandshakes;
using table::Connection;
using table::ConnectionPhase;
using wire::Family;

/// Each puts two frames at most into the outbox, which a burst has just left empty.
constexpr std::size_t kTimersPerTurn = 32;

/// Null when the table has made room for another: then nobody waits any more.
template <Family kFamily>
Connection<kFamily>* waiting(CoreState& core, const table::FlowKey<kFamily>& flow,
                             PendingHandshakes::Index pending) {
  auto* connection = core.table<kFamily>().find(flow);
  const bool waits = connection != nullptr && connection->state.phase.get() == ConnectionPhase::kUnfinished &&
                     connection->state.splice.pending == pending;
  return waits ? connection : nullptr;
}

template <Family kFamily>
void time_out(CoreState& core, const table::FlowKey<kFamily>& flow, PendingHandshakes::Index pending) {
  auto* connection = waiting<kFamily>(core, flow, pending);
  if (connection == nullptr) return discard(core, pending);
  auto& state = connection->state;
  PendingHandshake& handshake = core.pending[pending];
  if (core.pending.start_over(pending, core.now.mono_ms)) {
    core.tally.add(Event::kBackendSynRepeated);
    return send_backend_syn<kFamily>(core, flow, state.client_next - 1, handshake);
  }
  core.tally.add(Event::kBackendSilent);
  core.profiles->silent(handshake.profile, core.now.mono_ms);
  static_cast<void>(originate<kFamily>(core, handshake.path, Toward::kClient, flow,
                                       reset_at(state.service_next, state.client_next)));
  discard(core, pending);
  core.table<kFamily>().bury(*connection, cookie_expiry(core, state));
}

}  // namespace

void time_out_handshakes(CoreState& core) {
  for (std::size_t n = 0; n < kTimersPerTurn; ++n) {
    const auto due = core.pending.due(core.now.mono_ms);
    if (!due || !core.discarded.has_room()) return;
    const auto flow = core.pending[*due].flow;
    if (const auto* four = std::get_if<table::FlowKey<Family::kIpv4>>(&flow)) {
      time_out<Family::kIpv4>(core, *four, *due);
    } else {
      time_out<Family::kIpv6>(core, std::get<table::FlowKey<Family::kIpv6>>(flow), *due);
    }
  }
}

}  // namespace synward
