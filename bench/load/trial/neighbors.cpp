#include "bench/load/trial/neighbors.hpp"

#include <algorithm>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ndp.hpp"

namespace synward::load {
namespace {

using namespace wire;

constexpr MacAddress kEverybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/// A neighbour discovery message with its one option, and the headers above it.
template <typename Message>
struct NdpFrame {
  EthernetHeader ethernet;
  Ipv6Header ip;
  Message message;
  LinkLayerOption option;
};
struct ArpFrame {
  EthernetHeader ethernet;
  ArpPacket arp;
};

template <typename Frame>
std::span<const std::byte> write(const Frame& frame, std::span<std::byte, kMaxNeighborBytes> out) {
  static_assert(sizeof(Frame) <= kMaxNeighborBytes && WireLayout<Frame>);
  std::ranges::copy(std::as_bytes(std::span{&frame, 1}), out.begin());
  return out.first(sizeof frame);
}

template <typename Message>
std::span<const std::byte> write_ndp(NdpFrame<Message> frame, std::span<std::byte, kMaxNeighborBytes> out) {
  constexpr std::uint16_t kBytes = sizeof(Message) + sizeof(LinkLayerOption);
  frame.ethernet.ether_type = BigEndian16{std::uint16_t(EtherType::kIpv6)};
  frame.ip.version_class_flow = BigEndian32{6u << 28};
  frame.ip.payload_length = BigEndian16{kBytes};
  frame.ip.next_header = IpProtocol::kIcmpv6;
  frame.ip.hop_limit = kNdpHopLimit;
  const std::span message{reinterpret_cast<const std::byte*>(&frame.message), kBytes};
  frame.message.checksum = finish(add_bytes(
      pseudo_header_sum(frame.ip.source, frame.ip.destination, IpProtocol::kIcmpv6, kBytes), message));
  return write(frame, out);
}

const ArpFrame* arp_in(std::span<const std::byte> frame) {
  const auto* arp = view_as<ArpFrame>(frame);
  if (arp == nullptr || arp->ethernet.ether_type != BigEndian16{std::uint16_t(EtherType::kArp)} ||
      parse_arp(frame.subspan(sizeof(EthernetHeader))) == nullptr)
    return nullptr;
  return arp;
}

/// An intact ICMPv6 message right behind an IPv6 header.
struct Icmpv6 {
  const Ipv6Header* ip;
  std::span<const std::byte> message;
};
std::optional<Icmpv6> icmpv6_in(std::span<const std::byte> frame) {
  const auto* ethernet = view_as<EthernetHeader>(frame);
  if (ethernet == nullptr || ethernet->ether_type != BigEndian16{std::uint16_t(EtherType::kIpv6)})
    return std::nullopt;
  const auto packet = frame.subspan(sizeof *ethernet);
  const Ipv6Header* ip = parse_ipv6(packet);
  if (ip == nullptr || ip->next_header != IpProtocol::kIcmpv6 || ip->hop_limit != kNdpHopLimit)
    return std::nullopt;
  const auto message = packet.first(ip->total_bytes()).subspan(sizeof *ip);
  const auto sum = pseudo_header_sum(ip->source, ip->destination, IpProtocol::kIcmpv6,
                                     static_cast<std::uint16_t>(message.size()));
  if (!verifies(add_bytes(sum, message))) return std::nullopt;
  return Icmpv6{ip, message};
}

}  // namespace

std::span<const std::byte> ask_for(const IpAddress& address, const IpAddress& source, const MacAddress& mac,
                                   std::span<std::byte, kMaxNeighborBytes> out) {
  if (const auto* ip4 = std::get_if<Ipv4Address>(&address)) {
    const BigEndian16 type{std::uint16_t(EtherType::kArp)};
    return write(ArpFrame{{kEverybody, mac, type},
                          {kArpEthernet, kArpIpv4, sizeof(MacAddress), sizeof(Ipv4Address), kArpRequest, mac,
                           std::get<Ipv4Address>(source), MacAddress{}, *ip4}},
                 out);
  }
  const auto& ip6 = std::get<Ipv6Address>(address);
  const Ipv6Address group = solicited_node_multicast(ip6);
  NdpFrame<NeighborSolicitation> frame{};
  frame.ethernet.destination = multicast_mac(group);
  frame.ethernet.source = mac;
  frame.ip.source = std::get<Ipv6Address>(source);
  frame.ip.destination = group;
  frame.message.type = Icmpv6Type::kNeighborSolicitation;
  frame.message.target = ip6;
  frame.option = {LinkLayerOption::kSource, 1, mac};
  return write_ndp(frame, out);
}

std::optional<IpAddress> asked_for(std::span<const std::byte> frame) {
  if (const ArpFrame* request = arp_in(frame)) {
    if (request->arp.operation != kArpRequest) return std::nullopt;
    return request->arp.target_address;
  }
  const auto icmp = icmpv6_in(frame);
  if (!icmp) return std::nullopt;
  const auto solicitation = parse_neighbor_solicitation(*icmp->ip, icmp->message);
  // Who looks for a duplicate of its own address is welcome to it.
  if (!solicitation || solicitation->duplicate_detection) return std::nullopt;
  return solicitation->target;
}

std::span<const std::byte> answer_for(std::span<const std::byte> frame, const MacAddress& mac,
                                      std::span<std::byte, kMaxNeighborBytes> out) {
  if (const ArpFrame* request = arp_in(frame)) {
    ArpFrame answer = *request;
    answer.ethernet.destination = request->arp.sender_mac;
    answer.ethernet.source = mac;
    answer.arp.operation = kArpReply;
    answer.arp.sender_mac = mac;
    answer.arp.sender_address = request->arp.target_address;
    answer.arp.target_mac = request->arp.sender_mac;
    answer.arp.target_address = request->arp.sender_address;
    return write(answer, out);
  }
  const auto& ethernet = overlay<EthernetHeader>(frame.data());
  const auto& ip = overlay<Ipv6Header>(frame.data() + sizeof ethernet);
  const auto& asked = overlay<NeighborSolicitation>(frame.data() + sizeof ethernet + sizeof ip);
  NdpFrame<NeighborAdvertisement> answer{};
  answer.ethernet.destination = ethernet.source;
  answer.ethernet.source = mac;
  answer.ip.source = asked.target;
  answer.ip.destination = ip.source;
  answer.message.type = Icmpv6Type::kNeighborAdvertisement;
  answer.message.flags = BigEndian32{NeighborAdvertisement::kSolicited | NeighborAdvertisement::kOverride};
  answer.message.target = asked.target;
  answer.option = {LinkLayerOption::kTarget, 1, mac};
  return write_ndp(answer, out);
}

std::optional<MacAddress> told_by(std::span<const std::byte> frame, const IpAddress& address) {
  if (const ArpFrame* reply = arp_in(frame)) {
    const bool tells = reply->arp.operation == kArpReply && IpAddress{reply->arp.sender_address} == address;
    return tells ? std::optional{reply->arp.sender_mac} : std::nullopt;
  }
  const auto icmp = icmpv6_in(frame);
  if (!icmp) return std::nullopt;
  const auto* message = view_as<NeighborAdvertisement>(icmp->message);
  if (message == nullptr || message->type != Icmpv6Type::kNeighborAdvertisement ||
      IpAddress{message->target} != address)
    return std::nullopt;
  const auto* option = view_as<LinkLayerOption>(icmp->message.subspan(sizeof *message));
  if (option != nullptr && option->type == LinkLayerOption::kTarget && option->length == 1)
    return option->mac;
  return overlay<EthernetHeader>(frame.data()).source;  // RFC 4861 4.4: it may be left out
}

}  // namespace synward::load
