// What lies between IP headers of the least length and TCP.
#pragma once

#include "dataplane/simd/group_lanes.hpp"
#include "dataplane/simd/header_lanes.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace synward::simd {
namespace {

using Protocol = wire::IpProtocol;

inline constexpr std::uint32_t kLeastIpv4 = 20, kLeastIpv6 = 40;

inline LaneBits find_ip_options(const Frames& frames, std::size_t network, LaneBits candidates,
                                std::uint16_t* between) {
  LaneBits found = 0;
  for_each_place(frames, network, candidates, [&](const Place& place) {
    const Words ip = load_words(place, 0);
    const V bytes = (ip.word[0] & 0xf) << 2;
    const Mask none = bytes <= kLeastIpv4;
    const V wrong = flags_if(none, 1) | ((ip.word[2] & 0xff00) ^ 0x0600);
    const std::uint32_t lanes = zero_lanes(wrong) & place.lanes;
    if (lanes == 0) return;  // mostly
    store_narrow(between + place.at, lanes, bytes - kLeastIpv4);
    found |= LaneBits{lanes} << place.at;
  });
  return found;
}

// ---- chains of extension headers: wire::walk_extension_headers(), side by side ----
//
// Where they have lengths at random, a CPU guesses wrong at the end of each, and has to wait for each header
// to find the next; so all packets take a step before any takes the next one.

/// What stands in place of a kind when a walk has found a fault.
inline constexpr std::uint32_t kNoKind = 0x100;

/// How far the walks have come, counted from the IP header, what is there, and where their packets end.
struct Walks {
  alignas(64) std::uint32_t offset[SynBatch::kMax], kind[SynBatch::kMax], end[SynBatch::kMax];
};

/// Behind the first header, which alone may be one of hop-by-hop options.
[[gnu::always_inline]] inline Mask is_extension_header(V kind) {
  return (kind == Protocol::kDestinationOptions) | (kind == Protocol::kIpv6Routing) |
         (kind == Protocol::kIpv6Fragment) | (kind == Protocol::kAuthentication);
}

/// Returns the lanes that count where an extension header follows.
[[gnu::always_inline]] inline LaneBits begin(const Frames& frames, const Place& place, Walks& walks) {
  const Words ip = load_words(place, 0);
  const V room = load_narrow(frames.frame_bytes + place.at) - static_cast<std::uint32_t>(place.network);
  const V total = ipv6_payload_bytes(ip) + kLeastIpv6, kind = ip.word[1] >> 16 & 0xff;
  const Mask walking = (total <= room) & (is_extension_header(kind) | (kind == Protocol::kHopByHopOptions));
  const std::uint32_t lanes = ~zero_lanes(reinterpret_cast<V>(walking)) & place.lanes;
  if (lanes == 0) return 0;  // mostly
  store(walks.offset + place.at, all(kLeastIpv6));
  store(walks.kind + place.at, kind);
  store(walks.end + place.at, total);
  return LaneBits{lanes} << place.at;
}

/// One header further, in the lanes that count. Returns those where another one follows.
[[gnu::always_inline]] inline LaneBits step(const Place& place, Walks& walks) {
  const V kind = load(walks.kind + place.at), offset = load(walks.offset + place.at);
  const V first = gather(place.frames, offset + static_cast<std::uint32_t>(place.network));
  const V length = first >> 8 & 0xff;
  const V fragment = flags_if(kind == Protocol::kIpv6Fragment, ~0u),
          routing = flags_if(kind == Protocol::kIpv6Routing, ~0u),
          authentication = flags_if(kind == Protocol::kAuthentication, ~0u);
  // In eights; those of RFC 4302 in fours. A fragment header is not longer.
  const V beyond = (length << 2) + (length << 2 & ~authentication),
          behind = offset + 8 + (beyond & ~fragment);
  // Of a fragment, offset and M; of a routing header, segments left.
  const V must_be_zero = (fragment & 0xf9ff'0000) | (routing & 0xff00'0000);
  const V fault = (first & must_be_zero) | (flags_if(length == 0, 1) & authentication) |
                  flags_if(behind > load(walks.end + place.at), 1);
  const Mask good = fault == 0;
  const V next = good ? first & 0xff : all(kNoKind);
  // Words are gathered in all lanes: also those that do not count any more stay inside their packets.
  store_lanes(walks.offset + place.at, place.lanes, good ? behind : offset);
  store_lanes(walks.kind + place.at, place.lanes, next);
  return LaneBits{~zero_lanes(reinterpret_cast<V>(is_extension_header(next))) & place.lanes} << place.at;
}

inline LaneBits find_extensions_near(const Frames& frames, std::size_t network, LaneBits candidates,
                                     std::uint16_t* between) {
  Walks walks;
  LaneBits walking = 0, found = 0;
  for_each_place(frames, network, candidates,
                 [&](const Place& place) { walking |= begin(frames, place, walks); });
  const LaneBits wrapped = walking;
  for (int walked = 0; walked < wire::kMaxExtensionHeaders && walking != 0; ++walked) {
    LaneBits left = 0;
    for_each_place(frames, network, walking, [&](const Place& place) { left |= step(place, walks); });
    walking = left;
  }
  for_each_place(frames, network, wrapped, [&](const Place& place) {
    const V other = load(walks.kind + place.at) ^ Protocol::kTcp;
    const std::uint32_t lanes = zero_lanes(other) & place.lanes;
    store_narrow(between + place.at, lanes, load(walks.offset + place.at) - kLeastIpv6);
    found |= LaneBits{lanes} << place.at;
  });
  return found;
}

inline LaneBits find_extensions(const Frames& frames, std::size_t network, LaneBits candidates,
                                std::uint16_t* between) {
  if (!are_far_apart(frames, candidates)) return find_extensions_near(frames, network, candidates, between);
  Group group{frames, candidates};
  const LaneBits found = find_extensions_near(group.frames, network, group.all(), group.between);
  group.scatter(found, group.between, between);
  return group.spread(found);
}

}  // namespace
}  // namespace synward::simd
