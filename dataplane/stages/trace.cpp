// What `synward trace` sees: each packet as it came, what left in its place, and where it ended. All of it
// is read beside the stages, which know nothing of it: nothing here changes what becomes of a packet.
#include "dataplane/trace.hpp"

#include <ctime>

#include "dataplane/accept/acceptor.hpp"
#include "dataplane/cookie/cookie.hpp"
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/cut_frame.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward {
namespace {

using wire::Family;

constexpr std::array kEnds{Route::kSend, Route::kForward, Route::kHold, Route::kDrop};

std::uint64_t wall_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t pseudo_header_of(const wire::Ipv4Header& ip, std::uint8_t protocol, std::uint16_t bytes) {
  return wire::pseudo_header_sum(ip.source, ip.destination, protocol, bytes);
}
std::uint64_t pseudo_header_of(const wire::Ipv6Header& ip, std::uint8_t protocol, std::uint16_t bytes) {
  return wire::pseudo_header_sum(ip.source, ip.destination, protocol, bytes);
}

/// What belongs into a field that is under `sum` itself.
wire::Checksum without(std::uint64_t sum, wire::Checksum field) {
  return wire::finish(wire::add_sums(sum, static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(field))));
}

/// The checksum that was expected of a lane that ended for want of it. Its frame is as it came.
template <typename IpHeader>
wire::Checksum expected_checksum(const Burst& burst, LaneIndex i, const IpHeader& ip) {
  const std::span bytes = transport_bytes(burst, i);
  const auto length = static_cast<std::uint16_t>(bytes.size());
  const std::uint64_t sum = wire::add_bytes(0, bytes);
  if (burst.drop[i] == Drop::kBadTcpChecksum)
    return without(wire::add_sums(sum, pseudo_header_of(ip, wire::IpProtocol::kTcp, length)),
                   tcp_header(burst, i).checksum);
  const auto& icmp = header_at<wire::IcmpHeader>(burst, i, burst.view[i].transport);
  const bool is_icmpv6 = std::is_same_v<IpHeader, wire::Ipv6Header>;
  const std::uint64_t pseudo = is_icmpv6 ? pseudo_header_of(ip, wire::IpProtocol::kIcmpv6, length) : 0;
  return without(wire::add_sums(sum, pseudo), icmp.checksum);
}

std::optional<wire::Checksum> right_checksum(const Burst& burst, LaneIndex i) {
  const Drop reason = burst.drop[i];
  const bool is_ip = reason == Drop::kBadIpv4Checksum;
  if (!is_ip && reason != Drop::kBadTcpChecksum && reason != Drop::kBadIcmpChecksum) return {};
  const auto& ipv4 = ip_header<Family::kIpv4>(burst, i);
  if (ipv4.version_and_ihl >> 4 != 4) return expected_checksum(burst, i, ip_header<Family::kIpv6>(burst, i));
  if (!is_ip) return expected_checksum(burst, i, ipv4);
  const std::span header{burst.frame[i] + burst.view[i].network, ipv4.header_bytes()};
  return without(wire::add_bytes(0, header), ipv4.checksum);
}

/// A packet's tuple, seen from its client, whoever sent it.
template <Family kFamily>
struct Tuple {
  table::FlowKey<kFamily> flow;
  bool has_ports;
};

template <Family kFamily, typename IpHeader>
Tuple<kFamily> tuple_of(const IpHeader& ip, const wire::TcpHeader* tcp, Side side) {
  Tuple<kFamily> tuple{.flow = {ip.source, ip.destination, wire::Port{0}, wire::Port{0}},
                       .has_ports = tcp != nullptr};
  if (tcp != nullptr) {
    tuple.flow.client_port = tcp->src_port;
    tuple.flow.service_port = tcp->dst_port;
  }
  if (side == Side::kInside) {
    std::swap(tuple.flow.client, tuple.flow.service);
    std::swap(tuple.flow.client_port, tuple.flow.service_port);
  }
  return tuple;
}

template <typename Address>
bool covers(const wire::Prefix& prefix, const Address& address) {
  const auto* wanted = std::get_if<Address>(&prefix.address);
  if (wanted == nullptr) return false;
  const auto mask = wire::prefix_mask<Address>(prefix.bits);
  for (std::size_t n = 0; n < mask.bytes.size(); ++n)
    if (((wanted->bytes[n] ^ address.bytes[n]) & mask.bytes[n]) != 0) return false;
  return true;
}

/// The cookies that might have been meant, had only the timestamps come, or not come.
template <Family kFamily>
CookieDoubt doubt_of(const CoreState& core, const table::FlowKey<kFamily>& flow, const wire::TcpHeader& tcp,
                     std::span<const std::byte> options) {
  cookie::Message<kFamily> message;
  cookie::fill_message<kFamily>(message, flow.client, flow.service, flow.client_port, flow.service_port,
                                wire::SeqNum{tcp.seq} - 1);
  const auto holds = [&](std::optional<std::uint32_t> tsecr) {
    const cookie::CookieAck ack{wire::SeqNum{tcp.ack} - 1, tsecr};
    std::optional<cookie::Admission> admission;
    cookie::check_cookies<kFamily>(core.keys, &message, &ack, &admission, 1);
    return admission.has_value();
  };
  if (wire::parse_tcp_options(options).timestamps())
    return holds(std::nullopt) ? CookieDoubt::kMintedWithout : CookieDoubt::kNone;
  for (std::uint32_t bits = 0; bits <= cookie::kTsvalOptionMask; ++bits)
    if (holds(bits)) return CookieDoubt::kMintedWith;
  return CookieDoubt::kNone;
}

template <Family kFamily>
std::optional<TracedConnection> connection_of(CoreState& core, const table::FlowKey<kFamily>& flow) {
  const auto* const found = core.table<kFamily>().find(flow);
  if (found == nullptr) return {};
  const auto& state = found->state;
  const bool is_spliced = core.is_inline() && state.splice.is_spliced;
  const std::uint32_t window = (*core.services)[state.service].profile.window;
  return TracedConnection{
      .phase = state.phase.get(),
      .is_spliced = is_spliced,
      .timestamps = state.options.timestamps,
      .client_next = state.client_next,
      .service_next = state.service_next,
      .receive_window = core.is_inline() ? 0 : accept::receive_window(state.window_scales, window)};
}

/// One burst's samples, in the order of arrival.
class Sampler {
 public:
  Sampler(const Burst& burst, CoreState& core, TraceTap& tap) : burst_{burst}, core_{core}, tap_{tap} {}

  void sample(LaneIndex i, Route verdict) {
    const Drop reason = verdict == Route::kDrop ? burst_.drop[i] : Drop::kNone;
    if (!tap_.filter.wants(verdict, reason)) return;
    const KeptFrame& frame = tap_.frames[i];
    const wire::CutFrame cut = wire::read_cut_frame(frame.kept());
    if (cut.ipv4 != nullptr) return sample_packet<Family::kIpv4>(i, verdict, reason, cut, *cut.ipv4);
    if (cut.ipv6 != nullptr) return sample_packet<Family::kIpv6>(i, verdict, reason, cut, *cut.ipv6);
    if (!tap_.filter.client && !tap_.filter.service) record(i, verdict, reason);
  }

 private:
  template <Family kFamily, typename IpHeader>
  void sample_packet(LaneIndex i, Route verdict, Drop reason, const wire::CutFrame& cut, const IpHeader& ip) {
    const auto [flow, has_ports] = tuple_of<kFamily>(ip, cut.tcp, core_.ports[burst_.port].side);
    const TraceFilter& filter = tap_.filter;
    if (filter.client && !covers(*filter.client, flow.client)) return;
    const auto service =
        has_ports ? core_.services->find<kFamily>(flow.service, flow.service_port) : service::kNoService;
    if (filter.service && service != *filter.service) return;
    TraceRecord* const made = record(i, verdict, reason);
    if (made == nullptr || service == service::kNoService) return;
    made->service = service;
    made->connection = connection_of<kFamily>(core_, flow);
    if (reason == Drop::kBadCookie)
      made->doubt = doubt_of<kFamily>(core_, flow, *cut.tcp, cut.tcp_options(tap_.frames[i].kept()));
  }

  /// Null when there is no room.
  TraceRecord* record(LaneIndex i, Route verdict, Drop reason) {
    publish();
    made_ = tap_.room();
    if (made_ == nullptr) return tap_.miss(1), nullptr;
    if (wall_ns_ == 0) wall_ns_ = wall_ns();
    made_->wall_ns = wall_ns_;
    made_->worker = core_.index;
    made_->port = burst_.port;
    made_->verdict = verdict;
    made_->reason = reason;
    made_->service = service::kNoService;
    made_->connection.reset();
    made_->doubt = CookieDoubt::kNone;
    made_->right_checksum = tap_.right_checksums[i];
    made_->frame = tap_.frames[i];
    made_->answer.bytes = 0;
    if (has_lane(tap_.answered, i) && !is_same(tap_.answers[i], tap_.frames[i]))
      made_->answer = tap_.answers[i];
    return made_;
  }
  static bool is_same(const KeptFrame& a, const KeptFrame& b) {
    return a.bytes == b.bytes && std::ranges::equal(a.kept(), b.kept());
  }

 public:
  /// The last one, which is complete now.
  void publish() {
    if (made_ != nullptr) tap_.publish();
    made_ = nullptr;
  }

 private:
  const Burst& burst_;
  CoreState& core_;
  TraceTap& tap_;
  TraceRecord* made_ = nullptr;
  std::uint64_t wall_ns_ = 0;
};

}  // namespace

