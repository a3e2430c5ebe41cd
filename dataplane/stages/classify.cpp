// Parses every frame once. What the later stages read through views is in bounds because of this file, and of
// classify_inline.cpp for a bump in the wire.
#include "dataplane/stages/classify_segment.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ndp.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward {
namespace {

using wire::Family;

template <Family kFamily>
void classify_tcp(Burst& burst, LaneIndex i, CoreState& core, const IpHeader<kFamily>& ip) {
  const wire::TcpHeader* tcp = wire::parse_tcp(transport_bytes(burst, i));
  if (tcp == nullptr) return void(drop_lane(burst, i, Drop::kBadTcpHeader));
  const auto service = core.services->find<kFamily>(ip.destination, tcp->dst_port);
  if (service == service::kNoService) return void(drop_lane(burst, i, Drop::kNoService));
  burst.view[i].service = service;
  classify_segment<kFamily>(burst, i, core);
}

void classify_icmp(Burst& burst, LaneIndex i, CoreState& core, const wire::Ipv4Header& ip) {
  const auto* echo = wire::parse_echo_request<Family::kIpv4>(transport_bytes(burst, i));
  const bool ours = echo != nullptr && !is_bad_source<Family::kIpv4>(ip.source, *core.services);
  if (!ours) return void(drop_lane(burst, i, Drop::kIcmpIgnored));
  burst.on(Route::kEcho4).push(i);
}

/// `owned`: the packet is addressed to one of our addresses, not to a group that one of them listens to.
void classify_icmpv6(Burst& burst, LaneIndex i, CoreState& core, const wire::Ipv6Header& ip, bool owned) {
  const auto message = transport_bytes(burst, i);
  if (const auto solicitation = wire::parse_neighbor_solicitation(ip, message); solicitation) {
    if (core.services->owns<Family::kIpv6>(solicitation->target)) return burst.on(Route::kNdp).push(i);
    return void(drop_lane(burst, i, Drop::kIcmpIgnored));
  }
  const auto* echo = wire::parse_echo_request<Family::kIpv6>(message);
  const bool ours = owned && echo != nullptr && !is_bad_source<Family::kIpv6>(ip.source, *core.services);
  if (!ours) return void(drop_lane(burst, i, Drop::kIcmpIgnored));
  burst.on(Route::kEcho6).push(i);
}

/// Why a packet to `destination`, which none of our services owns, ends here.
template <Family kFamily>
Drop not_ours(const wire::Address<kFamily>& destination, std::uint8_t protocol) {
  const bool group = is_multicast(destination) || is_broadcast(destination);
  return group && protocol == wire::IpProtocol::kTcp ? Drop::kGroupDestination : Drop::kNoService;
}

void classify_ipv4(Burst& burst, LaneIndex i, CoreState& core, std::span<const std::byte> packet,
                   bool to_group) {
  const wire::Ipv4Header* ip = wire::parse_ipv4(packet);
  if (ip == nullptr) return void(drop_lane(burst, i, Drop::kBadIpv4Header));
  PacketView& view = burst.view[i];
  view.transport = static_cast<std::uint16_t>(view.network + ip->header_bytes());
  view.transport_bytes = static_cast<std::uint16_t>(ip->total_bytes() - ip->header_bytes());
  if (to_group || !core.services->owns<Family::kIpv4>(ip->destination)) {
    return void(drop_lane(
        burst, i,
        to_group ? Drop::kGroupDestination : not_ours<Family::kIpv4>(ip->destination, ip->protocol)));
  }
  if (ip->is_fragment()) return void(drop_lane(burst, i, Drop::kFragment));
  switch (ip->protocol) {
    case wire::IpProtocol::kTcp:
      return classify_tcp<Family::kIpv4>(burst, i, core, *ip);
    case wire::IpProtocol::kIcmp:
      return classify_icmp(burst, i, core, *ip);
    default:
      return void(drop_lane(burst, i, Drop::kOtherProtocol));
  }
}

void classify_ipv6(Burst& burst, LaneIndex i, CoreState& core, std::span<const std::byte> packet,
                   bool to_group) {
  const wire::Ipv6Header* ip = wire::parse_ipv6(packet);
  if (ip == nullptr) return void(drop_lane(burst, i, Drop::kBadIpv6Header));
  const bool owned = core.services->owns<Family::kIpv6>(ip->destination);
  if (!owned && !is_multicast(ip->destination)) return void(drop_lane(burst, i, Drop::kNoService));
  const wire::Ipv6Payload payload = wire::walk_extension_headers(packet);
  if (payload.fragment) return void(drop_lane(burst, i, Drop::kFragment));
  if (!payload.understood) return void(drop_lane(burst, i, Drop::kBadIpv6Header));
  PacketView& view = burst.view[i];
  view.transport = static_cast<std::uint16_t>(view.network + payload.offset);
  view.transport_bytes = static_cast<std::uint16_t>(ip->total_bytes() - payload.offset);
  switch (payload.next_header) {
    case wire::IpProtocol::kTcp:
      if (to_group || !owned) return void(drop_lane(burst, i, Drop::kGroupDestination));
      return classify_tcp<Family::kIpv6>(burst, i, core, *ip);
    case wire::IpProtocol::kIcmpv6:
      return classify_icmpv6(burst, i, core, *ip, owned);
    default:
      return void(drop_lane(burst, i, Drop::kOtherProtocol));
  }
}

void classify_frame(Burst& burst, LaneIndex i, CoreState& core) {
  const std::span<const std::byte> frame{burst.frame[i], burst.frame_bytes[i]};
  const auto link = wire::parse_ethernet(frame);
  if (!link) return void(drop_lane(burst, i, Drop::kTruncatedFrame));
  const auto& destination = ethernet_header(burst, i).destination;
  if (!destination.is_group() && destination != core.ports[burst.port].mac) {
    return void(drop_lane(burst, i, Drop::kOtherMac));
  }
  burst.view[i].network = link->network_offset;
  const auto packet = frame.subspan(link->network_offset);
  switch (wire::EtherType{link->ether_type}) {
    case wire::EtherType::kIpv4:
      return classify_ipv4(burst, i, core, packet, destination.is_group());
    case wire::EtherType::kIpv6:
      return classify_ipv6(burst, i, core, packet, destination.is_group());
    case wire::EtherType::kArp: {
      const auto* arp = wire::parse_arp(packet);
      const bool ours =
          arp != nullptr && arp->operation == wire::kArpRequest && !arp->sender_mac.is_group() &&
          core.services->owns<Family::kIpv4>(arp->target_address) &&
          arp->sender_address != arp->target_address;  // an announcement, not a question (RFC 5227 3)
      if (!ours) return void(drop_lane(burst, i, Drop::kArpIgnored));
      return burst.on(Route::kArp).push(i);
    }
    default:
      return void(drop_lane(burst, i, Drop::kOtherEtherType));
  }
}

/// In the order of arrival, also of what match_common() has read: a flow's segments must keep theirs.
template <Side kSide, typename ClassifyOne>
void classify_each(Burst& burst, CoreState& core, const ClassifyOne& classify_one) {
  constexpr bool kIsInside = kSide == Side::kInside;
  const simd::LaneBits segments4 = burst.common_segments.all<Family::kIpv4>(),
                       segments6 = burst.common_segments.all<Family::kIpv6>();
  for (const LaneIndex i : burst.on(Route::kReceived).take()) {
    if (has_lane(segments4, i)) {
      steer<Family::kIpv4, kSide>(burst, i, core, kIsInside ? Route::kBackend4 : Route::kSegment4);
    } else if (has_lane(segments6, i)) {
      steer<Family::kIpv6, kSide>(burst, i, core, kIsInside ? Route::kBackend6 : Route::kSegment6);
    } else {
      classify_one(burst, i, core);
    }
  }
}

}  // namespace

void classify(Burst& burst, CoreState& core) {
  if (burst.on(Route::kReceived).empty()) return;
  switch (core.ports[burst.port].side) {
    case Side::kEndpoint:
      return classify_each<Side::kEndpoint>(burst, core, classify_frame);
    case Side::kOutside:
      return classify_each<Side::kOutside>(burst, core, classify_outside);
    case Side::kInside:
      return classify_each<Side::kInside>(burst, core, classify_inside);
  }
}

}  // namespace synward
