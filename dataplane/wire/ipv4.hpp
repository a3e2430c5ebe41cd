// IPv4 (RFC 791). A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

/// RFC 791 3.1. Options, if there are any, follow.
struct Ipv4Header {
  static constexpr std::uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;

  std::uint8_t version_and_ihl, dscp_ecn;
  BigEndian16 total_length, id, flags_and_offset;
  std::uint8_t ttl, protocol;
  Checksum checksum;  // of the header alone
  Ipv4Address source, destination;

  /// Options included.
  [[nodiscard]] constexpr std::size_t header_bytes() const { return 4u * (version_and_ihl & 0x0f); }
  /// Header and payload. A frame may be longer: short ones are padded (IEEE 802.3 3.2.8).
  [[nodiscard]] constexpr std::size_t total_bytes() const { return total_length.host(); }
  [[nodiscard]] constexpr bool dont_fragment() const {
    return (flags_and_offset.host() & kDontFragment) != 0;
  }
  /// Part of a datagram, be it the first: more fragments follow, or some went before.
  [[nodiscard]] constexpr bool is_fragment() const {
    return (flags_and_offset.host() & (kMoreFragments | kOffsetMask)) != 0;
  }
  /// Where this payload begins in that of the whole datagram; the layer above is headless unless it is 0.
  [[nodiscard]] constexpr std::size_t fragment_offset_bytes() const {
    return 8u * (flags_and_offset.host() & kOffsetMask);
  }
};
static_assert(sizeof(Ipv4Header) == 20 && WireLayout<Ipv4Header>);

/// The only way in. Null unless `packet`, which begins with the header, holds all of it, options included,
/// and the `total_bytes()` it claims. The header's checksum is not looked at.
[[nodiscard]] inline const Ipv4Header* parse_ipv4(std::span<const std::byte> packet) {
  const auto* ip = view_as<Ipv4Header>(packet);
  if (ip == nullptr || ip->version_and_ihl >> 4 != 4) return nullptr;
  const std::size_t header = ip->header_bytes();
  const std::size_t total = ip->total_bytes();
  return header >= sizeof(Ipv4Header) && header <= total && total <= packet.size() ? ip : nullptr;
}

[[nodiscard]] constexpr bool is_multicast(Ipv4Address a) { return a.bytes[0] >> 4 == 0xe; }  // RFC 5771
[[nodiscard]] constexpr bool is_broadcast(Ipv4Address a) {  // the limited one: RFC 919 7
  return a == Ipv4Address{{255, 255, 255, 255}};
}
[[nodiscard]] constexpr bool is_loopback(Ipv4Address a) { return a.bytes[0] == 127; }  // RFC 1122 3.2.1.3
[[nodiscard]] constexpr bool is_unspecified(Ipv4Address a) { return a == Ipv4Address{}; }

}  // namespace synward::wire
