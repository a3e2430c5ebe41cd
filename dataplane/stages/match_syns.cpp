// SYNs as nearly all clients send them leave here for answer_syn(), read and verified by kernels that look at
// 8 or 16 at a time (simd/syn_kernel.hpp). Under a flood little else comes. Whatever is not quite so, and
// whatever is not for a service of ours, is left as it is to classify().
#include <bit>
#include <cstring>

#include "dataplane/stages/classify_segment.hpp"
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
  const std::size_t end = (burst.size + simd::kPadding - 1) / simd::kPadding * simd::kPadding;
  for (std::size_t i = burst.size; i < end; ++i) {
    burst.frame[i] = simd::no_frame;
    burst.frame_bytes[i] = 0;
  }
  return {burst.frame.data(), burst.frame_bytes.data(), burst.size};
}

/// Nearly always all of the burst.
LaneBits bits_of(const Burst& burst, const IndexList& lanes) {
  if (lanes.size() == kBurstMax) return ~LaneBits{0};
  return lanes.size() == burst.size ? (LaneBits{1} << burst.size) - 1 : lanes.bits();
}

/// Of `tagged`, those behind whose one tag there is a packet of the family that is long enough to be a SYN.
template <Family kFamily>
LaneBits behind_tag(Burst& burst, LaneBits tagged) {
  constexpr auto kType = kFamily == Family::kIpv4 ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6;
  constexpr std::size_t kTagAt = sizeof(wire::EthernetHeader), kNetwork = kTagAt + sizeof(wire::VlanTag);
  constexpr std::size_t kLeast = kNetwork + sizeof(IpHeader<kFamily>) + 32;
  LaneBits found = 0;
  for_each_lane(tagged, [&](LaneIndex i) {
    const bool fits =
        header_at<wire::VlanTag>(burst, i, kTagAt).ether_type == wire::BigEndian16{std::uint16_t(kType)} &&
        burst.frame_bytes[i] >= kLeast;
    if (fits) found |= LaneBits{1} << i;
  });
  return found;
}

/// Lanes get their views: of a SYN without text, behind an IP header of the least length.
template <Family kFamily>
PacketView view_of(std::uint16_t network, std::uint32_t offered, service::ServiceId service) {
  return {.network = network,
          .transport = static_cast<std::uint16_t>(network + sizeof(IpHeader<kFamily>)),
          .transport_bytes = static_cast<std::uint16_t>((offered >> simd::SynTerms::kOffsetBit & 15) * 4),
          .service = service};
}

/// Which of `lanes`, one by one, are for a service, and from nobody whose address is one.
template <Family kFamily>
LaneBits admit(Burst& burst, CoreState& core, std::uint16_t network, LaneBits lanes) {
  LastSyn& last = core.last_syn<kFamily>();
  LaneBits admitted = 0;
  for_each_lane(lanes, [&](LaneIndex i) {
    const auto& ip = header_at<IpHeader<kFamily>>(burst, i, network);
    const wire::Port port = header_at<wire::TcpHeader>(burst, i, network + sizeof ip).dst_port;
    const auto service = core.services->find<kFamily>(ip.destination, port);
    if (service == service::kNoService || core.services->owns<kFamily>(ip.source)) return;
    burst.view[i] = view_of<kFamily>(network, burst.common_syns.batch.offered[i], service);
    admitted |= LaneBits{1} << i;
    last.service = service;
    last.hint.port = std::bit_cast<std::uint16_t>(port);
    std::memcpy(last.hint.destination, &ip.destination, sizeof ip.destination);
  });
  return admitted;
}

/// Behind no tag, and behind one.
template <Family kFamily>
LaneBits match(Burst& burst, CoreState& core, const simd::Frames& frames,
               const std::array<LaneBits, 2>& candidates) {
  CommonSyns& common = burst.common_syns;
  LastSyn& last = core.last_syn<kFamily>();
  last.hint.neighborhoods = core.services->neighborhood_words<kFamily>();
  LaneBits all = 0;
  for (std::size_t tags = 0; tags < candidates.size(); ++tags) {
    LaneBits& syns = common.of<kFamily>()[tags];
    syns = 0;
    if (candidates[tags] == 0) continue;
    const auto network =
        static_cast<std::uint16_t>(sizeof(wire::EthernetHeader) + tags * sizeof(wire::VlanTag));
    const auto found =
        core.syn_kernel->match<kFamily>()(frames, network, candidates[tags], last.hint, common.batch);
    const service::ServiceId service = last.service;
    const LaneBits plain = service == service::kNoService ? 0 : found.plain;
    for_each_lane(plain, [&](LaneIndex i) {
      burst.view[i] = view_of<kFamily>(network, common.batch.offered[i], service);
    });
    syns = plain | admit<kFamily>(burst, core, network, found.syns & ~plain);
    all |= syns;
  }
  burst.on(Routes<kFamily>::kCommonSyn).push_bits(all);
  return all;
}

}  // namespace

void match_syns(Burst& burst, CoreState& core) {
  const PortInfo& port = core.ports[burst.port];
  IndexList& received = burst.on(Route::kReceived);
  // What another core handed over passes on to its backend.
  if (core.syn_kernel == nullptr || burst.taken_over || port.side == Side::kInside || received.empty())
    return;
  const simd::Frames frames = frames_of(burst);
  const LaneBits present = bits_of(burst, received);
  simd::Links links = core.syn_kernel->sort(frames, macs_of(port));
  links.tagged &= present;
  const LaneBits taken =
      match<Family::kIpv4>(burst, core, frames,
                           {links.ipv4 & present, behind_tag<Family::kIpv4>(burst, links.tagged)}) |
      match<Family::kIpv6>(burst, core, frames,
                           {links.ipv6 & present, behind_tag<Family::kIpv6>(burst, links.tagged)});
  if (taken == present) return static_cast<void>(received.take());
  if (taken != 0) received.keep_if([taken](LaneIndex i) { return (taken >> i & 1) == 0; });
}

}  // namespace synward
