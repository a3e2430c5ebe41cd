// SYNs as nearly all clients send them leave here for answer_syn(), read and verified by kernels that look at
// 8 or 16 at a time (simd/kernels.hpp), and so do SYNs of other options. Under a flood little else comes.
// Other segments that the kernels read stay in on(kReceived), among those that arrived before and after them,
// for classify() to send on. Whatever is not quite so, and whatever is not for a service of ours, is left as
// it is to classify().
#include <bit>
#include <cstddef>
#include <cstring>
#include <emmintrin.h>  // SSE2: part of x86-64

#include "dataplane/stages/classify_segment.hpp"
#include "dataplane/stages/find_wrapped.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using simd::LaneBits;
using wire::Family;

simd::MacFilter macs_of(const PortInfo& port) {
  if (port.side != Side::kEndpoint) return {.wanted = 0, .mask = 1};  // of no group: the I/G bit
  simd::MacFilter own{.wanted = 0, .mask = 0xffff'ffff'ffff};
  std::memcpy(&own.wanted, &port.mac, sizeof port.mac);
  return own;
}

static_assert(kBurstMax == simd::SynBatch::kMax && kBurstMax % simd::kPadding == 0);
static_assert(kFrameSlack >= simd::kMostRead);

/// What kernels look at: whole registers, so beyond the burst there is nothing, but readable.
simd::Frames frames_of(Burst& burst) {
  for (std::size_t i = burst.size; i < simd::padded(burst.size); ++i) {
    burst.frame[i] = simd::no_frame;
    burst.frame_bytes[i] = 0;
  }
  return {burst.frame.data(), burst.frame_bytes.data(), burst.size};
}

/// The lanes that have room for an IP header of the least length and a TCP header.
LanesByLink candidates(Burst& burst, const simd::Links& links) {
  LanesByLink found;
  found.ipv4[0] = links.ipv4;
  found.ipv6[0] = links.ipv6;
  for_each_lane(links.tagged, [&](LaneIndex i) {
    const auto link = wire::parse_ethernet({burst.frame[i], burst.frame_bytes[i]});
    if (!link) return;
    const auto fits = [&](std::size_t ip_bytes) {
      return burst.frame_bytes[i] >= link->network_offset + ip_bytes + sizeof(wire::TcpHeader);
    };
    if (link->ether_type == std::uint16_t(wire::EtherType::kIpv4) && fits(sizeof(wire::Ipv4Header)))
      found.ipv4[link->vlan_tags] |= lane_bit(i);
    if (link->ether_type == std::uint16_t(wire::EtherType::kIpv6) && fits(sizeof(wire::Ipv6Header)))
      found.ipv6[link->vlan_tags] |= lane_bit(i);
  });
  return found;
}

/// Of a segment behind an IP header of the least length; `bytes`: its header and text.
template <Family kFamily>
PacketView view_of(std::uint16_t network, std::uint32_t bytes, service::ServiceId service) {
  return {.network = network,
          .transport = static_cast<std::uint16_t>(network + sizeof(IpHeader<kFamily>)),
          .transport_bytes = static_cast<std::uint16_t>(bytes),
          .service = service};
}

/// How many bytes the segments have, header and text: of a lane, or of four from one on.
struct BytesOfSyns {
  [[nodiscard]] std::uint32_t operator()(LaneIndex i) const {
    return (batch.offered[i] >> simd::SynTerms::kOffsetBit & 15) * 4;
  }
  [[nodiscard]] __m128i four(std::size_t i) const {
    const __m128i offered = _mm_load_si128(reinterpret_cast<const __m128i*>(batch.offered + i));
    return _mm_slli_epi32(
        _mm_and_si128(_mm_srli_epi32(offered, simd::SynTerms::kOffsetBit), _mm_set1_epi32(15)), 2);
  }
  const simd::SynBatch& batch;
};
struct BytesOfSegments {
  [[nodiscard]] std::uint32_t operator()(LaneIndex i) const { return batch.bytes[i]; }
  [[nodiscard]] __m128i four(std::size_t i) const {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(batch.bytes + i));
  }
  const simd::SegmentBatch& batch;
};

