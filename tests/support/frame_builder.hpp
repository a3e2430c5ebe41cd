// Complete frames for tests, right in every field that the test does not ask to be wrong.
//
//   FrameBuilder{}.ipv4(ip4("198.18.0.1"), ip4("198.18.0.10")).tcp(40000, 443, TcpFlags::kSyn).build()
//
// The order of the calls does not matter, but that a layer's call comes before those that change its fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ndp.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/reference_checksum.hpp"

namespace synward::test {

inline constexpr wire::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};  // who sends the frames, unless told
inline constexpr wire::MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x0a}};
inline constexpr std::size_t kShortestFrame = 60;  // what a NIC pads to (IEEE 802.3 3.2.8, without the FCS)

class FrameBuilder {
 public:
  // The link.
  FrameBuilder& mac(const wire::MacAddress& destination, const wire::MacAddress& source) {
    destination_mac_ = destination;
    source_mac_ = source;
    return *this;
  }
  /// The outermost tag first.
  FrameBuilder& vlan(std::uint16_t tci, wire::EtherType tpid = wire::EtherType::kVlan) {
    tags_.emplace_back(std::uint16_t(tpid), tci);
    return *this;
  }
  /// Instead of that of the network layer, or where there is none.
  FrameBuilder& ether_type(std::uint16_t value) { return ether_type_ = value, *this; }
  /// Zeros behind the packet until the frame is that long, as a NIC pads.
  FrameBuilder& pad_to(std::size_t frame_bytes) { return least_bytes_ = frame_bytes, *this; }

