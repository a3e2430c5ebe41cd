#include "bench/micro/baseline.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <rte_ip.h>

#include "bench/micro/frames.hpp"
#include "bench/micro/siphash.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr SipKey kKeys[2] = {{1, 2}, {3, 4}};
constexpr std::uint32_t kMinute = 29'000'000, kMilliseconds = 77'000'000;

/// secure_tcp_syn_cookie() of net/ipv4/syncookies.c and net/ipv6/syncookies.c.
template <Family kFamily>
std::uint32_t cookie(const wire::Address<kFamily>& client, const wire::Address<kFamily>& service,
                     const wire::TcpHeader& tcp, std::uint32_t mss_index) {
  struct Message {
    wire::Address<kFamily> client, service;
    std::uint32_t ports, minute;
  };
  const std::uint32_t ports = std::uint32_t{tcp.src_port.host()} << 16 | tcp.dst_port.host();
  const auto hash = [&](const SipKey& key, std::uint32_t minute) {
    std::uint64_t words[sizeof(Message) / 8];
    const Message message{client, service, ports, minute};
    std::memcpy(words, &message, sizeof words);
    return static_cast<std::uint32_t>(siphash(key, words));
  };
  return hash(kKeys[0], 0) + tcp.seq.host() + (kMinute << 24) +
         ((hash(kKeys[1], kMinute) + mss_index) & 0xffffff);
}

std::uint32_t mss_index(std::uint16_t mss) {
  constexpr std::uint16_t kTable[] = {536, 1300, 1440, 1460};
  std::uint32_t index = 3;
  while (index > 0 && mss < kTable[index]) --index;
  return index;
}

template <Family kFamily>
using Ip = std::conditional_t<kFamily == Family::kIpv4, wire::Ipv4Header, wire::Ipv6Header>;

/// Fills in the checksums, of the IP header too.
void finish(wire::Ipv4Header& ip, wire::TcpHeader& tcp) {
  auto* const header = reinterpret_cast<rte_ipv4_hdr*>(&ip);
  ip.checksum = std::bit_cast<wire::Checksum>(rte_ipv4_cksum(header));
  tcp.checksum = std::bit_cast<wire::Checksum>(rte_ipv4_udptcp_cksum(header, &tcp));
}
void finish(wire::Ipv6Header& ip, wire::TcpHeader& tcp) {
  tcp.checksum =
      std::bit_cast<wire::Checksum>(rte_ipv6_udptcp_cksum(reinterpret_cast<rte_ipv6_hdr*>(&ip), &tcp));
}

template <Family kFamily>
std::size_t answer(std::byte* frame, const wire::TcpHeader& question, const wire::Address<kFamily> from,
                   const wire::Address<kFamily> to) {
  const auto options = wire::parse_tcp_options(wire::options(question));
  const std::uint32_t isn = cookie<kFamily>(to, from, question, mss_index(options.mss().value_or(536)));
  wire::SynOptions offer{.mss = std::uint16_t{1460}, .sack_permitted = options.sack_permitted()};
  if (options.window_scale()) offer.window_scale = std::uint8_t{7};
  if (const auto timestamps = options.timestamps())
    offer.timestamps =
        wire::TcpTimestamps{kMilliseconds | options.window_scale().value_or(15), timestamps->tsval};
  std::array<std::byte, wire::kMaxSynOptionBytes> written;
  const std::size_t bytes = wire::write_syn_options(written.data(), offer);

  auto& ethernet = wire::overlay<wire::EthernetHeader>(frame);
  std::swap(ethernet.source, ethernet.destination);
  auto& ip = wire::overlay<Ip<kFamily>>(frame + sizeof ethernet);
  auto& tcp = wire::overlay<wire::TcpHeader>(frame + sizeof ethernet + sizeof ip);
  const std::size_t segment = sizeof tcp + bytes;
  const wire::TcpHeader reply{question.dst_port,
                              question.src_port,
                              wire::BigEndian32{isn},
                              wire::BigEndian32{question.seq.host() + 1},
                              wire::TcpHeader::offset_of(segment),
                              wire::TcpFlags::kSyn | wire::TcpFlags::kAck,
                              wire::BigEndian16{0xffff},
                              {},
                              {}};
  if constexpr (kFamily == Family::kIpv4)
    ip = {0x45,
          0,
          wire::BigEndian16{static_cast<std::uint16_t>(sizeof ip + segment)},
          wire::BigEndian16{0},
          wire::BigEndian16{wire::Ipv4Header::kDontFragment},
          64,
          wire::IpProtocol::kTcp,
          {},
          from,
          to};
  else
    ip = {wire::BigEndian32{6u << 28},
          wire::BigEndian16{static_cast<std::uint16_t>(segment)},
          wire::IpProtocol::kTcp,
          64,
          from,
          to};
  tcp = reply;
  std::memcpy(&tcp + 1, written.data(), bytes);
  finish(ip, tcp);
  return sizeof ethernet + sizeof ip + segment;
}

