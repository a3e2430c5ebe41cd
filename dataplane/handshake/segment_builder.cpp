#include "dataplane/handshake/segment_builder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::handshake {
namespace {

using namespace wire;

constexpr std::uint8_t kTtl = 64;

template <Family kFamily>
using IpHeader = std::conditional_t<kFamily == Family::kIpv4, Ipv4Header, Ipv6Header>;

template <Family kFamily>
constexpr std::uint16_t kEtherTypeOf = std::uint16_t(kFamily == Family::kIpv4 ? EtherType::kIpv4
                                                                              : EtherType::kIpv6);

std::uint16_t u16(std::size_t value) { return static_cast<std::uint16_t>(value); }

std::size_t write_options(std::byte* out, const Segment& segment) {
  if (segment.has(TcpFlags::kSyn)) return write_syn_options(out, segment.options);
  return segment.options.timestamps ? write_timestamps(out, *segment.options.timestamps) : 0;
}

Ipv4Header ip_header(const FourTuple<Family::kIpv4>& tuple, std::size_t tcp_bytes) {
  Ipv4Header ip{};
  ip.version_and_ihl = 0x45;
  ip.total_length = BigEndian16{u16(sizeof ip + tcp_bytes)};
  ip.flags_and_offset = BigEndian16{Ipv4Header::kDontFragment};  // so the id may be 0: RFC 6864 4.1
  ip.ttl = kTtl;
  ip.protocol = IpProtocol::kTcp;
  ip.source = tuple.local;
  ip.destination = tuple.remote;
  ip.checksum = finish(add_bytes(0, std::as_bytes(std::span{&ip, 1})));
  return ip;
}

Ipv6Header ip_header(const FourTuple<Family::kIpv6>& tuple, std::size_t tcp_bytes) {
  Ipv6Header ip{};
  ip.version_class_flow = BigEndian32{0x6000'0000};
  ip.payload_length = BigEndian16{u16(tcp_bytes)};
  ip.next_header = IpProtocol::kTcp;
  ip.hop_limit = kTtl;
  ip.source = tuple.local;
  ip.destination = tuple.remote;
  return ip;
}

template <Family kFamily>
std::uint64_t tcp_sum(const Address<kFamily>& source, const Address<kFamily>& destination,
                      std::span<const std::byte> tcp) {
  return add_bytes(pseudo_header_sum(source, destination, IpProtocol::kTcp, u16(tcp.size())), tcp);
}

/// Where TCP lies in `packet`, whose header is intact; nullopt when something else lies there.
std::optional<std::span<const std::byte>> tcp_of(const Ipv4Header& ip, std::span<const std::byte> packet) {
  if (ip.protocol != IpProtocol::kTcp || ip.is_fragment()) return std::nullopt;
  if (!verifies(add_bytes(0, packet.first(ip.header_bytes())))) return std::nullopt;
  return packet.first(ip.total_bytes()).subspan(ip.header_bytes());
}

std::optional<std::span<const std::byte>> tcp_of(const Ipv6Header& ip, std::span<const std::byte> packet) {
  const Ipv6Payload chain = walk_extension_headers(packet);
  if (!chain.understood || chain.fragment || chain.next_header != IpProtocol::kTcp) return std::nullopt;
  return packet.first(ip.total_bytes()).subspan(chain.offset);
}

const Ipv4Header* parse_ip(std::span<const std::byte> packet, const Ipv4Header*) {
  return parse_ipv4(packet);
}
const Ipv6Header* parse_ip(std::span<const std::byte> packet, const Ipv6Header*) {
  return parse_ipv6(packet);
}

/// What RFC 7323 2.2 and RFC 2018 2 allow beside SYN alone is not looked at elsewhere.
SynOptions options_that_count(const TcpOptions& options, bool syn) {
  SynOptions out;
  out.timestamps = options.timestamps();
  if (syn) {
    out.mss = options.mss();
    out.window_scale = options.window_scale();
    out.sack_permitted = options.sack_permitted();
  }
  return out;
}

}  // namespace

template <Family kFamily>
std::span<std::byte> build_frame(const Path<kFamily>& path, const Segment& segment,
                                 std::span<const std::byte> text, std::span<std::byte> out) {
  std::array<std::byte, kMaxSynOptionBytes> options;
  const std::size_t options_bytes = write_options(options.data(), segment);
  const std::size_t tcp_bytes = sizeof(TcpHeader) + options_bytes + text.size();
  const std::size_t tcp_offset = sizeof(EthernetHeader) + sizeof(IpHeader<kFamily>);
  if (tcp_offset + tcp_bytes > out.size()) return {};
  out = out.first(tcp_offset + tcp_bytes);

  overlay<EthernetHeader>(out.data()) = {path.remote_mac, path.local_mac, BigEndian16{kEtherTypeOf<kFamily>}};
  overlay<IpHeader<kFamily>>(out.data() + sizeof(EthernetHeader)) = ip_header(path.tuple, tcp_bytes);
  const auto tcp = out.subspan(tcp_offset);
  auto& header = overlay<TcpHeader>(tcp.data());
  header = {.src_port = path.tuple.local_port,
            .dst_port = path.tuple.remote_port,
            .seq = segment.seq.wire(),
            .ack = segment.ack.wire(),
            .offset_and_reserved = TcpHeader::offset_of(sizeof(TcpHeader) + options_bytes),
            .flags = segment.flags,
            .window = BigEndian16{segment.window},
            .checksum = {},
            .urgent = BigEndian16{0}};
  std::ranges::copy(std::span{options}.first(options_bytes), tcp.begin() + sizeof header);
  std::ranges::copy(text, tcp.end() - std::ptrdiff_t(text.size()));
  header.checksum = finish(tcp_sum<kFamily>(path.tuple.local, path.tuple.remote, tcp));
  return out;
}

template <Family kFamily>
std::optional<Received<kFamily>> parse_frame(std::span<const std::byte> frame) {
  const auto link = parse_ethernet(frame);
  if (!link || link->ether_type != kEtherTypeOf<kFamily>) return std::nullopt;
  const auto packet = frame.subspan(link->network_offset);
  const auto* ip = parse_ip(packet, static_cast<const IpHeader<kFamily>*>(nullptr));
  if (ip == nullptr) return std::nullopt;
  const auto tcp = tcp_of(*ip, packet);
  if (!tcp) return std::nullopt;
  const TcpHeader* header = parse_tcp(*tcp);
  if (header == nullptr || !verifies(tcp_sum<kFamily>(ip->source, ip->destination, *tcp)))
    return std::nullopt;
  const auto text = payload(*header, *tcp);
  const auto& ethernet = overlay<EthernetHeader>(frame.data());
  return Received<kFamily>{
      .path = {.local_mac = ethernet.destination,
               .remote_mac = ethernet.source,
               .tuple = {ip->destination, ip->source, header->dst_port, header->src_port}},
      .segment = {.seq = SeqNum{header->seq},
                  .ack = SeqNum{header->ack},
                  .flags = header->flags,
                  .window = header->window.host(),
                  .text_bytes = u16(text.size()),
                  .options = options_that_count(parse_tcp_options(options(*header)),
                                                (header->flags & TcpFlags::kSyn) != 0)},
      .text = text};
}

template std::span<std::byte> build_frame(const Path<Family::kIpv4>&, const Segment&,
                                          std::span<const std::byte>, std::span<std::byte>);
template std::span<std::byte> build_frame(const Path<Family::kIpv6>&, const Segment&,
                                          std::span<const std::byte>, std::span<std::byte>);
template std::optional<Received<Family::kIpv4>> parse_frame(std::span<const std::byte>);
template std::optional<Received<Family::kIpv6>> parse_frame(std::span<const std::byte>);

}  // namespace synward::handshake