void trace_arrivals(const Burst& burst, CoreState& core) {
  if (core.trace == nullptr) return;
  TraceTap& tap = *core.trace;
  tap.watching = tap.has_room();
  if (!tap.watching) return tap.miss(burst.size);
  for (std::size_t i = 0; i < burst.size; ++i) tap.frames[i].keep({burst.frame[i], burst.frame_bytes[i]});
}

void trace_answers(const Burst& burst, CoreState& core) {
  if (core.trace == nullptr || !core.trace->watching) return;
  TraceTap& tap = *core.trace;
  tap.answered = 0;
  if (tap.filter.wants_answers()) {
    tap.answered = burst.on(Route::kSend).bits();
    if (core.is_inline()) tap.answered |= burst.on(Route::kForward).bits();
    for_each_lane(tap.answered, [&](LaneIndex i) {
      tap.answers[i].keep({burst.frame[i], burst.frame_bytes[i]});
    });
  }
  for (std::size_t i = 0; i < burst.size; ++i) tap.right_checksums[i].reset();
  for_each_lane(burst.on(Route::kDrop).bits(),
                [&](LaneIndex i) { tap.right_checksums[i] = right_checksum(burst, i); });
}

void trace_verdicts(const Burst& burst, CoreState& core) {
  if (core.trace == nullptr || !core.trace->watching) return;
  Lane<Route> verdicts;
  simd::LaneBits ended = 0;
  for (const Route route : kEnds) {
    for (const LaneIndex i : burst.on(route)) verdicts[i] = route;
    ended |= burst.on(route).bits();
  }
  Sampler sampler{burst, core, *core.trace};
  for_each_lane(ended, [&](LaneIndex i) { sampler.sample(i, verdicts[i]); });
  sampler.publish();
}

}  // namespace synward
