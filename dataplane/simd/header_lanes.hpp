// What SYNs and other segments are asked alike: the IP header, and where they want to go.
#pragma once

#include "dataplane/simd/lanes.hpp"

namespace synward::simd {
namespace {

/// service::ServiceTable::Neighborhoods: one, where `first`, hashed, may be a service's.
[[gnu::always_inline]] inline V neighbors(const Hint& hint, V first) {
  const V index = first * 0x9e37'79b9u >> 20;
  return gather(hint.neighborhoods, index >> 5) >> (index & 31) & 1;
}

// ---- IPv4: `ip` is the first four words of the header ----

/// Nonzero where it is a fragment, not TCP, or from an address that can send none.
[[gnu::always_inline]] inline V wrong_ipv4(const Words& ip) {
  const V source = ip.word[3], first = source & 0xff;
  return (ip.word[1] & 0xff3f'0000) | ((ip.word[2] & 0xff00) ^ 0x0600) | flags_if((first & 0xf0) == 0xe0, 1) |
         flags_if(first == 127, 1) |  // is_bad_source()
         flags_if(source == 0, 1) | flags_if(source == 0xffff'ffff, 1);
}
[[gnu::always_inline]] inline V ipv4_total_bytes(const Words& ip) {
  return ip.word[0] >> 24 | (ip.word[0] >> 8 & 0xff00);
}
[[gnu::always_inline]] inline V ipv4_address_sum(V source, V destination) {
  Sum sum;
  sum.add(source);
  sum.add(destination);
  return sum.halves();
}
/// Nonzero where the header's checksum is wrong.
[[gnu::always_inline]] inline V corrupt_ipv4(const Words& ip, V address_sum) {
  Sum sum;
  for (const V word : {ip.word[0], ip.word[1], ip.word[2]}) sum.add(word);
  return folded(sum.halves() + address_sum) ^ 0xffff;
}
/// Zero where a packet is to the hint's destination.
[[gnu::always_inline]] inline V elsewhere_ipv4(const Hint& hint, V destination, V ports) {
  return (destination ^ hint.destination[0]) | ((ports >> 16) ^ hint.port);
}
[[gnu::always_inline]] inline V neighbors_ipv4(const Hint& hint, V source) {
  return neighbors(hint, source << 16);
}

// ---- IPv6: `ip` is the first four words of the header, two of which are half of the source ----

/// Nonzero where it is not version 6, or from an address that can send none: is_bad_source(), and whatever
/// else begins with 64 zeros.
[[gnu::always_inline]] inline V wrong_ipv6(const Words& ip) {
  return ((ip.word[0] & 0xf0) ^ 0x60) | flags_if((ip.word[2] & 0xff) == 0xff, 1) |
         flags_if((ip.word[2] | ip.word[3]) == 0, 1);
}
[[gnu::always_inline]] inline V ipv6_payload_bytes(const Words& ip) {
  return (ip.word[1] >> 8 & 0xff) | (ip.word[1] << 8 & 0xff00);
}
[[gnu::always_inline]] inline V elsewhere_ipv6(const Hint& hint, V differs_from_destination, V ports) {
  return differs_from_destination | ((ports >> 16) ^ hint.port);
}
[[gnu::always_inline]] inline V neighbors_ipv6(const Hint& hint, const Words& ip) {
  return neighbors(hint, ip.word[2]);
}

/// Nonzero where the segment's checksum is wrong. `sum`: of the halves of all its words, and of the
/// addresses.
[[gnu::always_inline]] inline V corrupt_tcp(V sum, V segment_bytes) {
  return folded(sum + 0x0600 + (segment_bytes << 8)) ^ 0xffff;  // and of the rest of the pseudo-header
}

}  // namespace
}  // namespace synward::simd