/// view_of() for all lanes of a full burst, four at a time.
template <Family kFamily, typename BytesOf>
void put_all_views(Burst& burst, std::uint16_t network, const BytesOf& bytes_of, service::ServiceId service) {
  static_assert(sizeof(PacketView) == 8 && offsetof(PacketView, transport) == 2 &&
                offsetof(PacketView, transport_bytes) == 4 && offsetof(PacketView, service) == 6);
  const auto transport = static_cast<int>(network + sizeof(IpHeader<kFamily>));
  const __m128i offsets = _mm_set1_epi32(network | transport << 16),
                services = _mm_set1_epi32(static_cast<int>(std::uint32_t{service} << 16));
  auto* const pairs = reinterpret_cast<__m128i*>(burst.view.data());
  for (std::size_t i = 0; i < kBurstMax; i += 4) {
    const __m128i rest = _mm_or_si128(bytes_of.four(i), services);
    _mm_storeu_si128(pairs + i / 2, _mm_unpacklo_epi32(offsets, rest));
    _mm_storeu_si128(pairs + i / 2 + 1, _mm_unpackhi_epi32(offsets, rest));
  }
}

/// The headers of a lane, as the kernels see them.
template <Family kFamily>
struct Headers {
  Headers(const simd::Frames& frames, LaneIndex i, std::size_t network)
      : ip{wire::overlay<IpHeader<kFamily>>(frames.frame[i] + network)},
        tcp{wire::overlay<wire::TcpHeader>((frames.between == nullptr ? frames.frame : frames.shifted)[i] +
                                           network + sizeof ip)} {}
  const IpHeader<kFamily>& ip;
  const wire::TcpHeader& tcp;
};

/// What the service of a lane is found by.
template <Family kFamily, Side kSide>
[[gnu::always_inline]] inline service::ServiceKey<kFamily> key_of(const simd::Frames& frames, LaneIndex i,
                                                                  std::uint16_t network) {
  const Headers<kFamily> headers{frames, i, network};
  return {service_address<kFamily, kSide>(headers.ip), service_port<kSide>(headers.tcp)};
}

/// Which of `lanes` are for a service. These get their views, with `bytes_of(i)`. First the rows of all are
/// asked for, so that none waits for another's memory. (Not inlined: admit() would keep less of the usual way
/// in registers.)
template <Family kFamily, Side kSide, typename BytesOf>
[[gnu::noinline]] LaneBits look_up(Burst& burst, const CoreState& core, const simd::Frames& frames,
                                   std::uint16_t network, LaneBits lanes, const BytesOf& bytes_of) {
  Lane<service::ServiceKey<kFamily>> keys;
  Lane<const typename service::RowTable<kFamily>::Row*> rows;
  LaneBits left = lanes;
  for (const auto& level : core.services->levels<kFamily>()) {
    for_each_lane(left, [&](LaneIndex i) {
      keys[i] = key_of<kFamily, kSide>(frames, i, network) & level.mask;
      rows[i] = &level.services.row_for(keys[i]);
      __builtin_prefetch(rows[i]);
    });
    LaneBits missing = 0;
    for_each_lane(left, [&](LaneIndex i) {
      const auto service = rows[i]->service_of(keys[i]);
      burst.view[i] = view_of<kFamily>(network, bytes_of(i), service);
      if (service == service::kNoService) missing |= lane_bit(i);
    });
    left = missing;
    if (left == 0) break;
  }
  return lanes & ~left;
}

/// Where this lane goes, or came from, others will: the next hint.
template <Family kFamily, Side kSide>
void remember(LastLookup& last, const Burst& burst, const simd::Frames& frames, LaneIndex lane) {
  const PacketView& view = burst.view[lane];
  const Headers<kFamily> headers{frames, lane, view.network};
  const auto& address = service_address<kFamily, kSide>(headers.ip);
  last.service = view.service;
  last.hint.port = std::bit_cast<std::uint16_t>(service_port<kSide>(headers.tcp));
  std::memcpy(last.hint.destination, &address, sizeof address);
}

/// The lanes that the hint was right about, and the service that it stands for.
struct Hinted {
  LaneBits lanes;
  service::ServiceId service;
};
Hinted hinted(LaneBits lanes, const LastLookup& last) {
  return {.lanes = last.service == service::kNoService ? 0 : lanes, .service = last.service};
}

