// Where a packet goes next: one index list per route. The last five are verdicts: a packet ends in exactly
// one.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward {

enum class Route : std::uint8_t {
  kReceived,
  kArp,
  kNdp,
  kEcho4,
  kEcho6,
  kSyn4,
  kSyn6,
  kSegment4,
  kSegment6,
  // verdicts
  kSend,
  kForward,
  kHold,
  kHandOver,
  kDrop,
  kCount
};

inline constexpr Table<Route> kRouteTable{{
    {Route::kReceived, "received", "raw frame, as rx found it"},
    {Route::kArp, "arp", "ARP request for one of our addresses"},
    {Route::kNdp, "ndp", "neighbour solicitation for one of our addresses"},
    {Route::kEcho4, "echo4", "ICMP echo request to one of our addresses"},
    {Route::kEcho6, "echo6", "ICMPv6 echo request to one of our addresses"},
    {Route::kSyn4, "syn4", "SYN to a service over IPv4"},
    {Route::kSyn6, "syn6", "SYN to a service over IPv6"},
    {Route::kSegment4, "segment4", "any other legal segment to a service over IPv4"},
    {Route::kSegment6, "segment6", "any other legal segment to a service over IPv6"},
    {Route::kSend, "send", "became its own reply, and leaves by the port it came from"},
    {Route::kForward, "forward", "went on to its destination: the other port, or the local acceptor"},
    {Route::kHold, "hold", "waits for its backend's handshake"},
    {Route::kHandOver, "hand_over", "belongs to another core, which takes it over"},
    {Route::kDrop, "drop", "ended here, with exactly one reason"},
}};
static_assert(rows_in_enum_order(kRouteTable));

/// The lists that exist once a family; stages are written once and name theirs through these.
template <wire::Family kFamily>
struct Routes {
  static constexpr bool kIs4 = kFamily == wire::Family::kIpv4;
  static constexpr Route kEcho = kIs4 ? Route::kEcho4 : Route::kEcho6;
  static constexpr Route kSyn = kIs4 ? Route::kSyn4 : Route::kSyn6;
  static constexpr Route kSegment = kIs4 ? Route::kSegment4 : Route::kSegment6;
};

}  // namespace synward