  // The network.
  FrameBuilder& arp(const wire::ArpPacket& packet) {
    ether_type_ = std::uint16_t(wire::EtherType::kArp);
    upper_ = bytes_of(packet);
    return *this;
  }
  FrameBuilder& arp_request(const wire::Ipv4Address& sender, const wire::Ipv4Address& target) {
    mac({{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, source_mac_);
    return arp(
        {wire::kArpEthernet, wire::kArpIpv4, 6, 4, wire::kArpRequest, source_mac_, sender, {}, target});
  }
  FrameBuilder& ipv4(const wire::Ipv4Address& source, const wire::Ipv4Address& destination) {
    ip6_.reset();
    ip4_ = wire::Ipv4Header{};
    ip4_->flags_and_offset = wire::BigEndian16{wire::Ipv4Header::kDontFragment};
    ip4_->source = source;
    ip4_->destination = destination;
    return *this;
  }
  FrameBuilder& ipv6(const wire::Ipv6Address& source, const wire::Ipv6Address& destination) {
    ip4_.reset();
    ip6_ = wire::Ipv6Header{};
    ip6_->source = source;
    ip6_->destination = destination;
    return *this;
  }
  /// The hop limit, over IPv6. 64 unless told, and 255 for neighbour discovery.
  FrameBuilder& ttl(std::uint8_t value) { return ttl_ = value, *this; }
  /// The traffic class: DSCP above, ECN in the two lowest bits.
  FrameBuilder& traffic_class(std::uint8_t value) { return traffic_class_ = value, *this; }
  /// IPv4; End of Options List is added up to a multiple of 4.
  FrameBuilder& ip_options(Bytes options) {
    options.resize((options.size() + 3) / 4 * 4);
    ip_options_ = std::move(options);
    return *this;
  }
  /// IPv6: one more header of `kind` in the chain, well-formed, padded with zeros to `size`, a multiple of 8.
  FrameBuilder& extension(std::uint8_t kind, std::size_t size = 8) {
    Bytes header(size);
    const bool in_fours = kind == wire::IpProtocol::kAuthentication;
    header[1] = in_fours ? std::byte(size / 4 - 2) : std::byte(size / 8 - 1);
    return raw_extension(kind, std::move(header));
  }
  /// The same with bytes of the test's own; the first becomes the next header's number.
  FrameBuilder& raw_extension(std::uint8_t kind, Bytes header) {
    extensions_.emplace_back(kind, std::move(header));
    return *this;
  }
  /// What a packet may have between the least IP header and what it carries: IP options, or extension
  /// headers.
  FrameBuilder& more_headers() {
    if (ip4_)
      return ip_options(bytes_of({7, 7, 4, 198, 18, 0, 9, 1, 1, 130, 11, 0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7}));
    return extension(wire::IpProtocol::kHopByHopOptions).extension(wire::IpProtocol::kAuthentication, 16);
  }
  /// The frame claims to be a fragment; what it carries stays as it is. Over IPv6 it is one more extension.
  FrameBuilder& fragment(std::size_t offset_bytes, bool more) {
    const auto units = static_cast<std::uint16_t>(offset_bytes / 8);
    if (ip4_) {
      const std::uint16_t flag = more ? wire::Ipv4Header::kMoreFragments : 0;
      ip4_->flags_and_offset = wire::BigEndian16{static_cast<std::uint16_t>(flag | units)};
      return *this;
    }
    const auto field = static_cast<std::uint16_t>(units << 3 | (more ? 1 : 0));
    return raw_extension(wire::IpProtocol::kIpv6Fragment,
                         bytes_of({0, 0, field >> 8, field & 0xff, 0, 0, 0, 7}));
  }
  /// What the IP header, or the last extension, says comes next, instead of what does.
  FrameBuilder& protocol(std::uint8_t value) { return protocol_ = value, *this; }

  // What IP carries.
  FrameBuilder& tcp(std::uint16_t src_port, std::uint16_t dst_port, std::uint8_t flags) {
    wire::TcpHeader header{};
    header.src_port = wire::Port{src_port};
    header.dst_port = wire::Port{dst_port};
    header.offset_and_reserved = wire::TcpHeader::offset_of(sizeof header);
    header.flags = flags;
    header.window = wire::BigEndian16{64240};
    return upper(wire::IpProtocol::kTcp, bytes_of(header), offsetof(wire::TcpHeader, checksum));
  }
  FrameBuilder& seq(std::uint32_t value) { return tcp_header().seq = wire::BigEndian32{value}, *this; }
  FrameBuilder& ack(std::uint32_t value) { return tcp_header().ack = wire::BigEndian32{value}, *this; }
  FrameBuilder& window(std::uint16_t value) { return tcp_header().window = wire::BigEndian16{value}, *this; }
  FrameBuilder& urgent(std::uint16_t value) { return tcp_header().urgent = wire::BigEndian16{value}, *this; }
  /// At most 40 bytes; End of Option List is added up to a multiple of 4.
  FrameBuilder& tcp_options(std::span<const std::byte> options) {
    upper_.resize(sizeof(wire::TcpHeader));
    append(upper_, options);
    upper_.resize((upper_.size() + 3) / 4 * 4);
    tcp_header().offset_and_reserved = wire::TcpHeader::offset_of(upper_.size());
    return *this;
  }
  FrameBuilder& tcp_options(const wire::SynOptions& options) {
    std::array<std::byte, wire::kMaxSynOptionBytes> written;
    return tcp_options(std::span{written}.first(wire::write_syn_options(written.data(), options)));
  }
  FrameBuilder& tcp_options(wire::TcpTimestamps timestamps) {
    std::array<std::byte, wire::kTimestampsBytes> written;
    return tcp_options(std::span{written}.first(wire::write_timestamps(written.data(), timestamps)));
  }
  FrameBuilder& echo_request(std::uint16_t id, std::uint16_t sequence) {
    wire::IcmpEcho echo{};
    echo.type = ip4_ ? wire::IcmpType::kEchoRequest : wire::Icmpv6Type::kEchoRequest;
    echo.id = wire::BigEndian16{id};
    echo.sequence = wire::BigEndian16{sequence};
    return upper(ip4_ ? wire::IpProtocol::kIcmp : wire::IpProtocol::kIcmpv6, bytes_of(echo),
                 offsetof(wire::IcmpEcho, checksum));
  }
  /// An error that quotes its payload; `mtu` lies where Packet Too Big and Fragmentation Needed have it.
  FrameBuilder& icmp_error(std::uint8_t type, std::uint8_t code, std::uint16_t mtu = 0) {
    return upper(ip4_ ? wire::IpProtocol::kIcmp : wire::IpProtocol::kIcmpv6,
                 bytes_of({type, code, 0, 0, 0, 0, mtu >> 8, mtu & 0xff}),
                 offsetof(wire::IcmpHeader, checksum));
  }
  /// As Linux asks: to the solicited-node group, with a source link-layer option unless the asker has no
  /// address. A later mac() or ipv6() changes where it goes.
  FrameBuilder& neighbor_solicitation(const wire::Ipv6Address& source, const wire::Ipv6Address& target) {
    const auto group = wire::solicited_node_multicast(target);
    mac(wire::multicast_mac(group), source_mac_).ipv6(source, group).ttl(wire::kNdpHopLimit);
    wire::NeighborSolicitation message{};
    message.type = wire::Icmpv6Type::kNeighborSolicitation;
    message.target = target;
    upper(wire::IpProtocol::kIcmpv6, bytes_of(message), offsetof(wire::NeighborSolicitation, checksum));
    if (wire::is_unspecified(source)) return *this;
    return payload(bytes_of(wire::LinkLayerOption{wire::LinkLayerOption::kSource, 1, source_mac_}));
  }
  FrameBuilder& payload(Bytes data) { return payload_ = std::move(data), *this; }
  FrameBuilder& payload(std::string_view text) { return payload(bytes_of(text)); }

  // Lies. Checksums are made for the frame as it then is, but for these two.
  FrameBuilder& wrong_ip_checksum() { return wrong_ip_checksum_ = true, *this; }
  FrameBuilder& wrong_checksum() { return wrong_checksum_ = true, *this; }
  /// IPv4's total length, or 40 more than IPv6's payload length.
  FrameBuilder& claim_total_bytes(std::size_t value) { return claimed_total_ = value, *this; }
  FrameBuilder& claim_tcp_header_bytes(std::size_t value) {
    return tcp_header().offset_and_reserved = wire::TcpHeader::offset_of(value), *this;
  }

  [[nodiscard]] Bytes build() const;

 private:
  FrameBuilder& upper(std::uint8_t kind, Bytes header, std::size_t checksum_at) {
    upper_kind_ = kind;
    upper_ = std::move(header);
    checksum_at_ = checksum_at;
    return *this;
  }
  wire::TcpHeader& tcp_header() { return wire::overlay<wire::TcpHeader>(upper_.data()); }

  [[nodiscard]] Bytes ethernet() const;
  [[nodiscard]] Bytes upper_with_checksum() const;
  [[nodiscard]] Bytes ipv4_packet() const;
  [[nodiscard]] Bytes ipv6_packet() const;
  [[nodiscard]] std::uint16_t network_ether_type() const;

  wire::MacAddress destination_mac_ = kOurMac, source_mac_ = kPeerMac;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> tags_;
  std::optional<std::uint16_t> ether_type_;
  std::optional<wire::Ipv4Header> ip4_;
  std::optional<wire::Ipv6Header> ip6_;
  std::uint8_t ttl_ = 64, traffic_class_ = 0, upper_kind_ = wire::IpProtocol::kNoNextHeader;
  std::optional<std::uint8_t> protocol_;
  Bytes ip_options_, upper_, payload_;
  std::vector<std::pair<std::uint8_t, Bytes>> extensions_;
  std::optional<std::size_t> checksum_at_, claimed_total_;
  bool wrong_ip_checksum_ = false, wrong_checksum_ = false;
  std::size_t least_bytes_ = 0;
};

namespace detail {

/// A wrong checksum differs in one bit, so that it is never right by another spelling of zero.
inline void store_checksum(Bytes& data, std::size_t at, wire::Checksum value, bool wrong) {
  std::memcpy(&data[at], &value, sizeof value);
  if (wrong) data[at] ^= std::byte{0x10};
}

}  // namespace detail

inline std::uint16_t FrameBuilder::network_ether_type() const {
  if (ether_type_) return *ether_type_;
  return std::uint16_t(ip4_ ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6);
}

inline Bytes FrameBuilder::ethernet() const {
  const auto first = tags_.empty() ? network_ether_type() : tags_.front().first;
  Bytes frame = bytes_of(wire::EthernetHeader{destination_mac_, source_mac_, wire::BigEndian16{first}});
  for (std::size_t i = 0; i < tags_.size(); ++i) {
    const auto next = i + 1 < tags_.size() ? tags_[i + 1].first : network_ether_type();
    append(frame, bytes_of(wire::VlanTag{wire::BigEndian16{tags_[i].second}, wire::BigEndian16{next}}));
  }
  return frame;
}

inline Bytes FrameBuilder::upper_with_checksum() const {
  Bytes message = upper_;
  append(message, payload_);
  if (!checksum_at_) return message;
  Bytes covered;
  if (ip6_) covered = pseudo_header(ip6_->source, ip6_->destination, upper_kind_, message.size());
  if (ip4_ && upper_kind_ == wire::IpProtocol::kTcp)
    covered = pseudo_header(ip4_->source, ip4_->destination, upper_kind_, message.size());
  append(covered, message);
  detail::store_checksum(message, *checksum_at_, reference_checksum(covered), wrong_checksum_);
  return message;
}

inline Bytes FrameBuilder::ipv4_packet() const {
  const Bytes message = upper_with_checksum();
  const std::size_t header_bytes = sizeof *ip4_ + ip_options_.size();
  wire::Ipv4Header header = *ip4_;
  header.version_and_ihl = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
  header.dscp_ecn = traffic_class_;
  const std::size_t total = claimed_total_.value_or(header_bytes + message.size());
  header.total_length = wire::BigEndian16{static_cast<std::uint16_t>(total)};
  header.ttl = ttl_;
  header.protocol = protocol_.value_or(upper_kind_);
  Bytes packet = bytes_of(header);
  append(packet, ip_options_);
  detail::store_checksum(packet, offsetof(wire::Ipv4Header, checksum), reference_checksum(packet),
                         wrong_ip_checksum_);
  append(packet, message);
  return packet;
}

inline Bytes FrameBuilder::ipv6_packet() const {
  Bytes behind;
  for (std::size_t i = 0; i < extensions_.size(); ++i) {
    Bytes header = extensions_[i].second;
    header[0] =
        std::byte{i + 1 < extensions_.size() ? extensions_[i + 1].first : protocol_.value_or(upper_kind_)};
    append(behind, header);
  }
  append(behind, upper_with_checksum());
  wire::Ipv6Header header = *ip6_;
  header.version_class_flow = wire::BigEndian32{0x6000'0000u | std::uint32_t{traffic_class_} << 20};
  const std::size_t total = claimed_total_.value_or(sizeof header + behind.size());
  header.payload_length = wire::BigEndian16{static_cast<std::uint16_t>(total - sizeof header)};
  header.next_header = extensions_.empty() ? protocol_.value_or(upper_kind_) : extensions_.front().first;
  header.hop_limit = ttl_;
  Bytes packet = bytes_of(header);
  append(packet, behind);
  return packet;
}

inline Bytes FrameBuilder::build() const {
  Bytes frame = ethernet();
  append(frame, ip4_ ? ipv4_packet() : ip6_ ? ipv6_packet() : upper_with_checksum());
  if (frame.size() < least_bytes_) frame.resize(least_bytes_);
  frame.shrink_to_fit();  // ASan sees one byte too far
  return frame;
}

}  // namespace synward::test