/// The same way back: FIN to FIN, nothing but the header and what options there are. As all write them,
/// timestamps change places.
template <Family kFamily>
std::size_t answer_fin(std::byte* frame, std::size_t size) {
  auto& ethernet = wire::overlay<wire::EthernetHeader>(frame);
  std::swap(ethernet.source, ethernet.destination);
  auto& ip = wire::overlay<Ip<kFamily>>(frame + sizeof ethernet);
  std::swap(ip.source, ip.destination);
  auto& tcp = wire::overlay<wire::TcpHeader>(frame + sizeof ethernet + sizeof ip);
  std::swap(tcp.src_port, tcp.dst_port);
  const std::uint32_t next = tcp.seq.host() + 1;
  tcp.seq = tcp.ack;
  tcp.ack = wire::BigEndian32{next};
  tcp.flags = wire::TcpFlags::kFin | wire::TcpFlags::kAck;
  constexpr std::array<std::uint8_t, 4> kTimestamps = {1, 1, 8, 10};
  auto* const options = reinterpret_cast<std::byte*>(&tcp + 1);
  if (wire::options(tcp).size() == 12 && std::memcmp(options, kTimestamps.data(), kTimestamps.size()) == 0)
    std::swap_ranges(options + 4, options + 8, options + 8);
  if constexpr (kFamily == Family::kIpv4) ip.checksum = {};
  tcp.checksum = {};
  finish(ip, tcp);
  return size;
}

template <Family kFamily>
bool holds_cookie(const wire::TcpHeader& tcp, const wire::Address<kFamily>& client,
                  const wire::Address<kFamily>& service) {
  wire::TcpHeader syn = tcp;
  syn.seq = wire::BigEndian32{tcp.seq.host() - 1};
  const std::uint32_t mss_index = (tcp.ack.host() - 1 - cookie<kFamily>(client, service, syn, 0)) & 0xffffff;
  return mss_index < 4;
}

/// What comes of a segment to us whose checksums are right; `whole`: the frame ends with its header, and IP's
/// header is as short as it can be.
template <Family kFamily>
std::size_t respond(std::byte* frame, const wire::TcpHeader& tcp, const wire::Address<kFamily>& client,
                    const wire::Address<kFamily>& service, std::size_t bytes, bool whole,
                    std::size_t& connected) {
  switch (tcp.flags & 0x3f & ~wire::TcpFlags::kPsh) {
    case wire::TcpFlags::kSyn:
      return answer<kFamily>(frame, tcp, service, client);
    case wire::TcpFlags::kFin | wire::TcpFlags::kAck:
      return whole ? answer_fin<kFamily>(frame, bytes) : 0;
    case wire::TcpFlags::kAck:
      connected += whole && holds_cookie<kFamily>(tcp, client, service) ? 1u : 0u;
      return 0;
    default:
      return 0;
  }
}

