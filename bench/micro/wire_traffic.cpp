#include "bench/micro/wire_traffic.hpp"

#include <algorithm>
#include <span>

#include "bench/micro/conversations.hpp"
#include "dataplane/housekeeping.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/checksum.hpp"

namespace synward::bench {
namespace {

using wire::Family;

/// Calls `work(connection, TCP header)` for each frame of `set` that has one.
template <Family kFamily, typename Work>
void each_connection(Core& core, const FrameSet& set, std::uint16_t port, Work&& work) {
  using List = Routes<kFamily>;
  Burst burst;
  const auto look = [&](Burst& b) {
    classify(b, core.state);
    const bool outside = port == Core::kOutside;
    for (const LaneIndex i : b.on(outside ? List::kSegment : List::kBackend)) {
      const auto flow = outside ? flow_of<kFamily>(b, i) : reversed<kFamily>(flow_of<kFamily>(b, i));
      if (auto* connection = core.state.table<kFamily>().find(flow)) work(*connection, tcp_header(b, i));
    }
  };
  each_burst(set, burst, look, port);
}

/// The connections of `set` never were, and no backend is asked.
void forget(Core& core, Family family, const FrameSet& set, std::uint16_t port) {
  const auto erase = [&core]<Family kFamily>(const table::Connection<kFamily>& connection,
                                             const wire::TcpHeader&) {
    core.state.table<kFamily>().erase(connection);
  };
  family == Family::kIpv4 ? each_connection<Family::kIpv4>(core, set, port, erase)
                          : each_connection<Family::kIpv6>(core, set, port, erase);
  while (!end_waiting(core.state)) core.finish_burst();
  core.finish_burst();
}
void forget(Core& core, Family family, const std::vector<Stamp>& from_clients) {
  FrameSet set{from_clients, from_clients.size()};
  set.restore();
  forget(core, family, set, Core::kOutside);
}

void open(Core& core, const Conversations& talks) {
  for (std::size_t at = 0; at < talks.acks.size(); at += kBurstMax) {
    replay().run(core, std::span{talks.acks}.subspan(at, kBurstMax), Core::kOutside);
    replay().run(core, std::span{talks.syn_acks}.subspan(at, kBurstMax), Core::kInside);
    core.finish_burst();
  }
}

/// The connections of `set` expect these texts.
template <Family kFamily>
void rewind(Core& core, const FrameSet& set, Bound bound) {
  const bool up = bound == Bound::kToBackend;
  each_connection<kFamily>(core, set, up ? Core::kOutside : Core::kInside,
                           [up](auto& connection, const wire::TcpHeader& tcp) {
                             auto& state = connection.state;
                             const wire::SeqNum seq{tcp.seq};
                             up ? state.client_next = seq : state.service_next = seq + state.splice.seq_delta;
                           });
}

/// Frames of kLinux, as UDP.
template <Family kFamily>
std::vector<Stamp> make_datagrams() {
  std::vector<Stamp> made = stamps(kFamily, Layout::kLinux);
  for (Stamp& stamp : made) {
    auto& ip = wire::overlay<IpHeader<kFamily>>(stamp.bytes.data() + sizeof(wire::EthernetHeader));
    if constexpr (kFamily == Family::kIpv4) {
      ip.protocol = wire::IpProtocol::kUdp;
      ip.checksum = {};
      ip.checksum = wire::finish(wire::add_bytes(0, std::as_bytes(std::span{&ip, 1})));
    } else {
      ip.next_header = wire::IpProtocol::kUdp;
    }
  }
  return made;
}

}  // namespace

Traffic wire_syns(Family family) {
  Traffic traffic = syns(family, Layout::kLinux);
  traffic.mode = Core::Mode::kInline;
  return traffic;
}

Traffic passing_datagrams(Family family) {
  static const std::vector<Stamp> four = make_datagrams<Family::kIpv4>(),
                                  six = make_datagrams<Family::kIpv6>();
  return {.stamps = family == Family::kIpv4 ? four : six,
          .ended = [](const auto& seen) { return std::min(seen[Event::kPassed], seen[Route::kForward]); },
          .mode = Core::Mode::kInline};
}

Traffic backend_asks(Family family) {
  const Conversations& talks = conversations(family, Layout::kLinux);
  return {.stamps = talks.acks,
          .ended = [](const auto& seen) { return std::min(seen[Event::kPromoted], seen[Route::kHold]); },
          .begin = [family, &talks](Core& core) { forget(core, family, talks.acks); },
          .prepare = [family](Core& core, const FrameSet& set) { forget(core, family, set, Core::kOutside); },
          .mode = Core::Mode::kInline};
}

Traffic backend_answers(Family family) {
  const Conversations& talks = conversations(family, Layout::kLinux);
  const auto ask = [family, &talks](Core& core, const FrameSet& set) {
    forget(core, family, set, Core::kInside);
    const std::span acks = std::span{talks.acks}.subspan(set.first(), set.size());
    for (std::size_t at = 0; at < acks.size(); at += kBurstMax) {
      replay().run(core, acks.subspan(at, kBurstMax), Core::kOutside);
      core.finish_burst();
    }
  };
  return {.stamps = talks.syn_acks,
          .ended =
              [](const auto& seen) { return std::min(seen[Event::kBackendEstablished], seen[Route::kSend]); },
          .begin = [family, &talks](Core& core) { forget(core, family, talks.acks); },
          .prepare = ask,
          .mode = Core::Mode::kInline,
          .port = Core::kInside};
}

Traffic spliced_texts(Family family, Layout layout, Bound bound, bool sack) {
  const Conversations& talks = conversations(family, layout);
  const bool ipv4 = family == Family::kIpv4, up = bound == Bound::kToBackend;
  const Route route =
      up ? (ipv4 ? Route::kKnown4 : Route::kKnown6) : (ipv4 ? Route::kBackend4 : Route::kBackend6);
  return {.stamps = !up    ? talks.to_client
                    : sack ? talks.to_backend_with_sack
                           : talks.to_backend,
          .ended = [route](const auto& seen) { return std::min(seen[route], seen[Route::kForward]); },
          .begin =
              [family, &talks](Core& core) {
                forget(core, family, talks.acks);
                open(core, talks);
              },
          .prepare =
              [ipv4, bound](Core& core, const FrameSet& set) {
                ipv4 ? rewind<Family::kIpv4>(core, set, bound) : rewind<Family::kIpv6>(core, set, bound);
              },
          .mode = Core::Mode::kInline,
          .port = up ? Core::kOutside : Core::kInside};
}

}  // namespace synward::bench
