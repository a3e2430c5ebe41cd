// What happened beside where packets ended: the life of connections. One row = one counter = one metric
// label.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Event : std::uint8_t {
  kSynAnswered,
  kCookieValid,
  kPromoted,
  kAccepted,
  kBytesDiscarded,
  kClosed,
  kReset,
  kExpired,
  kReplaced,
  kEvicted,
  kChallengeAck,
  kResetSent,
  kFinRetransmitted,
  kPathUnknown,
  kCount
};

inline constexpr Table<Event> kEventTable{{
    {Event::kSynAnswered, "syn_answered", "SYNs answered with a cookie (Linux: SyncookiesSent)"},
    {Event::kCookieValid, "cookie_valid", "ACKs that carried a cookie of ours (Linux: SyncookiesRecv)"},
    {Event::kPromoted, "promoted", "connections opened: handshakes completed"},
    {Event::kAccepted, "accepted", "connections the acceptor took from the accept queue"},
    {Event::kBytesDiscarded, "bytes_discarded",
     "payload bytes acknowledged and discarded by the acceptor (RFC 863)"},
    {Event::kClosed, "closed", "connections closed by FIN from both sides"},
    {Event::kReset, "reset", "connections ended by the client's RST"},
    {Event::kExpired, "expired", "connections ended for idling past the timeout"},
    {Event::kReplaced, "replaced", "connections replaced because their client came back with a new cookie"},
    {Event::kEvicted, "evicted", "tombstones or unfinished connections evicted for a newcomer"},
    {Event::kChallengeAck, "challenge_ack", "challenge ACKs sent (RFC 5961)"},
    {Event::kResetSent, "reset_sent", "RSTs sent"},
    {Event::kFinRetransmitted, "fin_retransmitted", "FINs sent again because nobody acknowledged them"},
    {Event::kPathUnknown, "path_unknown",
     "frames not sent because the way back to the client was not remembered"},
}};
static_assert(rows_in_enum_order(kEventTable));

}  // namespace synward
