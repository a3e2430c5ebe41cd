#include "bench/micro/adversary.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "bench/micro/envelope.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ndp.hpp"

namespace synward::bench {
namespace {

using wire::Family;
using Flags = wire::TcpFlags;
using Protocol = wire::IpProtocol;
using Kind = wire::TcpOptionKind;

constexpr std::size_t kAttacks = kStamps / 4;  // frames of each kind: more than a predictor learns

/// How packets of a kind end: by one drop reason, or as an answer.
struct Row {
  Attack attack;
  const char* name;
  std::variant<Route, Drop> end;
};
constexpr Row kRows[] = {
    {Attack::kSynOddOptions, "SYN, odd options", Route::kSend},
    {Attack::kSynNops, "SYN, 40 NOPs", Route::kSend},
    {Attack::kSynShortOptions, "SYN, 20 options of two bytes", Route::kSend},
    {Attack::kSynNopsBetween, "SYN, the most options", Route::kSend},
    {Attack::kSynBrokenOptions, "SYN, a length that is wrong", Route::kSend},
    {Attack::kSynNoOptions, "SYN, no options", Route::kSend},
    {Attack::kSynTwoTags, "SYN, two VLAN tags", Route::kSend},
    {Attack::kSynIpOptions, "SYN, IP options", Route::kSend},
    {Attack::kSynExtensionHeaders, "SYN, extension headers", Route::kSend},
    {Attack::kSynText, "SYN, 1,400 bytes of text", Route::kSend},
    {Attack::kSynWrongChecksum, "SYN, wrong checksum", Drop::kBadTcpChecksum},
    {Attack::kSynMssTooSmall, "SYN, MSS too small", Drop::kMssTooSmall},
    {Attack::kThreeTags, "three VLAN tags", Drop::kOtherEtherType},
    {Attack::kChainTooLong, "nine extension headers", Drop::kBadIpv6Header},
    {Attack::kFragment, "fragment", Drop::kFragment},
    {Attack::kAckSack, "ACK, unknown, SACK blocks", Drop::kBadCookie},
    {Attack::kAckOddOptions, "ACK, unknown, odd options", Drop::kBadCookie},
    {Attack::kAckIpOptions, "ACK, unknown, IP options", Drop::kBadCookie},
    {Attack::kAckExtensionHeaders, "ACK, unknown, extension headers", Drop::kBadCookie},
    {Attack::kRst, "RST, unknown", Drop::kRstWithoutConnection},
    {Attack::kSynAck, "SYN-ACK", Drop::kSynAck},
    {Attack::kNeighbor, "ARP or NDP", Route::kSend},
    {Attack::kEcho, "echo, 1,500 bytes", Route::kSend},
    {Attack::kMixed, "all of these mixed", Route::kSend},
};
static_assert(std::size(kRows) == static_cast<std::size_t>(Attack::kCount));
const Row& row_of(Attack attack) { return kRows[static_cast<std::size_t>(attack)]; }

Payload segment(std::uint8_t flags, const Bytes& options, Random& random) {
  wire::TcpHeader tcp{};
  tcp.src_port = wire::Port{static_cast<std::uint16_t>(1024 + below(random, 64'000))};
  tcp.dst_port = kServicePort;
  tcp.seq = wire::BigEndian32{static_cast<std::uint32_t>(random())};
  tcp.ack = wire::BigEndian32{static_cast<std::uint32_t>(random())};
  tcp.offset_and_reserved = wire::TcpHeader::offset_of(sizeof tcp + options.size());
  tcp.flags = flags;
  tcp.window = wire::BigEndian16{64'240};
  Payload payload{
      .bytes = {}, .checksum_at = offsetof(wire::TcpHeader, checksum), .protocol = Protocol::kTcp};
  append(payload.bytes, tcp);
  payload.bytes.insert(payload.bytes.end(), options.begin(), options.end());
  return payload;
}

/// `part` as often as it goes into 40 bytes, and NOPs.
Bytes repeated(std::initializer_list<std::uint32_t> part) {
  Bytes options;
  while (options.size() + part.size() <= wire::kMaxTcpOptionBytes) append(options, part);
  options.resize(wire::kMaxTcpOptionBytes, std::byte{Kind::kNop});
  return options;
}

/// One that begins at random claims to go on behind the end, or to have no room for its own length.
Bytes broken_options(Random& random) {
  Bytes options = odd_options(random);
  const std::uint32_t at = below(random, wire::kMaxTcpOptionBytes - 1);
  const std::uint32_t left = wire::kMaxTcpOptionBytes - at;
  options.resize(at);
  append(options, {2 + below(random, 7), below(random, 2) == 0 ? left + 1 : 1});
  options.resize(wire::kMaxTcpOptionBytes, std::byte{Kind::kSackPermitted});
  return options;
}

Bytes sack_blocks(Random& random) {
  Bytes options;
  append(options, {Kind::kNop, Kind::kNop, Kind::kSack, 34});
  while (options.size() < 36) append(options, {below(random, 256)});
  append(options, {Kind::kNop, Kind::kNop, Kind::kNop, Kind::kNop});
  return options;
}

template <Family kFamily>
Payload echo(Random& random) {
  Payload payload{.bytes = {},
                  .zeros = 1500 - (kFamily == Family::kIpv4 ? 20 : 40) - sizeof(wire::IcmpEcho),
                  .checksum_at = offsetof(wire::IcmpEcho, checksum),
                  .protocol = kFamily == Family::kIpv4 ? Protocol::kIcmp : Protocol::kIcmpv6};
  append(payload.bytes, wire::IcmpEcho{wire::kEchoRequest<kFamily>,
                                       0,
                                       {},
                                       wire::BigEndian16{static_cast<std::uint16_t>(random())},
                                       wire::BigEndian16{1}});
  return payload;
}

Stamp neighbor(Family family, Random& random) {
  wire::MacAddress mac = kOurMac;
  mac.bytes[5] = static_cast<std::uint8_t>(random());
  if (family == Family::kIpv4) {
    Bytes frame = link_to(std::uint16_t(wire::EtherType::kArp), 0, random);
    append(frame, wire::ArpPacket{wire::kArpEthernet,
                                  wire::kArpIpv4,
                                  sizeof mac,
                                  4,
                                  wire::kArpRequest,
                                  mac,
                                  client<Family::kIpv4>(random),
                                  {},
                                  kService4});
    return stamp_of(frame);
  }
  Payload payload{.bytes = {},
                  .checksum_at = offsetof(wire::NeighborSolicitation, checksum),
                  .protocol = Protocol::kIcmpv6};
  append(payload.bytes,
         wire::NeighborSolicitation{wire::Icmpv6Type::kNeighborSolicitation, 0, {}, {}, kService6});
  append(payload.bytes, wire::LinkLayerOption{wire::LinkLayerOption::kSource, 1, mac});
  return frame_of(family, std::move(payload), random, {.hop_limit = wire::kNdpHopLimit});
}

Stamp odd_syn(Family family, Random& random, const Envelope& envelope = {}) {
  return frame_of(family, segment(Flags::kSyn, odd_options(random), random), random, envelope);
}

Stamp odd_ack(Family family, Random& random, const Envelope& envelope = {}) {
  return frame_of(family, segment(Flags::kAck, odd_options(random), random), random, envelope);
}

Stamp make(Attack attack, Family family, Random& random) {
  const auto syn = [&](const Bytes& options) {
    return frame_of(family, segment(Flags::kSyn, options, random), random);
  };
  switch (attack) {
    case Attack::kSynOddOptions:
      return odd_syn(family, random);
    case Attack::kSynNops:
      return syn(repeated({Kind::kNop}));
    case Attack::kSynShortOptions:
      return syn(repeated({64 + below(random, 128), 2}));
    case Attack::kSynNopsBetween:
      return syn(repeated({Kind::kNop, 64 + below(random, 128), 2}));
    case Attack::kSynBrokenOptions:
      return syn(broken_options(random));
    case Attack::kSynNoOptions:
      return syn({});
    case Attack::kSynTwoTags:
      return odd_syn(family, random, {.tags = 2});
    case Attack::kSynIpOptions:
      return odd_syn(family, random, {.ip_option_bytes = 40});
    case Attack::kSynExtensionHeaders:
      return odd_syn(family, random, {.extensions = 1 + below(random, wire::kMaxExtensionHeaders)});
    case Attack::kSynText: {
      Payload payload = segment(Flags::kSyn, odd_options(random), random);
      payload.zeros = 1400;
      return frame_of(family, std::move(payload), random);
    }
    case Attack::kSynWrongChecksum: {
      Stamp stamp = odd_syn(family, random);
      stamp.bytes[stamp.size - 1u] ^= std::byte{1};
      return stamp;
    }
    case Attack::kSynMssTooSmall: {
      Bytes options;
      append(options, {Kind::kMss, 4, 0, below(random, 48)});
      const Bytes more = odd_options(random);
      options.insert(options.end(), more.begin(), more.end() - 4);
      return syn(options);
    }
    case Attack::kThreeTags:
      return odd_syn(family, random, {.tags = 3});
    case Attack::kChainTooLong:
      return odd_syn(family, random, {.extensions = wire::kMaxExtensionHeaders + 1});
    case Attack::kFragment:
      return odd_syn(family, random, {.extensions = wire::kMaxExtensionHeaders - 1, .fragment = true});
    case Attack::kAckSack:
      return frame_of(family, segment(Flags::kAck, sack_blocks(random), random), random);
    case Attack::kAckOddOptions:
      return odd_ack(family, random);
    case Attack::kAckIpOptions:
      return odd_ack(family, random, {.ip_option_bytes = 40});
    case Attack::kAckExtensionHeaders:
      return odd_ack(family, random, {.extensions = 1 + below(random, wire::kMaxExtensionHeaders)});
    case Attack::kRst:
      return frame_of(family, segment(Flags::kRst, odd_options(random), random), random);
    case Attack::kSynAck:
      return frame_of(family, segment(Flags::kSyn | Flags::kAck, odd_options(random), random), random);
    case Attack::kNeighbor:
      return neighbor(family, random);
    case Attack::kEcho:
      return frame_of(family,
                      family == Family::kIpv4 ? echo<Family::kIpv4>(random) : echo<Family::kIpv6>(random),
                      random);
    case Attack::kMixed:
    case Attack::kCount:
      break;
  }
  return {};
}

const std::vector<Stamp>& frames_of(Attack attack, Family family);

/// Kinds at random, of both families; every tenth is a common SYN, every tenth a forged ACK.
std::vector<Stamp> mixed(Random& random) {
  std::vector<Stamp> made;
  for (std::size_t n = 0; n < kAttacks; ++n) {
    const Family family = below(random, 2) == 0 ? Family::kIpv4 : Family::kIpv6;
    const std::uint32_t kind = below(random, 10);
    if (kind < 2) {
      made.push_back((kind == 0 ? stamps(family, Layout::kLinux) : forged_acks(family).stamps)[n]);
      continue;
    }
    Attack attack{};
    do attack = static_cast<Attack>(below(random, static_cast<std::uint32_t>(Attack::kMixed)));
    while (!exists(attack, family));
    made.push_back(frames_of(attack, family)[n]);
  }
  return made;
}

const std::vector<Stamp>& frames_of(Attack attack, Family family) {
  static std::map<std::pair<Attack, Family>, std::vector<Stamp>> made;
  auto& frames = made[{attack, family}];
  if (!frames.empty()) return frames;
  Random random{13};
  if (attack == Attack::kMixed) return frames = mixed(random);
  std::generate_n(std::back_inserter(frames), kAttacks, [&] { return make(attack, family, random); });
  return frames;
}

std::uint64_t count(const CounterReading& seen, std::variant<Route, Drop> end) {
  return std::visit([&seen](auto which) { return std::uint64_t{seen[which]}; }, end);
}

/// Of any kind: the row of each says how its packets end, and of a mixture no more is asked.
std::uint64_t ended_as_any(const CounterReading& seen) {
  std::set<Drop> reasons;  // some rows have the same
  for (const Row& row : kRows)
    if (const Drop* reason = std::get_if<Drop>(&row.end)) reasons.insert(*reason);
  std::uint64_t ended = seen[Route::kSend];
  for (const Drop reason : reasons) ended += seen[reason];
  return ended;
}

}  // namespace

std::string name_of(Attack attack) { return row_of(attack).name; }

bool exists(Attack attack, Family family) {
  switch (attack) {
    case Attack::kSynIpOptions:
    case Attack::kAckIpOptions:
      return family == Family::kIpv4;
    case Attack::kSynExtensionHeaders:
    case Attack::kAckExtensionHeaders:
    case Attack::kChainTooLong:
      return family == Family::kIpv6;
    default:
      return true;
  }
}

Traffic attack_of(Attack attack, Family family) {
  Traffic traffic = syns(family, Layout::kLinux);  // as SYNs: budgets are full, and time passes
  const auto end = row_of(attack).end;
  return {.stamps = frames_of(attack, family),
          .ended =
              [attack, end](const CounterReading& seen) {
                return attack == Attack::kMixed ? ended_as_any(seen) : count(seen, end);
              },
          .begin =
              [start_over = traffic.begin](Core& core) {
                start_over(core);
                core.state.strays = {};
              },
          .prepare = end == std::variant<Route, Drop>{Drop::kBadCookie}
                         ? [](Core&, const FrameSet&) {}  // no stray comes again later: it would get an RST
                         : traffic.prepare};
}

}  // namespace synward::bench
