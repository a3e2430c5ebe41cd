#include "bench/micro/frames.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <utility>

#include "bench/micro/huge_memory.hpp"
#include "bench/micro/random_bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::bench {
namespace {

using wire::Family;
Bytes tcp_options(Layout layout, Random& random) {
  using Kind = wire::TcpOptionKind;
  Bytes options;
  if (layout == Layout::kOdd) return odd_options(random);
  append_mss(options, random);
  const std::uint32_t scale = 6 + below(random, 5);
  if (layout == Layout::kWindows) {
    append(options,
           {Kind::kNop, Kind::kWindowScale, 3, scale, Kind::kNop, Kind::kNop, Kind::kSackPermitted, 2});
  } else {
    append(options, {Kind::kSackPermitted, 2, Kind::kTimestamps, 10});
    append(options, wire::BigEndian32{static_cast<std::uint32_t>(random())});
    append(options, wire::BigEndian32{0});
    append(options, {Kind::kNop, Kind::kWindowScale, 3, scale});
  }
  return options;
}

template <Family kFamily>
Bytes segment(const wire::Address<kFamily>& from, const wire::Address<kFamily>& to, Layout layout,
              Random& random) {
  const Bytes options = tcp_options(layout, random);
  wire::TcpHeader tcp{};
  tcp.src_port = wire::Port{static_cast<std::uint16_t>(1024 + below(random, 64'000))};
  tcp.dst_port = kServicePort;
  tcp.seq = wire::BigEndian32{static_cast<std::uint32_t>(random())};
  tcp.offset_and_reserved = wire::TcpHeader::offset_of(sizeof tcp + options.size());
  tcp.flags = wire::TcpFlags::kSyn;
  tcp.window = wire::BigEndian16{64'240};
  Bytes bytes;
  append(bytes, tcp);
  bytes.insert(bytes.end(), options.begin(), options.end());
  const auto pseudo =
      wire::pseudo_header_sum(from, to, wire::IpProtocol::kTcp, static_cast<std::uint16_t>(bytes.size()));
  wire::overlay<wire::TcpHeader>(bytes.data()).checksum = wire::finish(wire::add_bytes(pseudo, bytes));
  return bytes;
}

Bytes ipv4_packet(Layout layout, Random& random) {
  const auto from = client<Family::kIpv4>(random);
  const Bytes tcp = segment<Family::kIpv4>(from, kService4, layout, random);
  Bytes header(sizeof(wire::Ipv4Header));
  while (layout == Layout::kOdd && header.size() < 60) append(header, {1});  // RFC 791 3.1: no operation
  auto& ip = wire::overlay<wire::Ipv4Header>(header.data());
  ip.version_and_ihl = static_cast<std::uint8_t>(0x40 | header.size() / 4);
  ip.total_length = wire::BigEndian16{static_cast<std::uint16_t>(header.size() + tcp.size())};
  ip.id = wire::BigEndian16{static_cast<std::uint16_t>(random())};
  ip.flags_and_offset = wire::BigEndian16{wire::Ipv4Header::kDontFragment};
  ip.ttl = static_cast<std::uint8_t>(40 + below(random, 24));
  ip.protocol = wire::IpProtocol::kTcp;
  ip.source = from;
  ip.destination = kService4;
  ip.checksum = wire::finish(wire::add_bytes(0, header));
  header.insert(header.end(), tcp.begin(), tcp.end());
  return header;
}

Bytes ipv6_packet(Layout layout, Random& random) {
  using Protocol = wire::IpProtocol;
  const auto from = client<Family::kIpv6>(random);
  const Bytes tcp = segment<Family::kIpv6>(from, kService6, layout, random);
  const std::uint32_t extensions = layout == Layout::kOdd ? 1 + below(random, 7) : 0;
  Bytes packet(sizeof(wire::Ipv6Header));
  for (std::uint32_t left = extensions; left > 0; --left) {
    // Eight bytes each, of which the last six are one option of padding (RFC 8200 4.2).
    const std::uint8_t next = left == 1 ? Protocol::kTcp : Protocol::kDestinationOptions;
    append(packet, {next, 0, 1, 4, 0, 0, 0, 0});
  }
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  auto& ip = wire::overlay<wire::Ipv6Header>(packet.data());
  ip.version_class_flow = wire::BigEndian32{6u << 28 | below(random, 1u << 20)};
  ip.payload_length = wire::BigEndian16{static_cast<std::uint16_t>(packet.size() - sizeof ip)};
  ip.next_header = extensions == 0 ? Protocol::kTcp : Protocol::kDestinationOptions;
  ip.hop_limit = static_cast<std::uint8_t>(40 + below(random, 24));
  ip.source = from;
  ip.destination = kService6;
  return packet;
}

Stamp make(Family family, Layout layout, Random& random) {
  if (layout == Layout::kMixed) {
    constexpr Layout kLayouts[] = {Layout::kLinux, Layout::kWindows, Layout::kOdd};
    layout = kLayouts[below(random, 3)];
    family = below(random, 2) == 0 ? Family::kIpv4 : Family::kIpv6;
  }
  const bool ipv4 = family == Family::kIpv4;
  wire::EthernetHeader ethernet{kOurMac, kOurMac, wire::BigEndian16{}};
  ethernet.source.bytes[5] = static_cast<std::uint8_t>(random());
  if (layout == Layout::kForeign) ethernet.destination.bytes[4] = 1;
  ethernet.ether_type =
      wire::BigEndian16{std::uint16_t(ipv4 ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6)};
  Bytes frame;
  append(frame, ethernet);
  const Bytes packet = ipv4 ? ipv4_packet(layout, random) : ipv6_packet(layout, random);
  frame.insert(frame.end(), packet.begin(), packet.end());
  Stamp stamp{};
  std::memcpy(stamp.bytes.data(), frame.data(), frame.size());
  stamp.size = static_cast<std::uint16_t>(frame.size());
  return stamp;
}

constexpr std::size_t kBufferBytes = 2304, kHeadroom = 256;  // of an rte_mbuf with 2,048 bytes of data

}  // namespace

const std::vector<Stamp>& stamps(Family family, Layout layout) {
  static std::map<std::pair<Family, Layout>, std::vector<Stamp>> made;
  auto& stamps = made[{family, layout}];
  if (!stamps.empty()) return stamps;
  Random random{5};
  stamps.reserve(kStamps);
  for (std::size_t n = 0; n < kStamps; ++n) stamps.push_back(make(family, layout, random));
  return stamps;
}

FrameSet::FrameSet(const std::vector<Stamp>& stamps, std::size_t count) : stamps_{&stamps}, sizes_(count) {
  static const HugeMemory kBuffers{kStamps * kBufferBytes};
  frames_.reserve(count);
  for (std::size_t n = 0; n < count; ++n) frames_.push_back(kBuffers.data() + n * kBufferBytes + kHeadroom);
  std::shuffle(frames_.begin(), frames_.end(), Random{7});
}

void FrameSet::restore() {
  for (std::size_t n = 0; n < size(); ++n) {
    const Stamp& stamp = (*stamps_)[next_++ % stamps_->size()];
    std::memcpy(frames_[n], stamp.bytes.data(), stamp.size);
    std::memset(frames_[n] + stamp.size, 0, stamp.zeros);
    sizes_[n] = static_cast<std::uint16_t>(stamp.size + stamp.zeros);
  }
}

}  // namespace synward::bench
