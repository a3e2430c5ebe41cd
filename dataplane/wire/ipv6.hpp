// IPv6 and its chain of extension headers (RFC 8200). A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

/// RFC 8200 3.
struct Ipv6Header {
  BigEndian32 version_class_flow;
  BigEndian16 payload_length;  // of everything behind these 40 bytes, extension headers included
  std::uint8_t next_header, hop_limit;
  Ipv6Address source, destination;

  [[nodiscard]] static constexpr std::size_t header_bytes() { return 40; }
  /// Header and payload. A frame may be longer: short ones are padded (IEEE 802.3 3.2.8).
  [[nodiscard]] constexpr std::size_t total_bytes() const { return header_bytes() + payload_length.host(); }
  [[nodiscard]] constexpr std::uint8_t traffic_class() const {
    return static_cast<std::uint8_t>(version_class_flow.host() >> 20);
  }
};
static_assert(sizeof(Ipv6Header) == Ipv6Header::header_bytes() && WireLayout<Ipv6Header>);

/// The only way in. Null unless `packet`, which begins with the header, holds the `total_bytes()` it claims.
/// A jumbogram (RFC 2675) claims no payload, and is seen as having none.
[[nodiscard]] inline const Ipv6Header* parse_ipv6(std::span<const std::byte> packet) {
  const auto* ip = view_as<Ipv6Header>(packet);
  if (ip == nullptr || ip->version_class_flow.host() >> 28 != 6) return nullptr;
  return ip->total_bytes() <= packet.size() ? ip : nullptr;
}

[[nodiscard]] constexpr bool is_multicast(const Ipv6Address& a) {
  return a.bytes[0] == 0xff;
}  // RFC 4291 2.7
/// IPv6 has none. Here so that code that is written once for both families may ask.
[[nodiscard]] constexpr bool is_broadcast(const Ipv6Address&) { return false; }
[[nodiscard]] constexpr bool is_loopback(const Ipv6Address& a) {
  return a == Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};  // RFC 4291 2.5.3
}
[[nodiscard]] constexpr bool is_unspecified(const Ipv6Address& a) { return a == Ipv6Address{}; }

/// Where the chain of extension headers ends.
struct Ipv6Payload {
  std::uint8_t next_header;  // what lies at `offset`; in a later fragment, what the first one begins with
  std::uint16_t offset;      // from the first byte of the IPv6 header, never behind the packet's end
  bool fragment;             // part of a larger packet; an atomic fragment is not (RFC 6946: it is whole)
  bool first_fragment;       // the part that begins with the upper layer's header
  bool understood;           // when false, the rest is only as far as the walk came: drop, count, or let pass
};

inline constexpr int kMaxExtensionHeaders = 8;

namespace detail {

/// What all extension headers begin with (RFC 8200 4.3 to 4.6, RFC 4302 2); none is shorter.
struct ExtensionHeader {
  std::uint8_t next_header, length;
  BigEndian16 specific;  // routing: type, segments left. fragment: offset in bytes, with M in the lowest bit
  BigEndian32 rest;
};
static_assert(sizeof(ExtensionHeader) == 8 && WireLayout<ExtensionHeader>);

[[nodiscard]] constexpr bool is_extension_header(std::uint8_t kind) {
  return kind == IpProtocol::kHopByHopOptions || kind == IpProtocol::kDestinationOptions ||
         kind == IpProtocol::kIpv6Routing || kind == IpProtocol::kIpv6Fragment ||
         kind == IpProtocol::kAuthentication;
}

/// What `header`, the `walked`-th of the chain, occupies; 0 when it must not be there.
[[nodiscard]] constexpr std::size_t extension_bytes(std::uint8_t kind, const ExtensionHeader& header,
                                                    int walked) {
  const std::size_t in_eights = 8u * (header.length + 1u);
  switch (kind) {
    case IpProtocol::kHopByHopOptions:
      return walked == 0 ? in_eights : 0;
    case IpProtocol::kIpv6Routing:
      return (header.specific.host() & 0xff) == 0 ? in_eights : 0;
    case IpProtocol::kIpv6Fragment:
      return sizeof(ExtensionHeader);
    case IpProtocol::kAuthentication:
      return header.length == 0 ? 0 : 4u * (header.length + 2u);
    default:
      return in_eights;
  }
}

/// walk_extension_headers() of a packet that may be cut, behind its IPv6 header `ip`.
[[nodiscard]] inline Ipv6Payload walk_chain(const Ipv6Header& ip, std::span<const std::byte> packet) {
  Ipv6Payload payload{IpProtocol::kNoNextHeader, 0, false, false, false};
  payload.next_header = ip.next_header;
  payload.offset = Ipv6Header::header_bytes();
  for (int walked = 0; is_extension_header(payload.next_header); ++walked) {
    const auto* header = view_as<ExtensionHeader>(packet.subspan(payload.offset));
    if (header == nullptr || walked == kMaxExtensionHeaders) return payload;
    const std::size_t bytes = extension_bytes(payload.next_header, *header, walked);
    if (bytes == 0 || payload.offset + bytes > packet.size()) return payload;
    if (payload.next_header == IpProtocol::kIpv6Fragment) {
      const std::uint16_t offset_and_more = header->specific.host();
      payload.fragment |= (offset_and_more & 0xfff9) != 0;
      payload.first_fragment = payload.fragment && (offset_and_more & 0xfff8) == 0;
    }
    payload.next_header = header->next_header;
    payload.offset = static_cast<std::uint16_t>(payload.offset + bytes);
    if (payload.fragment && !payload.first_fragment) break;  // what follows is the middle of something
  }
  payload.understood = true;
  return payload;
}

}  // namespace detail

/// Walks hop-by-hop and destination options, routing, fragment and authentication headers (RFC 4302).
/// `packet` begins with the IPv6 header; what lies behind its total length is ignored.
///
/// Not understood: a packet that parse_ipv6() refuses; a header that runs past the end, which in a first
/// fragment means that the chain goes on in the next one (RFC 7112 forbids it); a ninth header; hop-by-hop
/// options that do not come first (RFC 8200 4.1); a routing header with segments left, because then the upper
/// layer is meant for, and its checksum made with, another address than the header's (RFC 8200 8.1).
/// Anything else ends the walk as an upper layer: ESP too, and whatever IANA adds to the list.
[[nodiscard]] inline Ipv6Payload walk_extension_headers(std::span<const std::byte> packet) {
  const Ipv6Header* ip = parse_ipv6(packet);
  if (ip == nullptr) return {IpProtocol::kNoNextHeader, 0, false, false, false};
  return detail::walk_chain(*ip, packet.first(ip->total_bytes()));
}

}  // namespace synward::wire
