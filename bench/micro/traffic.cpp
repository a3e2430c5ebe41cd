#include "bench/micro/traffic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>

#include "bench/micro/networks.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward::bench {
namespace {

using wire::Family;

enum class Sent : std::uint8_t { kCookieAck, kForgedAck, kText };

/// What the client sends to whom the frame goes, a SYN-ACK of ours.
template <Family kFamily>
Stamp next_of(std::span<const std::byte> syn_ack, Sent sent, std::mt19937& random) {
  const auto received = handshake::parse_frame<kFamily>(syn_ack);
  if (!received) throw std::logic_error{"no SYN-ACK"};
  static constexpr std::array<std::byte, kTextBytes> kText{};
  const std::span text = std::span{kText}.first(sent == Sent::kText ? kText.size() : 0);
  handshake::Segment segment{.seq = received->segment.ack,
                             .ack = received->segment.seq + 1,
                             .flags = wire::TcpFlags::kAck,
                             .window = 502,
                             .text_bytes = static_cast<std::uint16_t>(text.size())};
  if (sent == Sent::kForgedAck) segment.ack = wire::SeqNum{static_cast<std::uint32_t>(random())};
  if (const auto& theirs = received->segment.options.timestamps)
    segment.options.timestamps = wire::TcpTimestamps{theirs->tsecr + 1, theirs->tsval};
  Stamp stamp{};
  const auto frame = handshake::build_frame<kFamily>(received->path, segment, text, stamp.bytes);
  stamp.size = static_cast<std::uint16_t>(frame.size());
  return stamp;
}

template <Family kFamily>
std::vector<Stamp> make(Sent sent) {
  Core core;
  FrameSet set{stamps(kFamily, Layout::kLinux), kStamps};
  set.restore();
  std::vector<Stamp> made;
  made.reserve(set.size());
  std::mt19937 random{11};
  Burst burst;
  each_burst(set, burst, [&](Burst& b) {
    run_burst(core.state, b);
    for (const LaneIndex i : b.on(Route::kSend))
      made.push_back(next_of<kFamily>({b.frame[i], b.frame_bytes[i]}, sent, random));
  });
  return made;
}

/// kStamps segments, of the clients whose SYNs stamps(family, Layout::kLinux) are; made at the first call.
const std::vector<Stamp>& segments(Family family, Sent sent) {
  static std::map<std::pair<Family, Sent>, std::vector<Stamp>> made;
  auto& segments = made[{family, sent}];
  if (segments.empty())
    segments = family == Family::kIpv4 ? make<Family::kIpv4>(sent) : make<Family::kIpv6>(sent);
  return segments;
}

void open_connections(Core& core, const std::vector<Stamp>& acks) {
  FrameSet set{acks, acks.size()};
  set.restore();
  Burst burst;
  each_burst(set, burst, [&core](Burst& b) { run_burst(core.state, b); });
}

/// The connections of `set` expect these texts.
template <Family kFamily>
void rewind(Core& core, const FrameSet& set) {
  Burst burst;
  each_burst(set, burst, [&core](Burst& b) {
    classify(b, core.state);
    for (const LaneIndex i : b.on(Routes<kFamily>::kSegment)) {
      auto* const connection = core.state.table<kFamily>().find(flow_of<kFamily>(b, i));
      connection->state.client_next = wire::SeqNum{tcp_header(b, i).seq};
    }
  });
}

template <Family kFamily>
const wire::Address<kFamily>& client_of(const Stamp& syn) {
  return wire::overlay<IpHeader<kFamily>>(syn.bytes.data() + sizeof(wire::EthernetHeader)).source;
}

template <Family kFamily>
service::DropList strangers(std::size_t count) {
  std::vector<wire::Address<kFamily>> clients;
  for (const Stamp& syn : stamps(kFamily, Layout::kLinux)) clients.push_back(client_of<kFamily>(syn));
  std::sort(clients.begin(), clients.end());
  std::vector<wire::Prefix> networks;
  std::mt19937 random{13};
  while (networks.size() < count) {
    const wire::Prefix network = any_network<kFamily>(random);
    // The first client that is not below it would be in it, if any is.
    const auto& first = std::get<wire::Address<kFamily>>(network.address);
    const auto near = std::lower_bound(clients.begin(), clients.end(), first);
    if (near == clients.end() || network_of(*near, network.bits) != network) networks.push_back(network);
  }
  return service::DropList{networks};
}

template <Family kFamily>
service::DropList clients() {
  std::vector<wire::Prefix> networks;
  for (const Stamp& syn : stamps(kFamily, Layout::kLinux))
    networks.push_back(network_of(client_of<kFamily>(syn), kFamily == Family::kIpv4 ? 24 : 48));
  return service::DropList{networks};
}

}  // namespace

