#include "bench/micro/envelope.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace synward::bench {

using wire::Family;
using Protocol = wire::IpProtocol;

namespace {

/// The checksum of `payload`, where its protocol has one, then goes into it.
template <Family kFamily>
void seal(Payload& payload, const wire::Address<kFamily>& from, const wire::Address<kFamily>& to) {
  const auto bytes = static_cast<std::uint16_t>(payload.bytes.size() + payload.zeros);
  const std::uint64_t pseudo =
      payload.protocol == Protocol::kIcmp ? 0 : wire::pseudo_header_sum(from, to, payload.protocol, bytes);
  wire::overlay<wire::Checksum>(payload.bytes.data() + payload.checksum_at) =
      wire::finish(wire::add_bytes(pseudo, payload.bytes));
}

Stamp ipv4_frame(Payload payload, const Envelope& envelope, Random& random) {
  const auto from = client<Family::kIpv4>(random);
  seal<Family::kIpv4>(payload, from, kService4);
  Bytes header(sizeof(wire::Ipv4Header));
  header.resize(header.size() + envelope.ip_option_bytes, std::byte{1});  // RFC 791 3.1: no operation
  auto& ip = wire::overlay<wire::Ipv4Header>(header.data());
  ip.version_and_ihl = static_cast<std::uint8_t>(0x40 | header.size() / 4);
  ip.total_length =
      wire::BigEndian16{static_cast<std::uint16_t>(header.size() + payload.bytes.size() + payload.zeros)};
  if (envelope.fragment) ip.flags_and_offset = wire::BigEndian16{wire::Ipv4Header::kMoreFragments};
  ip.ttl = envelope.hop_limit;
  ip.protocol = payload.protocol;
  ip.source = from;
  ip.destination = kService4;
  ip.checksum = wire::finish(wire::add_bytes(0, header));
  Bytes frame = link_to(std::uint16_t(wire::EtherType::kIpv4), envelope.tags, random);
  frame.insert(frame.end(), header.begin(), header.end());
  frame.insert(frame.end(), payload.bytes.begin(), payload.bytes.end());
  return stamp_of(frame, payload.zeros);
}

Stamp ipv6_frame(Payload payload, const Envelope& envelope, Random& random) {
  const auto from = client<Family::kIpv6>(random);
  seal<Family::kIpv6>(payload, from, kService6);
  Bytes extensions;
  const std::uint8_t last = envelope.fragment ? Protocol::kIpv6Fragment : payload.protocol;
  for (std::uint32_t left = envelope.extensions; left > 0; --left)
    append(extensions, {left == 1 ? last : Protocol::kDestinationOptions, 0, 1, 4, 0, 0, 0, 0});
  if (envelope.fragment) append(extensions, {payload.protocol, 0, 0, 1, 0, 0, 0, 7});
  wire::Ipv6Header ip{};
  ip.version_class_flow = wire::BigEndian32{6u << 28};
  ip.payload_length =
      wire::BigEndian16{static_cast<std::uint16_t>(extensions.size() + payload.bytes.size() + payload.zeros)};
  ip.next_header = envelope.extensions == 0 ? last : Protocol::kDestinationOptions;
  ip.hop_limit = envelope.hop_limit;
  ip.source = from;
  ip.destination = kService6;
  Bytes frame = link_to(std::uint16_t(wire::EtherType::kIpv6), envelope.tags, random);
  append(frame, ip);
  frame.insert(frame.end(), extensions.begin(), extensions.end());
  frame.insert(frame.end(), payload.bytes.begin(), payload.bytes.end());
  return stamp_of(frame, payload.zeros);
}

}  // namespace

Bytes link_to(std::uint16_t ether_type, int tags, Random& random) {
  Bytes frame;
  wire::EthernetHeader ethernet{kOurMac, kOurMac, wire::BigEndian16{ether_type}};
  ethernet.source.bytes[5] = static_cast<std::uint8_t>(random());
  constexpr auto kTag = std::uint16_t(wire::EtherType::kVlan);
  if (tags > 0) ethernet.ether_type = wire::BigEndian16{kTag};
  append(frame, ethernet);
  for (int tag = 1; tag <= tags; ++tag)
    append(frame, wire::VlanTag{wire::BigEndian16{static_cast<std::uint16_t>(below(random, 4096))},
                                wire::BigEndian16{tag == tags ? ether_type : kTag}});
  return frame;
}

Stamp stamp_of(const Bytes& frame, std::uint16_t zeros) {
  Stamp stamp{};
  std::ranges::copy(frame, stamp.bytes.begin());
  stamp.size = static_cast<std::uint16_t>(frame.size());
  stamp.zeros = zeros;
  return stamp;
}

Stamp frame_of(Family family, Payload payload, Random& random, const Envelope& envelope) {
  return family == Family::kIpv4 ? ipv4_frame(std::move(payload), envelope, random)
                                 : ipv6_frame(std::move(payload), envelope, random);
}

}  // namespace synward::bench
