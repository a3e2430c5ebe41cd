// Which lanes bring no cookie: cookie/cookie.hpp, the other way round.
#pragma once

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/simd/find_segment_lanes.hpp"
#include "dataplane/simd/group_lanes.hpp"
#include "dataplane/simd/read_options.hpp"

namespace synward::simd {
namespace {

/// What a segment says that may come from a cookie.
struct Claim {
  V isn;       ///< ours: ack, less one
  V low_byte;  ///< of it, unmasked: parity and options
  V stamp_bits;
};

constexpr std::uint32_t stamp_bits_of(std::uint32_t tsecr) {
  return cookie::kTimestampsOffered | (tsecr & cookie::kTsvalOptionMask);
}

/// Of the lanes that count, those with other options than none, or NOP, NOP, timestamps, and where these have
/// to be read one by one.
template <typename P>
[[gnu::always_inline]] inline V read_odd_stamps(const P& place, std::size_t tcp_at, std::uint32_t odd,
                                                V stamp_bits) {
  alignas(64) std::uint32_t bits[kLanes];
  store(bits, stamp_bits);
  for (; odd != 0; odd &= odd - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctz(odd));
    wire::TcpTimestamps found;
    const std::byte* const tcp = tcp_frames(place)[lane] + place.network + tcp_at;
    bits[lane] = timestamps(tcp, found) ? stamp_bits_of(found.tsecr) : 0;
  }
  return load(bits);
}

/// `ack`, `option0`, `tsecr` as they lie on the wire; `tcp_at`: where the TCP header is, behind the IP
/// header's beginning.
template <typename P>
[[gnu::always_inline]] inline Claim claim_of(const P& place, std::size_t tcp_at, V ack, V offset_flags_window,
                                             V option0, V tsecr) {
  const V tcp_bytes = header_bytes(offset_flags_window), isn = swapped_bytes(ack) - 1;
  const Mask stamped = (tcp_bytes == 32) & (option0 == 0x0a08'0101);
  V stamp_bits =
      (cookie::kTimestampsOffered | (tsecr >> 24 & cookie::kTsvalOptionMask)) & reinterpret_cast<V>(stamped);
  const Mask usual = stamped | (tcp_bytes == 20);
  if (const std::uint32_t odd = zero_lanes(reinterpret_cast<V>(usual)) & place.lanes; odd != 0)
    stamp_bits = read_odd_stamps(place, tcp_at, odd, stamp_bits);
  return {.isn = isn, .low_byte = (isn ^ isn >> 24) & 0xff, .stamp_bits = stamp_bits};
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

/// mismatch(). P: Place or WrappedPlace.
template <typename P>
[[gnu::always_inline]] inline V judge_ipv4(const P& place, const CookieKeys& keys) {
  const Words tuple = load_tuple_ipv4(place), tcp = load_tcp_words(place, 28),
              rest = load_tcp_words(place, 44);
  const Claim claim = claim_of(place, 20, tcp.word[0], tcp.word[1], tcp.word[3], rest.word[1]);
  Words message = transposed({tuple.word[0], tuple.word[1], tuple.word[2], client_isn(tuple.word[3])});
  encrypt(keys, odd_blocks(claim).word, message.word);
  return mismatch(claim, transposed(message.word));
}

template <typename P>
[[gnu::always_inline]] inline V judge_ipv6(const P& place, const CookieKeys& keys) {
  const Words tcp = load_tcp_words(place, 40), rest = load_tcp_words(place, 56),
              stamps = load_tcp_words(place, 68);
  const Claim claim = claim_of(place, 40, tcp.word[2], tcp.word[3], rest.word[1], stamps.word[0]);
  const Words odd = odd_blocks(claim);
  Chunks mac = load_chunks(place, 8);
  encrypt(keys, odd.word, mac.quarter);
  const Chunks service = load_chunks(place, 24);
  for (std::size_t q = 0; q < 4; ++q) mac.quarter[q] ^= service.quarter[q];
  encrypt(keys, odd.word, mac.quarter);
  const Words last = transposed({tcp.word[0], client_isn(tcp.word[1]), V{}, V{}});
  for (std::size_t q = 0; q < 4; ++q) mac.quarter[q] ^= last.word[q];
  encrypt(keys, odd.word, mac.quarter);
  return mismatch(claim, transposed(mac.quarter));
}

template <Family kFamily>
LaneBits refute_near(const Frames& frames, std::size_t network, LaneBits candidates, const CookieKeys& keys) {
  LaneBits refuted = 0;
  const auto judge = [&](const auto& place) {
    V mismatch;
    if constexpr (kFamily == Family::kIpv4) {
      mismatch = judge_ipv4(place, keys);
    } else {
      mismatch = judge_ipv6(place, keys);
    }
    refuted |= LaneBits{~zero_lanes(mismatch) & place.lanes} << place.at;
  };
  if (frames.between == nullptr) {
    for_each_place(frames, network, candidates, judge);
  } else {
    for_each_wrapped_place(frames, network, candidates, judge);
  }
  return refuted;
}

template <Family kFamily>
LaneBits refute(const Frames& frames, std::size_t network, LaneBits candidates, const CookieKeys& keys) {
  if (!are_far_apart(frames, candidates)) return refute_near<kFamily>(frames, network, candidates, keys);
  const Group group{frames, candidates};
  return group.spread(refute_near<kFamily>(group.frames, network, group.all(), keys));
}

}  // namespace
}  // namespace synward::simd