bool is_to_us(const wire::TcpHeader* tcp) { return tcp != nullptr && tcp->dst_port == kServicePort; }

/// Zero when there is no answer to the frame, or it is wrong.
std::size_t answer_ipv4(std::byte* frame, std::span<const std::byte> packet, std::size_t& connected) {
  const auto* ip = wire::parse_ipv4(packet);
  if (ip == nullptr || ip->destination != kService4 || ip->protocol != wire::IpProtocol::kTcp) return 0;
  const auto segment = packet.first(ip->total_bytes()).subspan(ip->header_bytes());
  const auto* tcp = wire::parse_tcp(segment);
  if (!is_to_us(tcp)) return 0;
  const auto* header = reinterpret_cast<const rte_ipv4_hdr*>(ip);
  if (rte_ipv4_cksum(header) != 0 || rte_ipv4_udptcp_cksum_verify(header, tcp) != 0) return 0;
  const bool whole = ip->header_bytes() == sizeof *ip && segment.size() == tcp->header_bytes();
  return respond<Family::kIpv4>(frame, *tcp, ip->source, ip->destination,
                                sizeof(wire::EthernetHeader) + ip->total_bytes(), whole, connected);
}

std::size_t answer_ipv6(std::byte* frame, std::span<const std::byte> packet, std::size_t& connected) {
  const auto* ip = wire::parse_ipv6(packet);
  if (ip == nullptr || ip->destination != kService6) return 0;
  const auto payload = wire::walk_extension_headers(packet);
  if (!payload.understood || payload.fragment || payload.next_header != wire::IpProtocol::kTcp) return 0;
  const auto segment = packet.first(ip->total_bytes()).subspan(payload.offset);
  const auto* tcp = wire::parse_tcp(segment);
  if (!is_to_us(tcp)) return 0;
  // DPDK knows no extension headers: the pseudo-header as if there were none.
  rte_ipv6_hdr header;
  std::memcpy(&header, ip, sizeof header);
  header.payload_len = rte_cpu_to_be_16(static_cast<std::uint16_t>(segment.size()));
  header.proto = wire::IpProtocol::kTcp;
  if (rte_ipv6_udptcp_cksum_verify(&header, tcp) != 0) return 0;
  const bool whole = payload.offset == sizeof *ip && segment.size() == tcp->header_bytes();
  return respond<Family::kIpv6>(frame, *tcp, ip->source, ip->destination,
                                sizeof(wire::EthernetHeader) + ip->total_bytes(), whole, connected);
}

}  // namespace

Straightforward answer_straightforwardly(std::span<std::byte* const> frames, std::span<std::uint16_t> sizes) {
  Straightforward done;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::span<const std::byte> frame{frames[i], sizes[i]};
    const auto link = wire::parse_ethernet(frame);
    if (!link || wire::overlay<wire::EthernetHeader>(frames[i]).destination != kOurMac) {
      sizes[i] = 0;
      continue;
    }
    const auto packet = frame.subspan(link->network_offset);
    if (wire::EtherType{link->ether_type} == wire::EtherType::kIpv4)
      sizes[i] = static_cast<std::uint16_t>(answer_ipv4(frames[i], packet, done.connected));
    else if (wire::EtherType{link->ether_type} == wire::EtherType::kIpv6)
      sizes[i] = static_cast<std::uint16_t>(answer_ipv6(frames[i], packet, done.connected));
    else
      sizes[i] = 0;
    done.answered += sizes[i] == 0 ? 0u : 1u;
  }
  return done;
}

std::size_t verify_with_dpdk(std::span<std::byte* const> packets) {
  std::size_t good = 0;
  for (const std::byte* const at : packets) {
    const auto* ip = reinterpret_cast<const rte_ipv4_hdr*>(at);
    good += rte_ipv4_udptcp_cksum_verify(ip, at + rte_ipv4_hdr_len(ip)) == 0 ? 1u : 0u;
  }
  return good;
}

}  // namespace synward::bench
