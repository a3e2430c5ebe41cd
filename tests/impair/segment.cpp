#include "tests/impair/segment.hpp"

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::impair {
namespace {

using wire::IpProtocol;
using wire::TcpFlags;
using Span = std::span<const std::byte>;

/// The TCP segment in a packet that ip_packet() found; empty when there is none.
Span tcp_segment(Span packet) {
  if (const auto* ip = wire::parse_ipv4(packet); ip != nullptr) {
    const bool whole = ip->protocol == IpProtocol::kTcp && !ip->is_fragment();
    return whole ? packet.subspan(ip->header_bytes()) : Span{};
  }
  const auto payload = wire::walk_extension_headers(packet);
  const bool whole = payload.understood && payload.next_header == IpProtocol::kTcp && !payload.fragment;
  return whole ? packet.subspan(payload.offset) : Span{};
}

}  // namespace

Span ip_packet(Span frame) {
  const auto link = wire::parse_ethernet(frame);
  if (!link) return {};
  const auto behind = frame.subspan(link->network_offset);
  if (link->ether_type == std::uint16_t(wire::EtherType::kIpv4)) {
    const auto* ip = wire::parse_ipv4(behind);
    return ip == nullptr ? Span{} : behind.first(ip->total_bytes());
  }
  if (link->ether_type == std::uint16_t(wire::EtherType::kIpv6)) {
    const auto* ip = wire::parse_ipv6(behind);
    return ip == nullptr ? Span{} : behind.first(ip->total_bytes());
  }
  return {};
}

std::optional<Kind> kind_of(Span frame) {
  const Span segment = tcp_segment(ip_packet(frame));
  const auto* tcp = wire::parse_tcp(segment);
  if (tcp == nullptr) return std::nullopt;
  const auto has = [tcp](std::uint8_t flag) { return (tcp->flags & flag) != 0; };
  if (has(TcpFlags::kRst)) return Kind::kRst;
  if (has(TcpFlags::kSyn)) return has(TcpFlags::kAck) ? Kind::kSynAck : Kind::kSyn;
  if (has(TcpFlags::kFin)) return Kind::kFin;
  if (!wire::payload(*tcp, segment).empty()) return Kind::kData;
  return has(TcpFlags::kAck) ? std::optional{Kind::kAck} : std::nullopt;
}

}  // namespace synward::impair
