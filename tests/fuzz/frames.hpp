// Frames as a target looks at them, and those of strangers.
#pragma once

#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/icmp_quote.hpp"
#include "tests/fuzz/reference_splice.hpp"
#include "tests/support/lab_router.hpp"

namespace synward::fuzz {

template <Family kFamily>
[[nodiscard]] bool is_intact_segment(const Bytes& frame) {
  return handshake::parse_frame<kFamily>(frame).has_value();
}
[[nodiscard]] inline bool is_intact_segment(const Bytes& frame) {
  return is_intact_segment<Family::kIpv4>(frame) || is_intact_segment<Family::kIpv6>(frame);
}

/// Of one that is intact.
[[nodiscard]] inline handshake::Segment segment_of(const Bytes& frame) {
  const auto six = handshake::parse_frame<Family::kIpv6>(frame);
  return six ? six->segment : handshake::parse_frame<Family::kIpv4>(frame)->segment;
}
/// Whether this is an ICMP message over bare IP whose checksum is right.
[[nodiscard]] inline bool icmp_is_intact(const Bytes& frame) {
  const auto link = wire::parse_ethernet(frame);
  if (!link) return false;
  const auto packet = std::span{frame}.subspan(link->network_offset);
  if (const auto* ip = wire::parse_ipv4(packet); ip != nullptr && ip->protocol == wire::IpProtocol::kIcmp) {
    const auto message = packet.subspan(ip->header_bytes(), ip->total_bytes() - ip->header_bytes());
    return wire::verifies(wire::add_bytes(0, message));
  }
  const auto* ip = wire::parse_ipv6(packet);
  if (ip == nullptr || ip->next_header != wire::IpProtocol::kIcmpv6) return false;
  const auto message = packet.subspan(sizeof *ip, ip->total_bytes() - sizeof *ip);
  const auto bytes = static_cast<std::uint16_t>(message.size());
  return wire::verifies(wire::add_bytes(
      wire::pseudo_header_sum(ip->source, ip->destination, wire::IpProtocol::kIcmpv6, bytes), message));
}

/// Where in a router's error, of error_about(), the quoted packet lies.
template <Family kFamily>
inline constexpr std::size_t kQuoteAt = sizeof(wire::EthernetHeader) +
                                        (kFamily == Family::kIpv4 ? 20 : 40) + wire::kIcmpErrorBytes;
/// An error that a router has about the packet of which it quotes this, to who sent that. `type`: 0 to 2.
template <Family kFamily>
[[nodiscard]] Bytes error_about(bool to_service, std::uint8_t type, const Bytes& quoted) {
  FrameBuilder built;
  if constexpr (kFamily == Family::kIpv4) {
    constexpr std::array<std::uint8_t, 3> kTypes{3, 11, 12};
    built.ipv4(test::kRouter4, to_service ? test::kClient4 : test::kService4);
    built.icmp_error(kTypes[type], 4, 1300);
  } else {
    built.ipv6(test::kRouter6, to_service ? test::kClient6 : test::kService6);
    built.icmp_error(type + 1, 0, 1300);
  }
  return built.payload(quoted).build();
}
/// What such an error must quote: the segment as it was sent.
struct Quote {
  std::uint32_t client;
  std::size_t at, bytes;  ///< of the segment in the error's frame
  wire::TcpHeader sent;

  [[nodiscard]] bool is_in(const Bytes& error) const {
    wire::TcpHeader quoted = sent;  // what was cut off is right
    std::memcpy(&quoted, &error[at], std::min(bytes, sizeof quoted));
    return bytes < 8 || (quoted.seq == sent.seq && (bytes < sizeof quoted || quoted.ack == sent.ack));
  }
};

/// A segment of a tuple that is none of the clients'.
template <Family kFamily>
[[nodiscard]] FrameBuilder stranger(std::uint16_t port, bool to_service, std::uint8_t flags) {
  const auto flow = flow_of<kFamily>(port);
  FrameBuilder built;
  if constexpr (kFamily == Family::kIpv4) {
    to_service ? built.ipv4(flow.client, flow.service) : built.ipv4(flow.service, flow.client);
  } else {
    to_service ? built.ipv6(flow.client, flow.service) : built.ipv6(flow.service, flow.client);
  }
  return to_service ? built.tcp(port, test::kServicePort, flags) : built.tcp(test::kServicePort, port, flags);
}

}  // namespace synward::fuzz
