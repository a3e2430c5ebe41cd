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
  kCommonSyn4,
  kCommonSyn6,
  kSyn4,
  kSyn6,
  kSegment4,
  kSegment6,
  kBackend4,
  kBackend6,
  kIcmpError4,
  kIcmpError6,
  kKnown4,
  kKnown6,
  kCookie4,
  kCookie6,
  kStray4,
  kStray6,
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
    {Route::kCommonSyn4, "common_syn4", "SYN to a service over IPv4, of a common layout, verified"},
    {Route::kCommonSyn6, "common_syn6", "SYN to a service over IPv6, of a common layout, verified"},
    {Route::kSyn4, "syn4", "any other SYN to a service over IPv4"},
    {Route::kSyn6, "syn6", "any other SYN to a service over IPv6"},
    {Route::kSegment4, "segment4", "any other legal segment to a service over IPv4"},
    {Route::kSegment6, "segment6", "any other legal segment to a service over IPv6"},
    {Route::kBackend4, "backend4", "any segment of a service's backend over IPv4"},
    {Route::kBackend6, "backend6", "any segment of a service's backend over IPv6"},
    {Route::kIcmpError4, "icmp_error4", "ICMP error about a segment to or from a service"},
    {Route::kIcmpError6, "icmp_error6", "ICMPv6 error about a segment to or from a service"},
    {Route::kKnown4, "known4", "fits a connection of ours over IPv4"},
    {Route::kKnown6, "known6", "fits a connection of ours over IPv6"},
    {Route::kCookie4, "cookie4", "fits no connection over IPv4, so it may carry a cookie"},
    {Route::kCookie6, "cookie6", "fits no connection over IPv6, so it may carry a cookie"},
    {Route::kStray4, "stray4", "neither connection nor cookie, over IPv4"},
    {Route::kStray6, "stray6", "neither connection nor cookie, over IPv6"},
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
  static constexpr Route kCommonSyn = kIs4 ? Route::kCommonSyn4 : Route::kCommonSyn6;
  static constexpr Route kSyn = kIs4 ? Route::kSyn4 : Route::kSyn6;
  static constexpr Route kSegment = kIs4 ? Route::kSegment4 : Route::kSegment6;
  static constexpr Route kBackend = kIs4 ? Route::kBackend4 : Route::kBackend6;
  static constexpr Route kIcmpError = kIs4 ? Route::kIcmpError4 : Route::kIcmpError6;
  static constexpr Route kKnown = kIs4 ? Route::kKnown4 : Route::kKnown6;
  static constexpr Route kCookie = kIs4 ? Route::kCookie4 : Route::kCookie6;
  static constexpr Route kStray = kIs4 ? Route::kStray4 : Route::kStray6;
};

}  // namespace synward
