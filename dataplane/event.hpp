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
  kReplaced,
  kTombstoneEvicted,
  kAccepted,
  kAcceptAborted,
  kClosed,
  kResetByClient,
  kIdleReset,
  kFinRepeated,
  kFinGivenUp,
  kChallengeSent,
  kStrayReset,
  kPathsFull,
  kCount
};

inline constexpr Table<Event> kEventTable{{
    {Event::kSynAnswered, "syn_answered", "SYNs answered with a cookie (Linux: SyncookiesSent)"},
    {Event::kCookieValid, "cookie_valid", "segments that brought a valid cookie (Linux: SyncookiesRecv)"},
    {Event::kPromoted, "promoted", "connections that a cookie opened"},
    {Event::kReplaced, "replaced",
     "open connections replaced by a new one of the same client address and port"},
    {Event::kTombstoneEvicted, "tombstone_evicted",
     "closed connections forgotten early for want of room: their cookies may open them again"},
    {Event::kAccepted, "accepted", "connections taken from the accept queue"},
    {Event::kAcceptAborted, "accept_aborted", "connections that ended before the accept queue's turn came"},
    {Event::kClosed, "closed", "connections closed by FIN from both sides"},
    {Event::kResetByClient, "reset_by_client", "connections that their client reset"},
    {Event::kIdleReset, "idle_reset", "connections reset after the idle timeout"},
    {Event::kFinRepeated, "fin_repeated", "FINs sent again because nothing acknowledged them"},
    {Event::kFinGivenUp, "fin_given_up", "connections whose FIN was never acknowledged"},
    {Event::kChallengeSent, "challenge_sent", "ACKs that answered an unacceptable segment (RFC 5961)"},
    {Event::kStrayReset, "stray_reset", "RSTs that answered a repeated stray"},
    {Event::kPathsFull, "paths_full",
     "connections from a neighbour too many: nothing is sent to them but answers"},
}};
static_assert(rows_in_enum_order(kEventTable));

}  // namespace synward
