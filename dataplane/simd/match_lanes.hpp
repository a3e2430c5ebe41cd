// From the frames of a burst to what they hold: links, SYNs, other segments.
#pragma once

#include "dataplane/simd/find_segment_lanes.hpp"
#include "dataplane/simd/find_syn_lanes.hpp"
#include "dataplane/simd/group_lanes.hpp"

namespace synward::simd {
namespace {

inline constexpr std::size_t kLinkBytes = 14, kLeastTcpBytes = 20;

inline Links sort(const Frames& frames, const MacFilter& macs) {
  const V wanted0 = all(static_cast<std::uint32_t>(macs.wanted)),
          mask0 = all(static_cast<std::uint32_t>(macs.mask));
  const V wanted1 = all(static_cast<std::uint32_t>(macs.wanted >> 32)),
          mask1 = all(static_cast<std::uint32_t>(macs.mask >> 32));
  Links links{};
  for_each_place(frames, 0, ~LaneBits{0}, [&](const Place& place) {
    const Words words = load_words(place, 0);
    const V wrong = ((words.word[0] ^ wanted0) & mask0) | ((words.word[1] ^ wanted1) & mask1);
    const V type = words.word[3] & 0xffff, bytes = load_narrow(frames.frame_bytes + place.at);
    const auto lanes_of = [&](std::uint32_t ether_type, std::size_t least_bytes) {
      const V shorter = flags_if(bytes < static_cast<std::uint32_t>(least_bytes), 1);
      return LaneBits{zero_lanes(wrong | (type ^ ether_type) | shorter)} << place.at;
    };
    const LaneBits ipv4 = lanes_of(0x0008, kLinkBytes + 20 + kLeastTcpBytes),
                   ipv6 = lanes_of(0xdd86, kLinkBytes + 40 + kLeastTcpBytes);
    links.ipv4 |= ipv4;
    links.ipv4_options |= ipv4 & ~(LaneBits{zero_lanes((words.word[3] & 0xf'0000) ^ 0x5'0000)} << place.at);
    links.ipv6 |= ipv6;
    if ((ipv4 | ipv6) == LaneBits{kAllLanes} << place.at) return;
    for (const std::uint32_t tag : {0x0081u, 0xa888u, 0x0091u})  // wire::announces_vlan_tag()
      links.tagged |= lanes_of(tag, kLinkBytes + 4 + 20 + kLeastTcpBytes);
  });
  return links;
}

/// Of lanes that hold no SYN of a common layout. Apart, so that its constants take no registers from those.
template <Family kFamily, typename P>
[[gnu::noinline]] Matches match_others(const Frames& frames, P place, const Hint& hint,
                                       const table::HashSecret& secret, SegmentBatch& segments) {
  const V frame_bytes = load_narrow(frames.frame_bytes + place.at);
  const FoundSegments found = find_segments<kFamily>(place, frame_bytes, hint, secret);
  const std::uint32_t lanes = zero_lanes(found.wrong) & place.lanes;
  const std::uint32_t with_syn = lanes & ~zero_lanes(found.syn);
  store_lanes(segments.bytes + place.at, lanes, found.bytes);
  store_lanes(segments.hash_high + place.at, lanes, found.hash.high);
  store_lanes(segments.hash_low + place.at, lanes, found.hash.low);
  return {.syns = 0,
          .odd_syns = LaneBits{with_syn} << place.at,
          .segments = LaneBits{lanes & ~with_syn} << place.at,
          .resets = LaneBits{lanes & ~zero_lanes(found.reset)} << place.at,
          .to_hint = LaneBits{lanes & zero_lanes(found.elsewhere)} << place.at,
          .strangers = LaneBits{lanes & zero_lanes(found.neighbor)} << place.at,
          .intact = LaneBits{lanes & zero_lanes(found.corrupt)} << place.at};
}

/// Kernels::match4 and match6, where lanes are not far apart.
template <Family kFamily>
[[gnu::always_inline]] inline Matches match_near(const Frames& frames, std::size_t network,
                                                 LaneBits candidates, const Hint& hint,
                                                 const table::HashSecret& secret, SynBatch& syns,
                                                 SegmentBatch& segments) {
  Matches matches{};
  if (frames.between != nullptr) {
    for_each_wrapped_place(frames, network, candidates, [&](const WrappedPlace& place) {
      matches |= match_others<kFamily>(frames, place, hint, secret, segments);
    });
    return matches;
  }
  for_each_place(frames, network, candidates, [&](const Place& place) {
    const V frame_bytes = load_narrow(frames.frame_bytes + place.at);
    const Found found = find<kFamily>(place, frame_bytes, hint);
    // Other lanes may have matched as another family, or with another network.
    const std::uint32_t lanes = zero_lanes(found.wrong) & place.lanes;
    if (lanes != 0) {
      store_lanes(syns.offered + place.at, lanes, found.offered);
      store_lanes(syns.tsval + place.at, lanes, found.tsval);
      matches.syns |= LaneBits{lanes} << place.at;
      matches.to_hint |= LaneBits{lanes & zero_lanes(found.elsewhere)} << place.at;
      matches.strangers |= LaneBits{lanes & zero_lanes(found.neighbor)} << place.at;
      if (lanes == place.lanes) return;
    }
    const Place left{place.frames, network, place.at, place.lanes & ~lanes};
    matches |= match_others<kFamily>(frames, left, hint, secret, segments);
  });
  return matches;
}

template <Family kFamily>
[[gnu::noinline]] Matches match_grouped(const Frames& frames, std::size_t network, LaneBits candidates,
                                        const Hint& hint, const table::HashSecret& secret, SynBatch& syns,
                                        SegmentBatch& segments) {
  const Group group{frames, candidates};
  SynBatch grouped_syns;
  SegmentBatch grouped_segments;
  const Matches found =
      match_near<kFamily>(group.frames, network, group.all(), hint, secret, grouped_syns, grouped_segments);
  group.scatter(found.syns, grouped_syns.offered, syns.offered);
  group.scatter(found.syns, grouped_syns.tsval, syns.tsval);
  const LaneBits others = found.odd_syns | found.segments;
  group.scatter(others, grouped_segments.bytes, segments.bytes);
  group.scatter(others, grouped_segments.hash_high, segments.hash_high);
  group.scatter(others, grouped_segments.hash_low, segments.hash_low);
  return {.syns = group.spread(found.syns),
          .odd_syns = group.spread(found.odd_syns),
          .segments = group.spread(found.segments),
          .resets = group.spread(found.resets),
          .to_hint = group.spread(found.to_hint),
          .strangers = group.spread(found.strangers),
          .intact = group.spread(found.intact)};
}

template <Family kFamily>
Matches match(const Frames& frames, std::size_t network, LaneBits candidates, const Hint& hint,
              const table::HashSecret& secret, SynBatch& syns, SegmentBatch& segments) {
  if (are_far_apart(frames, candidates))
    return match_grouped<kFamily>(frames, network, candidates, hint, secret, syns, segments);
  return match_near<kFamily>(frames, network, candidates, hint, secret, syns, segments);
}

template <Family kFamily>
Answers match_answers(const Frames& frames, std::size_t network, LaneBits candidates, const Hint& hint,
                      const table::HashSecret& secret, SegmentBatch& segments) {
  Answers answers{};
  for_each_place(frames, network, candidates, [&](const Place& place) {
    const V frame_bytes = load_narrow(frames.frame_bytes + place.at);
    const FoundAnswers found = find_answers<kFamily>(place, frame_bytes, hint, secret);
    const std::uint32_t lanes = zero_lanes(found.wrong) & place.lanes;
    store_lanes(segments.bytes + place.at, lanes, found.bytes);
    store_lanes(segments.hash_high + place.at, lanes, found.hash.high);
    store_lanes(segments.hash_low + place.at, lanes, found.hash.low);
    answers.segments |= LaneBits{lanes} << place.at;
    answers.from_hint |= LaneBits{lanes & zero_lanes(found.elsewhere)} << place.at;
  });
  return answers;
}

template <Family kFamily>
void hash(const Frames& frames, std::size_t network, LaneBits lanes, const table::HashSecret& secret,
          SegmentBatch& segments) {
  for_each_place(frames, network, lanes, [&](const Place& place) {
    const Hash hash = hash_flows<kFamily>(place, secret);
    store_lanes(segments.hash_high + place.at, place.lanes, hash.high);
    store_lanes(segments.hash_low + place.at, place.lanes, hash.low);
  });
}

}  // namespace
}  // namespace synward::simd
