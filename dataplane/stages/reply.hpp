// A segment becomes the segment that answers it, where it lies.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
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

/// <SEQ=seq><CTL=RST>, to who acknowledged seq (RFC 9293 3.5.2).
[[nodiscard]] constexpr Reply reset_at(wire::SeqNum seq) {
  return {.seq = seq, .ack = wire::SeqNum{0}, .flags = wire::TcpFlags::kRst, .window = 0};
}
/// <SEQ=seq><ACK=ack><CTL=RST,ACK>
[[nodiscard]] constexpr Reply reset_at(wire::SeqNum seq, wire::SeqNum ack) {
  return {.seq = seq, .ack = ack, .flags = wire::TcpFlags::kRst | wire::TcpFlags::kAck, .window = 0};
}

namespace detail {

/// A fresh header instead of the question's: IP options and extension headers are not ours to return.
inline void write_ip(wire::Ipv4Header& ip, wire::Ipv4Address from, wire::Ipv4Address to,
                     std::size_t segment_bytes) {
  static constexpr wire::Ipv4Header kFixed{
      .version_and_ihl = 0x45,
      .dscp_ecn = 0,
      .total_length = wire::BigEndian16{0},
      .id = wire::BigEndian16{0},  // RFC 6864 4.1: of no meaning when the datagram is atomic
      .flags_and_offset = wire::BigEndian16{wire::Ipv4Header::kDontFragment},
      .ttl = kReplyHopLimit,
      .protocol = wire::IpProtocol::kTcp,
      .checksum = wire::Checksum{},
      .source = {},
      .destination = {}};
  static constexpr std::uint64_t kFixedSum = [] {
    std::uint64_t sum = 0;
    for (const std::uint32_t word : std::bit_cast<std::array<std::uint32_t, 5>>(kFixed)) sum += word;
    return sum;
  }();
  ip = kFixed;
  ip.total_length = wire::BigEndian16{static_cast<std::uint16_t>(sizeof ip + segment_bytes)};
  ip.source = from;
  ip.destination = to;
  ip.checksum = wire::finish(kFixedSum + wire::sum_of(ip.total_length) + std::bit_cast<std::uint32_t>(from) +
                             std::bit_cast<std::uint32_t>(to));
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
  const std::span<const std::byte> options = reply.options;
  const std::size_t header_bytes = sizeof(wire::TcpHeader) + options.size();
  auto& ip = *reinterpret_cast<IpHeader<kFamily>*>(network);
  detail::write_ip(ip, flow.service, flow.client, header_bytes);
  auto& tcp = wire::overlay<wire::TcpHeader>(network + sizeof ip);
  // Field by field: a header made beside the frame would be copied there by loads wider than its stores.
  tcp.src_port = flow.service_port;
  tcp.dst_port = flow.client_port;
  tcp.seq = reply.seq.wire();
  tcp.ack = reply.ack.wire();
  tcp.offset_and_reserved = wire::TcpHeader::offset_of(header_bytes);
  tcp.flags = reply.flags;
  tcp.window = wire::BigEndian16{reply.window};
  tcp.urgent = wire::BigEndian16{0};
  std::uint64_t sum = wire::sum_of(flow.service_port.wire) + wire::sum_of(flow.client_port.wire) +
                      wire::sum_of(reply.seq.wire()) + wire::sum_of(reply.ack.wire()) +
                      (std::uint64_t{reply.flags} << 8 | wire::TcpHeader::offset_of(header_bytes)) +
                      wire::sum_of(wire::BigEndian16{reply.window});
  for (std::size_t at = 0; at < options.size(); at += sizeof(wire::BigEndian32)) {
    const auto word = wire::overlay<wire::BigEndian32>(options.data() + at);
    wire::overlay<wire::BigEndian32>(network + sizeof ip + sizeof tcp + at) = word;
    sum += wire::sum_of(word);
  }
  const std::uint64_t pseudo = wire::pseudo_header_sum(flow.service, flow.client, wire::IpProtocol::kTcp,
                                                       static_cast<std::uint16_t>(header_bytes));
  tcp.checksum = wire::finish(wire::add_sums(pseudo, sum));
  return sizeof ip + header_bytes;
}

/// The 4-tuple of a lane in the kSyn, kSegment and later lists.
template <wire::Family kFamily>
[[nodiscard]] inline table::FlowKey<kFamily> flow_of(const Burst& burst, LaneIndex i) {
  // Two copies of what lies side by side, as a reader would read it: of four, none can be forwarded to it.
  struct Addresses {
    wire::Address<kFamily> source, destination;
  };
  struct Ports {
    wire::Port source, destination;
  };
  struct Tuple {
    Addresses addresses;
    Ports ports;
  };
  const auto& ip = ip_header<kFamily>(burst, i);
  return std::bit_cast<table::FlowKey<kFamily>>(Tuple{*reinterpret_cast<const Addresses*>(&ip.source),
                                                      header_at<Ports>(burst, i, burst.view[i].transport)});
}

/// The same flow, seen from the service.
template <wire::Family kFamily>
[[nodiscard]] inline table::FlowKey<kFamily> reversed(const table::FlowKey<kFamily>& flow) {
  return {flow.service, flow.client, flow.service_port, flow.client_port};
}

/// Writes a segment of ours over the frame of a lane, from the service of `flow` to its client, and sends it
/// on the way that the lane was on. The frame may grow by kReplyGrowth.
template <wire::Family kFamily>
inline void forward_instead(Burst& burst, LaneIndex i, const table::FlowKey<kFamily>& flow,
                            const Reply& segment) {
  const std::size_t network = burst.view[i].network;
  const std::size_t bytes = write_segment<kFamily>(burst.frame[i] + network, flow, segment);
  burst.frame_bytes[i] = static_cast<std::uint16_t>(network + bytes);
  burst.on(Route::kForward).push(i);
}

/// Writes `reply` over the frame of a lane whose view is filled, VLAN tags kept, and sends the
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
