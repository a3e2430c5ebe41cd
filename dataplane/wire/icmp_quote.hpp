// The packet that an ICMP error quotes (RFC 792; RFC 4443 2.4). It is cut nearly always: of a TCP segment no
// more than the ports and the sequence number are certain. A leaf: bytes only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::wire {

/// What stands before the quote, in every error of both families: type, code, checksum, and four bytes more.
inline constexpr std::size_t kIcmpErrorBytes = 8;
/// No more of a quote is looked at: where extensions follow it (RFC 4884 3), they begin no earlier.
inline constexpr std::size_t kQuoteMostBytes = 128;
/// Of a TCP header: what every quote must have.
inline constexpr std::size_t kQuoteLeastTcpBytes = 8;

/// Errors about one packet of the receiver's own. A source quench is none: RFC 6633 has receivers ignore it.
template <Family kFamily>
[[nodiscard]] constexpr bool is_icmp_error(std::uint8_t type) {
  if constexpr (kFamily == Family::kIpv4) {
    return type == IcmpType::kDestinationUnreachable || type == IcmpType::kTimeExceeded ||
           type == IcmpType::kParameterProblem;
  } else {
    return type >= Icmpv6Type::kDestinationUnreachable && type <= Icmpv6Type::kParameterProblem;
  }
}

/// Where an ICMP error quotes a TCP segment.
struct QuotedSegment {
  std::uint16_t offset;  ///< of the TCP header, from the first byte of the ICMP message; even
  std::uint16_t bytes;   ///< kQuoteLeastTcpBytes or more, and not always the whole header
};

namespace detail {

/// Where the TCP header begins in a quoted packet, if it is a whole one or the first fragment of one. Lengths
/// and checksums of the IP header are not looked at: stacks quote them as they were, or as they left them.
template <Family kFamily>
[[nodiscard]] inline std::optional<std::size_t> tcp_offset_in_quote(std::span<const std::byte> packet) {
  if constexpr (kFamily == Family::kIpv4) {
    const auto* ip = view_as<Ipv4Header>(packet);
    if (ip == nullptr || ip->version_and_ihl >> 4 != 4 || ip->header_bytes() < sizeof *ip)
      return std::nullopt;
    const bool tcp = ip->protocol == IpProtocol::kTcp && ip->fragment_offset_bytes() == 0;
    return tcp ? std::optional{ip->header_bytes()} : std::nullopt;
  } else {
    const auto* ip = view_as<Ipv6Header>(packet);
    if (ip == nullptr || ip->version_class_flow.host() >> 28 != 6) return std::nullopt;
    const Ipv6Payload payload = walk_chain(*ip, packet);
    const bool tcp = payload.understood && payload.next_header == IpProtocol::kTcp &&
                     payload.fragment == payload.first_fragment;
    return tcp ? std::optional<std::size_t>{payload.offset} : std::nullopt;
  }
}

}  // namespace detail

/// Nothing unless `message`, the payload of an IP packet, is an error of this family that quotes a TCP
/// segment.
template <Family kFamily>
[[nodiscard]] inline std::optional<QuotedSegment> parse_quoted_segment(std::span<const std::byte> message) {
  const auto* icmp = parse_icmp(message);
  if (icmp == nullptr || !is_icmp_error<kFamily>(icmp->type) || message.size() < kIcmpErrorBytes)
    return std::nullopt;
  const auto behind = message.subspan(kIcmpErrorBytes);
  const auto quote = behind.first(std::min(behind.size(), kQuoteMostBytes));
  const auto at = detail::tcp_offset_in_quote<kFamily>(quote);
  if (!at || *at + kQuoteLeastTcpBytes > quote.size()) return std::nullopt;
  const auto segment = quote.subspan(*at);
  const auto* tcp = view_as<TcpHeader>(segment);
  if (tcp != nullptr && tcp->header_bytes() < sizeof *tcp) return std::nullopt;  // nobody's segment
  return QuotedSegment{static_cast<std::uint16_t>(kIcmpErrorBytes + *at),
                       static_cast<std::uint16_t>(segment.size())};
}

}  // namespace synward::wire
