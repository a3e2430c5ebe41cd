// What happened beside where packets ended: the life of connections. One row = one counter = one metric
// label.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Event : std::uint8_t {
  kSynAnswered,
  kShedSynCameAgain,
  kPrefixUnmarked,
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
  kPassed,
  kUnknownPassed,
  kSynPassed,
  kAdopted,
  kUntranslatable,
  kDownReset,
  kBackendEstablished,
  kBackendSynRepeated,
  kBackendRefused,
  kBackendSilent,
  kBackendStale,
  kOptionMasked,
  kTimestampsDeclined,
  kResetByBackend,
  kUnfinishedEvicted,
  kIcmpTranslated,
  kCount
};

inline constexpr Table<Event> kEventTable{{
    {Event::kSynAnswered, "syn_answered", "SYNs answered with a cookie (Linux: SyncookiesSent)"},
    {Event::kShedSynCameAgain, "shed_syn_came_again",
     "SYNs that passed while others were shed: they came again (a few of a flood are taken for such)"},
    {Event::kPrefixUnmarked, "prefix_unmarked",
     "samples of client prefixes beyond their budget of SYN-ACKs, but too many others are: not limited"},
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
    {Event::kPassed, "passed", "frames that concern no service, and passed unchanged"},
    {Event::kUnknownPassed, "unknown_passed",
     "segments of connections that synward did not see begin, and passed unchanged"},
    {Event::kSynPassed, "syn_passed",
     "SYNs that passed, because their backend is to be learned from its own answer"},
    {Event::kAdopted, "adopted",
     "connections that synward did not see begin, and follows since both directions agreed"},
    {Event::kUntranslatable, "untranslatable",
     "connections of a synward before this one, reset at both ends: nobody knows their numbers"},
    {Event::kDownReset, "down_reset", "SYNs reset at once, because their backend is down"},
    {Event::kBackendEstablished, "backend_established", "handshakes that a backend completed"},
    {Event::kBackendSynRepeated, "backend_syn_repeated", "SYNs sent to a backend again"},
    {Event::kBackendRefused, "backend_refused", "connections that their backend refused with an RST"},
    {Event::kBackendSilent, "backend_silent", "connections given up because their backend never answered"},
    {Event::kBackendStale, "backend_stale",
     "old sockets of a backend, reset because they stood in the way of a new connection"},
    {Event::kOptionMasked, "option_masked",
     "connections whose backend declined window scaling or SACK, which the client was promised"},
    {Event::kTimestampsDeclined, "timestamps_declined",
     "connections reset because their backend declined timestamps, which the client was promised"},
    {Event::kResetByBackend, "reset_by_backend", "connections that their backend reset"},
    {Event::kUnfinishedEvicted, "unfinished_evicted",
     "connections given up for want of room before their backend answered"},
    {Event::kIcmpTranslated, "icmp_translated",
     "ICMP errors that passed, the segment that they quote translated"},
}};
static_assert(rows_in_enum_order(kEventTable));

}  // namespace synward
