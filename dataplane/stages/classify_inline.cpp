// A bump in the wire: what is not TCP between a client and a service, nor an ICMP error about such, passes as
// it is, whatever it is. Only what may be such TCP, and cannot be read, ends here, or it would reach the
// backend unseen.
#include "dataplane/stages/classify_segment.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp_quote.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward {
namespace {

using wire::Family;

void pass(Burst& burst, LaneIndex i, CoreState& core) {
  core.tally.add(Event::kPassed);
  burst.on(Route::kForward).push(i);
}

template <Family kFamily, Side kSide>
void classify_tcp(Burst& burst, LaneIndex i, CoreState& core) {
  const wire::TcpHeader* tcp = wire::parse_tcp(transport_bytes(burst, i));
  if (tcp == nullptr) return void(drop_lane(burst, i, Drop::kBadTcpHeader));
  const auto& address = service_address<kFamily, kSide>(ip_header<kFamily>(burst, i));
  const auto service = core.services->find<kFamily>(address, service_port<kSide>(*tcp));
  if (service == service::kNoService) return pass(burst, i, core);
  burst.view[i].service = service;
  if constexpr (kSide == Side::kInside)
    return steer<kFamily, kSide>(burst, i, core, Routes<kFamily>::kBackend);
  if (ethernet_header(burst, i).destination.is_group())
    return void(drop_lane(burst, i, Drop::kGroupDestination));
  classify_segment<kFamily>(burst, i, core);
}

/// An error about a segment that went the other way, from or to a service, is of that segment's connection.
/// All other ICMP passes. `message` is where it begins in the frame.
template <Family kFamily, Side kSide>
void classify_icmp(Burst& burst, LaneIndex i, CoreState& core, std::size_t message, std::size_t bytes) {
  const auto quoted = wire::parse_quoted_segment<kFamily>({burst.frame[i] + message, bytes});
  if (!quoted) return pass(burst, i, core);
  PacketView& view = burst.view[i];
  view.network = static_cast<std::uint16_t>(message + wire::kIcmpErrorBytes);
  view.transport = static_cast<std::uint16_t>(message + quoted->offset);
  view.transport_bytes = quoted->bytes;
  constexpr Side kSegmentsSide = kSide == Side::kOutside ? Side::kInside : Side::kOutside;
  const auto& address = service_address<kFamily, kSegmentsSide>(ip_header<kFamily>(burst, i));
  view.service = core.services->find<kFamily>(address, service_port<kSegmentsSide>(tcp_header(burst, i)));
  if (view.service == service::kNoService) return pass(burst, i, core);
  steer<kFamily, kSegmentsSide>(burst, i, core, Routes<kFamily>::kIcmpError);
}

/// What a packet that cannot be read comes to: the end of it when it is to or from a service.
template <Family kFamily, Side kSide>
void end_unreadable(Burst& burst, LaneIndex i, CoreState& core, std::span<const std::byte> packet,
                    Drop reason) {
  const auto* ip = wire::view_as<IpHeader<kFamily>>(packet);
  const bool ours = ip != nullptr && core.services->owns<kFamily>(service_address<kFamily, kSide>(*ip));
  if (!ours) return pass(burst, i, core);
  drop_lane(burst, i, reason);
}

template <Side kSide>
void classify_ipv4(Burst& burst, LaneIndex i, CoreState& core, std::span<const std::byte> packet) {
  const wire::Ipv4Header* ip = wire::parse_ipv4(packet);
  if (ip == nullptr)
    return end_unreadable<Family::kIpv4, kSide>(burst, i, core, packet, Drop::kBadIpv4Header);
  if (ip->protocol == wire::IpProtocol::kIcmp && !ip->is_fragment())
    return classify_icmp<Family::kIpv4, kSide>(burst, i, core, burst.view[i].network + ip->header_bytes(),
                                               ip->total_bytes() - ip->header_bytes());
  if (ip->protocol != wire::IpProtocol::kTcp ||
      !core.services->owns<Family::kIpv4>(service_address<Family::kIpv4, kSide>(*ip)))
    return pass(burst, i, core);
  if (ip->is_fragment()) return void(drop_lane(burst, i, Drop::kFragment));
  PacketView& view = burst.view[i];
  view.transport = static_cast<std::uint16_t>(view.network + ip->header_bytes());
  view.transport_bytes = static_cast<std::uint16_t>(ip->total_bytes() - ip->header_bytes());
  classify_tcp<Family::kIpv4, kSide>(burst, i, core);
}

template <Side kSide>
void classify_ipv6(Burst& burst, LaneIndex i, CoreState& core, std::span<const std::byte> packet) {
  const wire::Ipv6Header* ip = wire::parse_ipv6(packet);
  if (ip == nullptr)
    return end_unreadable<Family::kIpv6, kSide>(burst, i, core, packet, Drop::kBadIpv6Header);
  if (ip->next_header == wire::IpProtocol::kIcmpv6)
    return classify_icmp<Family::kIpv6, kSide>(burst, i, core, burst.view[i].network + sizeof *ip,
                                               ip->total_bytes() - sizeof *ip);
  if (!core.services->owns<Family::kIpv6>(service_address<Family::kIpv6, kSide>(*ip)))
    return pass(burst, i, core);
  const wire::Ipv6Payload payload = wire::walk_extension_headers(packet);
  const bool may_be_tcp = !payload.understood || payload.next_header == wire::IpProtocol::kTcp ||
                          wire::detail::is_extension_header(payload.next_header);
  if (!may_be_tcp) return pass(burst, i, core);
  if (payload.fragment) return void(drop_lane(burst, i, Drop::kFragment));
  if (!payload.understood) return void(drop_lane(burst, i, Drop::kBadIpv6Header));
  PacketView& view = burst.view[i];
  view.transport = static_cast<std::uint16_t>(view.network + payload.offset);
  view.transport_bytes = static_cast<std::uint16_t>(ip->total_bytes() - payload.offset);
  classify_tcp<Family::kIpv6, kSide>(burst, i, core);
}

template <Side kSide>
void classify_frame(Burst& burst, LaneIndex i, CoreState& core) {
  const std::span<const std::byte> frame{burst.frame[i], burst.frame_bytes[i]};
  const auto link = wire::parse_ethernet(frame);
  if (!link) return pass(burst, i, core);
  burst.view[i].network = link->network_offset;
  const auto packet = frame.subspan(link->network_offset);
  switch (wire::EtherType{link->ether_type}) {
    case wire::EtherType::kIpv4:
      return classify_ipv4<kSide>(burst, i, core, packet);
    case wire::EtherType::kIpv6:
      return classify_ipv6<kSide>(burst, i, core, packet);
    default:
      return pass(burst, i, core);
  }
}

}  // namespace

void classify_outside(Burst& burst, LaneIndex i, CoreState& core) {
  classify_frame<Side::kOutside>(burst, i, core);
}
void classify_inside(Burst& burst, LaneIndex i, CoreState& core) {
  classify_frame<Side::kInside>(burst, i, core);
}

}  // namespace synward
