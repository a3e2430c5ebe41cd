// The backend's half of a proxied connection, from the client's cookie to the splice or to the end of hope.
// What the stages and the timers of backend_timers.cpp share.
#pragma once

#include "dataplane/cookie/cookie.hpp"
#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/originate.hpp"

namespace synward {

/// The segment of this lane has brought a cookie: a connection that waits for its backend, and the SYN is on
/// its way to that. Null, and the lane dropped, when there is no room.
template <wire::Family kFamily>
[[nodiscard]] table::Connection<kFamily>* open_backend(Burst& burst, LaneIndex i, CoreState& core,
                                                       const cookie::Admission& admission);

/// <SEQ=the client's ISN><CTL=SYN> to the backend, with the client's options. Lost, and sent again after the
/// timeout, when the outbox is full.
/// Twice: a server takes no sample of the round trip from a SYN-ACK that it had to send again (Karn's
/// algorithm, RFC 6298 3), and ours would be the one to synward. A BBR server believes that sample for ten
/// seconds and sends four segments for each of the client's round trips.
template <wire::Family kFamily>
void send_backend_syn(CoreState& core, const table::FlowKey<kFamily>& flow, wire::SeqNum client_isn,
                      const proxy::PendingHandshake& pending);

/// The wait is over, and came to nothing: what was held goes, and so does the handshake.
void discard(CoreState& core, proxy::PendingHandshakes::Index pending);

/// What a waiting lane comes to: held, or dropped when too many wait already.
void hold(Burst& burst, LaneIndex i, CoreState& core, proxy::PendingHandshake& pending);

/// The backend's half is open: what was held goes on to it, translated, and the handshake is over.
template <wire::Family kFamily>
void release_held(CoreState& core, table::Connection<kFamily>& connection,
                  proxy::PendingHandshakes::Index pending);

/// A segment passed from this side, in the numbers that the client knows: what the connection remembers of
/// it.
enum class Sender : std::uint8_t { kClient, kBackend };
template <wire::Family kFamily>
void note_segment(CoreState& core, table::Connection<kFamily>& connection, Sender sender,
                  const wire::TcpHeader& tcp, std::size_t text_bytes);

/// How long a connection that was reset, or closed from both sides, is remembered in silence: the endpoint
/// may have refused the RST, or missed the last ACK. As long as it has not acknowledged all, the other one
/// repeats what is missing: on Linux, at intervals of 120 s at most.
inline constexpr std::uint32_t kSpliceSilenceMs = 60'000, kSpliceUnfinishedMs = 150'000;

/// Once each turn: SYNs again, and connections whose backend never answered.
void time_out_handshakes(CoreState& core);

}  // namespace synward
