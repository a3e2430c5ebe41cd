// A segment becomes the segment that answers it, where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "dataplane/burst.hpp"
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward {

/// What our answer says; addresses and ports are those of the question, turned round.
struct Reply {
  wire::SeqNum seq, ack;
  std::uint8_t flags;
  std::uint16_t window;                     ///< as it lies in the header: scaled where a scale was agreed
  std::span<const std::byte> options = {};  ///< a multiple of 4 bytes; not inside the frame
};

namespace detail {

/// A fresh header instead of the question's: IP options and extension headers are not ours to return.
inline void write_ip(wire::Ipv4Header& ip, std::size_t segment_bytes) {
  const wire::Ipv4Address from = ip.destination, to = ip.source;
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

inline void write_ip(wire::Ipv6Header& ip, std::size_t segment_bytes) {
  const wire::Ipv6Address from = ip.destination, to = ip.source;
  ip = {.version_class_flow = wire::BigEndian32{6u << 28},
        .payload_length = wire::BigEndian16{static_cast<std::uint16_t>(segment_bytes)},
        .next_header = wire::IpProtocol::kTcp,
        .hop_limit = kReplyHopLimit,
        .source = from,
        .destination = to};
}

}  // namespace detail

/// Writes the reply over the frame of a lane whose view classify() filled, VLAN tags kept, and sends the
/// lane. The frame may grow by the MSS option of a SYN-ACK to a SYN without options: kReplyGrowth allows for
/// it.
template <wire::Family kFamily>
inline void send_reply(Burst& burst, LaneIndex i, const Reply& reply) {
  const PacketView view = burst.view[i];
  auto& ethernet = ethernet_header(burst, i);
  std::swap(ethernet.source, ethernet.destination);

  const wire::TcpHeader& question = tcp_header(burst, i);
  const wire::Port from = question.dst_port, to = question.src_port;
  const std::size_t header_bytes = sizeof(wire::TcpHeader) + reply.options.size();
  auto& ip = header_at<IpHeader<kFamily>>(burst, i, view.network);
  detail::write_ip(ip, header_bytes);

  const std::size_t transport = view.network + sizeof ip;
  auto& tcp = header_at<wire::TcpHeader>(burst, i, transport);
  tcp = {.src_port = from,
         .dst_port = to,
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
  tcp.checksum = wire::finish(wire::add_bytes(pseudo, {burst.frame[i] + transport, header_bytes}));
  burst.frame_bytes[i] = static_cast<std::uint16_t>(transport + header_bytes);
  burst.on(Route::kSend).push(i);
}

}  // namespace synward
