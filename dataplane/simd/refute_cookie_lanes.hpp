// Which lanes bring no cookie: cookie/cookie.hpp, the other way round.
#pragma once

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/simd/find_segment_lanes.hpp"

namespace synward::simd {
namespace {

/// Nonzero unless there is no text, and no option, or NOP, NOP, timestamps. RSTs are for others to judge.
[[gnu::always_inline]] inline V other_than_bare(V segment_bytes, V offset_flags_window, V option0) {
  const V tcp_bytes = header_bytes(offset_flags_window);
  const Mask stamped = tcp_bytes == 32;
  return (segment_bytes ^ tcp_bytes) | (offset_flags_window & 0x0400) |
         flags_if(~(stamped | (tcp_bytes == 20)), 1) |
         ((option0 ^ 0x0a08'0101) & reinterpret_cast<V>(stamped));
}

/// What a segment says that may come from a cookie.
struct Claim {
  V isn;       ///< ours: ack, less one
  V low_byte;  ///< of it, unmasked: parity and options
  V stamp_bits;
  V unjudged;  ///< zero: the segment is bare
};
/// `ack`, `option0`, `tsecr` as they lie on the wire.
[[gnu::always_inline]] inline Claim claim_of(V segment_bytes, V ack, V offset_flags_window, V option0,
                                             V tsecr) {
  const V tcp_bytes = header_bytes(offset_flags_window), isn = swapped_bytes(ack) - 1;
  return {.isn = isn,
          .low_byte = (isn ^ isn >> 24) & 0xff,
          .stamp_bits = (cookie::kTimestampsOffered | (tsecr >> 24 & cookie::kTsvalOptionMask)) &
                        reinterpret_cast<V>(tcp_bytes == 32),
          .unjudged = other_than_bare(segment_bytes, offset_flags_window, option0)};
}

/// All ones where the key of odd slots is to be taken: in each word of the lane's block.
[[gnu::always_inline]] inline Words odd_blocks(const Claim& claim) {
  const V odd = V{} - (claim.low_byte >> 7);
  return transposed({odd, odd, odd, odd});
}

/// Zero where the cookie is right. `mac`: o0 to o3.
[[gnu::always_inline]] inline V mismatch(const Claim& claim, const Words& mac) {
  const V tag = (mac.word[0] + mac.word[1] * (claim.low_byte & 0x7f) + mac.word[2] * claim.stamp_bits) >> 8;
  return claim.isn ^ (tag << 8 | (claim.low_byte ^ tag >> 16));
}

/// The sequence number of the SYN, of that behind it; both as they lie on the wire.
[[gnu::always_inline]] inline V client_isn(V seq) { return swapped_bytes(swapped_bytes(seq) - 1); }

struct Judgement {
  V unjudged, mismatch;
};
template <Family kFamily>
Judgement judge(const Place& place, const CookieKeys& keys);

template <>
[[gnu::always_inline]] inline Judgement judge<Family::kIpv4>(const Place& place, const CookieKeys& keys) {
  const Words ip = load_words(place, 0), tuple = load_words(place, 12), tcp = load_words(place, 28),
              rest = load_words(place, 44);
  const V segment_bytes = ipv4_total_bytes(ip) - 20;
  const Claim claim = claim_of(segment_bytes, tcp.word[0], tcp.word[1], tcp.word[3], rest.word[1]);
  Words message = transposed({tuple.word[0], tuple.word[1], tuple.word[2], client_isn(tuple.word[3])});
  encrypt(keys, odd_blocks(claim).word, message.word);
  return {claim.unjudged, mismatch(claim, transposed(message.word))};
}

template <>
[[gnu::always_inline]] inline Judgement judge<Family::kIpv6>(const Place& place, const CookieKeys& keys) {
  const Words ip = load_words(place, 0), tcp = load_words(place, 40), rest = load_words(place, 56),
              stamps = load_words(place, 68);
  const V segment_bytes = ipv6_payload_bytes(ip);
  const Claim claim = claim_of(segment_bytes, tcp.word[2], tcp.word[3], rest.word[1], stamps.word[0]);
  const Words odd = odd_blocks(claim);
  Chunks mac = load_chunks(place, 8);
  encrypt(keys, odd.word, mac.quarter);
  const Chunks service = load_chunks(place, 24);
  for (std::size_t q = 0; q < 4; ++q) mac.quarter[q] ^= service.quarter[q];
  encrypt(keys, odd.word, mac.quarter);
  const Words last = transposed({tcp.word[0], client_isn(tcp.word[1]), V{}, V{}});
  for (std::size_t q = 0; q < 4; ++q) mac.quarter[q] ^= last.word[q];
  encrypt(keys, odd.word, mac.quarter);
  return {claim.unjudged, mismatch(claim, transposed(mac.quarter))};
}

template <Family kFamily>
LaneBits refute(const Frames& frames, std::size_t network, LaneBits candidates, const CookieKeys& keys) {
  LaneBits refuted = 0;
  for_each_place(frames, network, candidates, [&](const Place& place) {
    const Judgement judgement = judge<kFamily>(place, keys);
    const std::uint32_t lanes = zero_lanes(judgement.unjudged) & ~zero_lanes(judgement.mismatch);
    refuted |= LaneBits{lanes & place.lanes} << place.at;
  });
  return refuted;
}

}  // namespace
}  // namespace synward::simd