/// Which of `lanes` are for a service, or come from one, on the inside: what the hint does not tell is looked
/// up. These lanes get their views, with `bytes_of(i)`.
template <Family kFamily, Side kSide, typename BytesOf>
LaneBits admit(Burst& burst, CoreState& core, const simd::Frames& frames, std::uint16_t network,
               LaneBits lanes, const Hinted& hinted, const BytesOf& bytes_of) {
  const LaneBits known = lanes & hinted.lanes;
  if (known == ~LaneBits{0}) {
    put_all_views<kFamily>(burst, network, bytes_of, hinted.service);
  } else {
    for_each_lane(
        known, [&](LaneIndex i) { burst.view[i] = view_of<kFamily>(network, bytes_of(i), hinted.service); });
  }
  if (known == lanes) return known;
  const LaneBits others = look_up<kFamily, kSide>(burst, core, frames, network, lanes & ~known, bytes_of);
  if (others != 0)
    remember<kFamily, kSide>(core.last_lookup<kFamily>(), burst, frames,
                             static_cast<LaneIndex>(std::bit_width(others) - 1));
  return known | others;
}

/// Of `lanes`, those that come from nobody whose address is a service's.
template <Family kFamily>
LaneBits from_clients(const Burst& burst, const CoreState& core, std::uint16_t network, LaneBits lanes,
                      LaneBits strangers) {
  for_each_lane(lanes & ~strangers, [&](LaneIndex i) {
    if (core.services->owns<kFamily>(header_at<IpHeader<kFamily>>(burst, i, network).source))
      lanes &= ~lane_bit(i);
  });
  return lanes;
}

/// Buckets come while others are classified: nobody has to wait for them.
template <Family kFamily>
void expect_lookups(const Burst& burst, CoreState& core, LaneBits lanes) {
  const auto& table = core.table<kFamily>();
  for_each_lane(lanes, [&](LaneIndex i) { table.expect_lookup(burst.common_segments.batch.hash(i)); });
}

/// Segments of backends, which all stay in on(kReceived).
template <Family kFamily>
void match_answers(Burst& burst, CoreState& core, const simd::Frames& frames,
                   const LanesByLink::Lanes& candidates) {
  CommonSegments& segments = burst.common_segments;
  const LastLookup& last = core.last_lookup<kFamily>();
  for (std::size_t tags = 0; tags < candidates.size(); ++tags) {
    if (candidates[tags] == 0) continue;
    const auto network = static_cast<std::uint16_t>(LanesByLink::network(tags));
    const auto found = core.kernels->match_answers<kFamily>()(frames, network, candidates[tags], last.hint,
                                                              core.secret, segments.batch);
    const LaneBits lanes =
        admit<kFamily, Side::kInside>(burst, core, frames, network, found.segments,
                                      hinted(found.from_hint, last), BytesOfSegments{segments.batch});
    expect_lookups<kFamily>(burst, core, lanes);
    segments.of<kFamily>()[tags] = lanes;
  }
}

/// Segments of clients. Returns the SYNs.
template <Family kFamily>
[[gnu::always_inline]] inline LaneBits match(Burst& burst, CoreState& core, const simd::Frames& frames,
                                             const LanesByLink::Lanes& candidates) {
  CommonSyns& syns = burst.common_syns;
  CommonSegments& segments = burst.common_segments;
  LastLookup& last = core.last_lookup<kFamily>();
  last.hint.neighborhoods = core.services->neighborhood_words<kFamily>();
  LaneBits common = 0, odd = 0;
  for (std::size_t tags = 0; tags < candidates.size(); ++tags) {
    if (candidates[tags] == 0) continue;
    const auto network = static_cast<std::uint16_t>(LanesByLink::network(tags));
    const auto found = core.kernels->match<kFamily>()(frames, network, candidates[tags], last.hint,
                                                      core.secret, syns.batch, segments.batch);
    const Hinted to_hint = hinted(found.to_hint, last);
    const auto admit_clients = [&](LaneBits lanes, const auto& bytes_of) {
      return admit<kFamily, Side::kOutside>(
          burst, core, frames, network, from_clients<kFamily>(burst, core, network, lanes, found.strangers),
          to_hint, bytes_of);
    };
    const LaneBits admitted = admit_clients(found.syns, BytesOfSyns{syns.batch});
    syns.of<kFamily>()[tags] |= admitted;
    common |= admitted;
    if ((found.segments | found.odd_syns) == 0) continue;  // under a flood
    const BytesOfSegments bytes_of{segments.batch};
    const LaneBits others = admit_clients(found.segments, bytes_of);
    segments.of<kFamily>()[tags] |= others;
    odd |= admit_clients(found.odd_syns, bytes_of);
    segments.resets |= found.resets;
    segments.intact |= found.intact;
    expect_lookups<kFamily>(burst, core, others);
  }
  burst.on(Routes<kFamily>::kCommonSyn).push_bits(common);
  if (odd != 0) burst.on(Routes<kFamily>::kSyn).push_bits(odd);
  return common | odd;
}

