// A client's segment on its way to the backend.
#include <algorithm>

#include "dataplane/proxy/connection_splice.hpp"
#include "dataplane/stages/backend_handshake.hpp"
#include "dataplane/stages/intact.hpp"

namespace synward {
namespace {

using table::ConnectionPhase;
using wire::Family;
using Flags = wire::TcpFlags;

/// Whether an RST comes right behind what the client has sent (RFC 5961 3.2): its cookie, or text that is
/// held.
bool is_exact(const proxy::PendingHandshake& pending, wire::SeqNum client_next, wire::SeqNum seq) {
  if (seq == client_next) return true;
  const auto held = pending.held_packets();
  return std::any_of(held.begin(), held.end(), [seq](const proxy::HeldPacket& packet) {
    const auto& tcp = wire::overlay<wire::TcpHeader>(packet.frame + packet.transport);
    const auto text = static_cast<std::uint32_t>(packet.transport_bytes - tcp.header_bytes());
    return wire::SeqNum{tcp.seq} + text + ((tcp.flags & Flags::kFin) != 0 ? 1 : 0) == seq;
  });
}

/// The client's RST before the backend has answered. Of this half synward is the endpoint, so it judges.
template <Family kFamily>
void give_up(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection) {
  auto& state = connection.state;
  if (!ip_is_intact<kFamily>(burst, i)) return void(drop_lane(burst, i, Drop::kBadIpv4Checksum));
  if (!segment_is_intact<kFamily>(burst, i)) return void(drop_lane(burst, i, Drop::kBadTcpChecksum));
  if (!is_exact(core.pending[state.splice.pending], state.client_next,
                wire::SeqNum{tcp_header(burst, i).seq}))
    return void(drop_lane(burst, i, Drop::kRstOutsideWindow));
  discard(core, state.splice.pending);
  core.tally.add(Event::kResetByClient);
  core.table<kFamily>().bury(connection, cookie_expiry(core, state));
  forward_instead<kFamily>(burst, i, reversed<kFamily>(connection.key), reset_at(state.client_next));
}

}  // namespace

template <Family kFamily>
void splice_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection) {
  auto& state = connection.state;
  auto& tcp = header_at<wire::TcpHeader>(burst, i, burst.view[i].transport);
  const bool rst = (tcp.flags & Flags::kRst) != 0;
  if (rst) note_reset<kFamily>(burst, i, core);
  if (state.phase.get() == ConnectionPhase::kUnfinished) {
    if (rst) return give_up<kFamily>(burst, i, core, connection);
    return hold(burst, i, core, core.pending[state.splice.pending]);
  }
  const wire::SeqNum seq{tcp.seq};
  if (rst && !proxy::is_near(seq, state.client_next))
    return void(drop_lane(burst, i, Drop::kRstOutsideWindow));
  // What is not credible may be nobody's, or behind a great loss: it passes, and moves nothing.
  if (rst || proxy::is_credible(state, seq, wire::SeqNum{tcp.ack}))
    note_segment<kFamily>(core, connection, Sender::kClient, tcp,
                          burst.view[i].transport_bytes - tcp.header_bytes());
  proxy::to_backend({burst.frame[i] + burst.view[i].transport, tcp.header_bytes()}, proxy::splice_of(state));
  burst.on(Route::kForward).push(i);
}

template void splice_segment<Family::kIpv4>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv4>&);
template void splice_segment<Family::kIpv6>(Burst&, LaneIndex, CoreState&, table::Connection<Family::kIpv6>&);

}  // namespace synward
