// A segment becomes the segment that answers it, where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "dataplane/burst.hpp"
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward {

/// What a segment of ours says. It carries no text.
struct Reply {
  wire::SeqNum seq, ack;
  std::uint8_t flags;
  std::uint16_t window;                     ///< as it lies in the header: scaled where a scale was agreed
  std::span<const std::byte> options = {};  ///< a multiple of 4 bytes; not inside the frame
};

namespace detail {

/// A fresh header instead of the question's: IP options and extension headers are not ours to return.
inline void write_ip(wire::Ipv4Header& ip, wire::Ipv4Address from, wire::Ipv4Address to,
                     std::size_t segment_bytes) {
  ip = {.version_and_ihl = 0x45,
        .dscp_ecn = 0,
        .total_length = wire::BigEndian16{static_cast<std::uint16_t>(sizeof ip + segment_bytes)},
        .id = wire::BigEndian16{0},  // RFC 6864 4.1: of no meaning when the datagram is atomic
        .flags_and_offset = wire::BigEndian16{wire::Ipv4Header::kDontFragment},
        .ttl = kReplyHopLimit,
        .protocol = wire::IpProtocol::kTcp,
        .checksum = wire::Checksum{},
        .source = from,
        .destination = to};
  ip.checksum = wire::finish(wire::add_bytes(0, std::as_bytes(std::span{&ip, 1})));
}

inline void write_ip(wire::Ipv6Header& ip, const wire::Ipv6Address& from, const wire::Ipv6Address& to,
                     std::size_t segment_bytes) {
  ip = {.version_class_flow = wire::BigEndian32{6u << 28},
        .payload_length = wire::BigEndian16{static_cast<std::uint16_t>(segment_bytes)},
        .next_header = wire::IpProtocol::kTcp,
        .hop_limit = kReplyHopLimit,
        .source = from,
        .destination = to};
}

}  // namespace detail

/// Writes IP header, TCP header and options from `network` on; returns their bytes. `to` and `from` are not
/// in the frame, or not where this writes.
template <wire::Family kFamily>
inline std::size_t write_segment(std::byte* network, const table::FlowKey<kFamily>& flow,
                                 const Reply& reply) {
  const std::size_t header_bytes = sizeof(wire::TcpHeader) + reply.options.size();
  auto& ip = *reinterpret_cast<IpHeader<kFamily>*>(network);
  detail::write_ip(ip, flow.service, flow.client, header_bytes);
  auto& tcp = *reinterpret_cast<wire::TcpHeader*>(network + sizeof ip);
  tcp = {.src_port = flow.service_port,
         .dst_port = flow.client_port,
         .seq = reply.seq.wire(),
         .ack = reply.ack.wire(),
         .offset_and_reserved = wire::TcpHeader::offset_of(header_bytes),
         .flags = reply.flags,
         .window = wire::BigEndian16{reply.window},
         .checksum = wire::Checksum{},
         .urgent = wire::BigEndian16{0}};
  if (!reply.options.empty()) std::memcpy(&tcp + 1, reply.options.data(), reply.options.size());
  const std::uint64_t pseudo = wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kTcp,
                                                       static_cast<std::uint16_t>(header_bytes));
  tcp.checksum = wire::finish(wire::add_bytes(pseudo, {network + sizeof ip, header_bytes}));
  return sizeof ip + header_bytes;
}

/// The 4-tuple of a lane in the kSyn, kSegment and later lists.
template <wire::Family kFamily>
[[nodiscard]] inline table::FlowKey<kFamily> flow_of(const Burst& burst, LaneIndex i) {
  const auto& ip = ip_header<kFamily>(burst, i);
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  return {ip.source, ip.destination, tcp.src_port, tcp.dst_port};
}

/// Writes the reply over the frame of a lane whose view classify() filled, VLAN tags kept, and sends the
/// lane. The frame may grow by kReplyGrowth.
template <wire::Family kFamily>
inline void send_reply(Burst& burst, LaneIndex i, const Reply& reply) {
  const std::size_t network = burst.view[i].network;
  auto& ethernet = ethernet_header(burst, i);
  std::swap(ethernet.source, ethernet.destination);
  const auto flow = flow_of<kFamily>(burst, i);  // a copy: what is read here is written over
  const std::size_t bytes = write_segment<kFamily>(burst.frame[i] + network, flow, reply);
  burst.frame_bytes[i] = static_cast<std::uint16_t>(network + bytes);
  burst.on(Route::kSend).push(i);
}

}  // namespace synward