/// Both families. Returns the SYNs. (Inlined: in the usual way a burst need not wait for what it has just
/// written.)
[[gnu::always_inline]] inline LaneBits match_clients(Burst& burst, CoreState& core,
                                                     const simd::Frames& frames,
                                                     const LanesByLink& candidates) {
  return match<Family::kIpv4>(burst, core, frames, candidates.ipv4) |
         match<Family::kIpv6>(burst, core, frames, candidates.ipv6);
}

/// Of `candidates`, the kernels took all that they know. The others may have more headers. Returns the SYNs
/// among them.
[[gnu::noinline]] LaneBits match_wrapped(Burst& burst, CoreState& core, const simd::Frames& frames,
                                         const simd::Links& links, LanesByLink candidates, LaneBits syns) {
  CommonSegments& segments = burst.common_segments;
  const LaneBits known = syns | segments.all<Family::kIpv4>() | segments.all<Family::kIpv6>();
  candidates.remove(known);
  candidates.ipv4[0] &= links.ipv4_options;
  if (candidates.empty()) return 0;
  const WrappedLanes& wrapped = burst.wrapped;
  find_wrapped(burst, *core.kernels, frames, candidates);
  if (wrapped.empty()) return 0;
  segments.frames = frames;
  segments.frames.between = wrapped.between.data();
  segments.frames.shifted = wrapped.shifted.data();
  const LaneBits found = match_clients(burst, core, segments.frames, wrapped);
  // Their views are as if nothing lay between: now they are told.
  const LaneBits seen = found | segments.all<Family::kIpv4>() | segments.all<Family::kIpv6>();
  for_each_lane(seen & ~known, [&](LaneIndex i) {
    burst.view[i].transport = static_cast<std::uint16_t>(burst.view[i].transport + wrapped.between[i]);
  });
  return found;
}

}  // namespace

void match_common(Burst& burst, CoreState& core) {
  const PortInfo& port = core.ports[burst.port];
  IndexList& received = burst.on(Route::kReceived);
  CommonSegments& segments = burst.common_segments;
  burst.common_syns.ipv4 = burst.common_syns.ipv6 = segments.ipv4 = segments.ipv6 = {};
  segments.resets = segments.intact = 0;
  // What another core handed over passes on to its backend.
  if (core.kernels == nullptr || burst.taken_over || received.empty()) return;
  const simd::Frames frames = segments.frames = frames_of(burst);
  const LaneBits present = received.bits();
  simd::Links links = core.kernels->sort(frames, macs_of(port));
  for (LaneBits* lanes : {&links.ipv4, &links.ipv6, &links.tagged}) *lanes &= present;
  const LanesByLink found = candidates(burst, links);
  if (port.side == Side::kInside) {
    match_answers<Family::kIpv4>(burst, core, frames, found.ipv4);
    match_answers<Family::kIpv6>(burst, core, frames, found.ipv6);
    return;
  }
  LaneBits taken = match_clients(burst, core, frames, found);
  if (taken == present) return static_cast<void>(received.take());  // under a flood
  taken |= match_wrapped(burst, core, frames, links, found, taken);
  if (taken != 0) received.keep_if([taken](LaneIndex i) { return !has_lane(taken, i); });
}

}  // namespace synward
