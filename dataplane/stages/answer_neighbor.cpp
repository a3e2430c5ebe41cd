// ARP (RFC 826) and neighbour discovery (RFC 4861 7.2.4): the questions of hosts that want to reach our
// addresses.
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ndp.hpp"

namespace synward {
namespace {

void answer_arp(Burst& burst, LaneIndex i, wire::MacAddress mac) {
  auto& ethernet = ethernet_header(burst, i);
  auto& arp = header_at<wire::ArpPacket>(burst, i, burst.view[i].network);
  ethernet.destination = arp.sender_mac;
  ethernet.source = mac;
  const auto asked = arp.target_address;
  arp.operation = wire::kArpReply;
  arp.target_mac = arp.sender_mac;
  arp.target_address = arp.sender_address;
  arp.sender_mac = mac;
  arp.sender_address = asked;
  burst.on(Route::kSend).push(i);
}

bool verifies(const Burst& burst, LaneIndex i, const wire::Ipv6Header& ip) {
  const auto message = transport_bytes(burst, i);
  return wire::verifies(
      wire::add_bytes(wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kIcmpv6,
                                              static_cast<std::uint16_t>(message.size())),
                      message));
}

/// The advertisement stands right behind the IPv6 header: whatever extension headers the question had are
/// gone.
void answer_solicitation(Burst& burst, LaneIndex i, wire::MacAddress mac) {
  struct Answer {
    wire::Ipv6Header ip;
    wire::NeighborAdvertisement advertisement;
    wire::LinkLayerOption option;
  };
  const std::size_t network = burst.view[i].network;
  const auto& question = header_at<wire::Ipv6Header>(burst, i, network);
  if (!verifies(burst, i, question)) return void(drop_lane(burst, i, Drop::kBadIcmpChecksum));
  const auto asked = header_at<wire::NeighborSolicitation>(burst, i, burst.view[i].transport).target;
  // A prober for duplicates has no address yet: the answer goes to all nodes, unsolicited (RFC 4861 7.2.4).
  const bool probe = is_unspecified(question.source);
  const auto asker = probe ? wire::kAllNodes : question.source;
  auto& ethernet = ethernet_header(burst, i);
  ethernet.destination = probe ? wire::multicast_mac(wire::kAllNodes) : ethernet.source;
  ethernet.source = mac;

  auto& answer = header_at<Answer>(burst, i, network);
  constexpr std::uint16_t kMessageBytes = sizeof answer.advertisement + sizeof answer.option;
  using Flags = wire::NeighborAdvertisement;
  answer.ip = {wire::BigEndian32{6u << 28},
               wire::BigEndian16{kMessageBytes},
               wire::IpProtocol::kIcmpv6,
               wire::kNdpHopLimit,
               asked,
               asker};
  answer.advertisement = {wire::Icmpv6Type::kNeighborAdvertisement, 0, wire::Checksum{},
                          wire::BigEndian32{Flags::kOverride | (probe ? 0 : Flags::kSolicited)}, asked};
  answer.option = {wire::LinkLayerOption::kTarget, 1, mac};
  const std::span<const std::byte> message{reinterpret_cast<const std::byte*>(&answer.advertisement),
                                           kMessageBytes};
  answer.advertisement.checksum = wire::finish(wire::add_bytes(
      wire::pseudo_header_sum(asked, asker, wire::IpProtocol::kIcmpv6, kMessageBytes), message));
  burst.frame_bytes[i] = static_cast<std::uint16_t>(network + sizeof answer);
  burst.on(Route::kSend).push(i);
}

}  // namespace

void answer_neighbor(Burst& burst, CoreState& core) {
  const wire::MacAddress mac = core.ports[burst.port].mac;
  for (const LaneIndex i : burst.on(Route::kArp).take()) answer_arp(burst, i, mac);
  for (const LaneIndex i : burst.on(Route::kNdp).take()) answer_solicitation(burst, i, mac);
}

}  // namespace synward