service::DropList strangers(Family family, std::size_t count) {
  return family == Family::kIpv4 ? strangers<Family::kIpv4>(count) : strangers<Family::kIpv6>(count);
}
service::DropList clients(Family family) {
  return family == Family::kIpv4 ? clients<Family::kIpv4>() : clients<Family::kIpv6>();
}
Traffic syns_of_listed(Family family) {
  Traffic traffic = syns(family, Layout::kLinux);
  traffic.ended = [](const auto& seen) { return seen[Drop::kDropList]; };
  return traffic;
}

Traffic syns(Family family, Layout layout) {
  return {.stamps = stamps(family, layout),
          .ended = [](const auto& seen) { return std::min(seen[Event::kSynAnswered], seen[Route::kSend]); },
          .begin =
              [](Core& core) {
                core.state.overload = {};
                core.state.syn_budget = PrefixBudget{core.state.secret};
              },
          .prepare = [](Core& core, const FrameSet& set) { core.pass_time(set.size()); }};
}

Traffic syns_to_ports(Family family, std::uint16_t first, std::uint16_t ports) {
  static std::vector<Stamp> made;
  made = stamps(family, Layout::kLinux);
  const std::size_t ip_bytes = family == Family::kIpv4 ? sizeof(wire::Ipv4Header) : sizeof(wire::Ipv6Header);
  std::mt19937 random{12};
  for (Stamp& stamp : made) {
    const std::span tcp = std::span{stamp.bytes}.subspan(sizeof(wire::EthernetHeader) + ip_bytes);
    auto& header = wire::overlay<wire::TcpHeader>(tcp.data());
    const wire::Port port{static_cast<std::uint16_t>(first + random() % ports)};
    header.checksum = wire::update(header.checksum, std::bit_cast<wire::BigEndian16>(header.dst_port),
                                   std::bit_cast<wire::BigEndian16>(port));
    header.dst_port = port;
  }
  Traffic traffic = syns(family, Layout::kLinux);
  return {.stamps = made, .ended = traffic.ended, .begin = traffic.begin, .prepare = traffic.prepare};
}

Traffic syns_beside_limited(Family family) {
  Traffic traffic = syns(family, Layout::kLinux);
  traffic.prepare = [](Core& core, const FrameSet& set) {
    core.pass_time(set.size());
    PrefixBudget& budget = core.state.syn_budget;
    budget.advance(core.state.now.mono_ms);
    while (!budget.active()) (void)budget.sample(kBurstMax, [](std::size_t) { return ClientPrefix{1}; });
  };
  return traffic;
}

/// So far behind that nobody is asked whether it came before, and not for so long that shedding is given up.
Overload far_behind() {
  constexpr std::size_t kQueue = 65'536;
  Overload overload;
  for (std::size_t frames = 0; frames < 8 * kQueue; frames += kBurstMax) {
    overload.polled(0, kBurstMax, kQueue);
    if (overload.judge(kBurstMax, kBurstMax, 0) == Shed::kAny) return overload;
  }
  throw std::logic_error{"nothing would be shed"};
}

Traffic syns_too_many(Family family) {
  Traffic traffic = syns(family, Layout::kLinux);
  traffic.ended = [](const auto& seen) {
    return seen[Drop::kOverload] + seen[Event::kSynAnswered] - seen[Event::kSheddingGivenUp];
  };
  traffic.prepare = [behind = far_behind(), pass_time = traffic.prepare](Core& core, const FrameSet& set) {
    pass_time(core, set);
    core.state.overload = behind;  // in each pass the same SYNs come
  };
  return traffic;
}

Traffic foreign_frames() {
  return {.stamps = stamps(Family::kIpv4, Layout::kForeign),
          .ended = [](const auto& seen) { return seen[Drop::kOtherMac]; }};
}

Traffic cookie_acks(Family family) {
  return {.stamps = segments(family, Sent::kCookieAck),
          .ended = [](const auto& seen) { return std::min(seen[Event::kPromoted], seen[Route::kForward]); },
          .prepare = [](Core& core, const FrameSet&) { core.forget_connections(); }};
}

Traffic forged_acks(Family family) {
  return {.stamps = segments(family, Sent::kForgedAck),
          .ended = [](const auto& seen) { return seen[Drop::kBadCookie]; }};
}

Traffic texts(Family family) {
  const bool ipv4 = family == Family::kIpv4;
  const Route known = ipv4 ? Route::kKnown4 : Route::kKnown6;
  return {.stamps = segments(family, Sent::kText),
          .ended = [known](const auto& seen) { return std::min(seen[known], seen[Route::kSend]); },
          .begin = [family](Core& core) { open_connections(core, segments(family, Sent::kCookieAck)); },
          .prepare = ipv4 ? rewind<Family::kIpv4> : rewind<Family::kIpv6>};
}

}  // namespace synward::bench
