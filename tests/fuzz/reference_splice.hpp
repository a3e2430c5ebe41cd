// What a splice must make of a segment, written out anew over whole frames; and where in a frame the segment
// of one of the program's clients lies.
#pragma once

#include <algorithm>
#include <optional>

#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "tests/fuzz/clients.hpp"

namespace synward::fuzz {

using wire::Family;

template <Family kFamily>
[[nodiscard]] inline table::FlowKey<kFamily> flow_of(std::uint16_t client_port) {
  if constexpr (kFamily == Family::kIpv4) {
    return {test::kClient4, test::kService4, wire::Port{client_port}, wire::Port{test::kServicePort}};
  } else {
    return {test::kClient6, test::kService6, wire::Port{client_port}, wire::Port{test::kServicePort}};
  }
}

/// A segment between one of the program's clients and its service, whether intact or not.
struct Located {
  std::uint32_t client;
  std::size_t at;  ///< of the TCP header in the frame
  bool to_service;
};

namespace detail {

/// Offset of the TCP header from the packet's, and how many bytes of segment follow.
template <Family kFamily>
[[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> transport_in(
    std::span<const std::byte> packet) {
  if constexpr (kFamily == Family::kIpv4) {
    const auto* ip = wire::parse_ipv4(packet);
    if (ip == nullptr || ip->protocol != wire::IpProtocol::kTcp || ip->is_fragment()) return std::nullopt;
    return std::pair{ip->header_bytes(), ip->total_bytes() - ip->header_bytes()};
  } else {
    const auto* ip = wire::parse_ipv6(packet);
    if (ip == nullptr) return std::nullopt;
    const auto payload = wire::walk_extension_headers(packet);
    if (!payload.understood || payload.fragment || payload.next_header != wire::IpProtocol::kTcp)
      return std::nullopt;
    return std::pair{std::size_t{payload.offset}, ip->total_bytes() - payload.offset};
  }
}

template <Family kFamily>
[[nodiscard]] std::optional<Located> locate(std::span<const std::byte> packet, std::size_t network) {
  const auto transport = transport_in<kFamily>(packet);
  if (!transport) return std::nullopt;
  const auto* tcp = wire::parse_tcp(packet.subspan(transport->first, transport->second));
  if (tcp == nullptr) return std::nullopt;
  using Header = std::conditional_t<kFamily == Family::kIpv4, wire::Ipv4Header, wire::Ipv6Header>;
  const auto& ip = wire::overlay<Header>(packet.data());
  for (std::uint32_t c = kFamily == Family::kIpv4 ? 0 : 1; c < kClients; c += 2) {
    const auto flow = flow_of<kFamily>(port_of(c));
    const table::FlowKey<kFamily> there{ip.source, ip.destination, tcp->src_port, tcp->dst_port};
    const table::FlowKey<kFamily> back{ip.destination, ip.source, tcp->dst_port, tcp->src_port};
    if (there == flow || back == flow) return Located{c, network + transport->first, there == flow};
  }
  return std::nullopt;
}

}  // namespace detail

[[nodiscard]] inline std::optional<Located> locate(const Bytes& frame) {
  const auto link = wire::parse_ethernet(frame);
  if (!link) return std::nullopt;
  const auto packet = std::span{frame}.subspan(link->network_offset);
  if (link->ether_type == static_cast<std::uint16_t>(wire::EtherType::kIpv4))
    return detail::locate<Family::kIpv4>(packet, link->network_offset);
  if (link->ether_type == static_cast<std::uint16_t>(wire::EtherType::kIpv6))
    return detail::locate<Family::kIpv6>(packet, link->network_offset);
  return std::nullopt;
}
[[nodiscard]] inline const wire::TcpHeader& tcp_at(const Bytes& frame, std::size_t at) {
  return wire::overlay<wire::TcpHeader>(&frame[at]);
}

/// What the two halves of a connection differ in.
struct Halves {
  std::uint32_t seq = 0, ts = 0;  ///< the client's numbers less the backend's
  bool hides_sack = false;        ///< the client was promised it, and the backend declined
  unsigned promised_scale = 0;    ///< of the windows that the client is told, for the backend
  unsigned backend_scale = 0;     ///< of those that the backend tells
  unsigned unscales = 0;          ///< the client's own, where the backend declined to scale
};

/// A window is never closed by rounding, and never larger than its field.
[[nodiscard]] inline wire::BigEndian16 rescaled(wire::BigEndian16 window, unsigned from, unsigned to) {
  const std::uint32_t bytes = std::uint32_t{window.host()} << from;
  const std::uint32_t field = std::min(bytes >> to, 0xffffu);
  return wire::BigEndian16{static_cast<std::uint16_t>(bytes != 0 && field == 0 ? 1 : field)};
}

/// `frame` as its receiver must see it, but for the TCP checksum, and the window where nobody knows what it
/// means: zeros.
[[nodiscard]] inline Bytes translated(Bytes frame, const Located& segment, const Halves& halves) {
  using Kind = wire::TcpOptionKind;
  const auto add = [&frame](std::size_t at, std::uint32_t difference) {
    auto& field = wire::overlay<wire::BigEndian32>(&frame[at]);
    field = wire::BigEndian32{field.host() + difference};
  };
  auto& tcp = wire::overlay<wire::TcpHeader>(&frame[segment.at]);
  const bool up = segment.to_service, acknowledges = up && (tcp.flags & Flags::kAck) != 0;
  if (!up) add(segment.at + offsetof(wire::TcpHeader, seq), halves.seq);
  if (acknowledges) add(segment.at + offsetof(wire::TcpHeader, ack), 0 - halves.seq);
  const std::size_t end = segment.at + tcp.header_bytes();
  for (std::size_t at = segment.at + sizeof tcp; at < end && frame[at] != std::byte{Kind::kEnd};) {
    const auto kind = std::to_integer<std::uint8_t>(frame[at]);
    const auto bytes = kind == Kind::kNop ? 1
                       : at + 1 < end     ? std::to_integer<std::size_t>(frame[at + 1])
                                          : 0;
    if (bytes < (kind == Kind::kNop ? 1 : 2) || at + bytes > end) break;
    if (kind == Kind::kTimestamps && bytes == 10) {
      if (!up) add(at + 2, halves.ts);
      if (acknowledges) add(at + 6, 0 - halves.ts);
    }
    if (kind == Kind::kSack && up && bytes % 8 == 2 && bytes > 2) {
      if (halves.hides_sack) {
        std::fill_n(frame.begin() + std::ptrdiff_t(at), bytes, std::byte{Kind::kNop});
      } else if (acknowledges) {
        for (std::size_t edge = 2; edge < bytes; edge += 4) add(at + edge, 0 - halves.seq);
      }
    }
    at += bytes;
  }
  tcp.checksum = {};
  tcp.window = up ? rescaled(tcp.window, halves.unscales, 0)
                  : rescaled(tcp.window, halves.backend_scale, halves.promised_scale);
  return frame;
}

}  // namespace synward::fuzz
