// Which lanes hold a segment with ACK and neither SYN nor RST, whether its sums are right, and where its flow
// belongs.
#pragma once

#include "dataplane/simd/header_lanes.hpp"

namespace synward::simd {
namespace {

// ---- table::hash() ----

struct Hash {
  V high, low;
};

/// One of its two sums: the upper half of a sum of products, 64 bits each. Even and odd lanes are multiplied
/// apart, for a register holds half as many products as words.
class FlowSum {
 public:
  FlowSum(const std::uint64_t (&multipliers)[table::HashSecret::kMaxWords], std::uint64_t addend)
      : multipliers_{multipliers}, even_{all_wide(addend)}, odd_{even_} {}
  /// The words in their order. `odd_words`: the odd lanes of `words`, in even ones.
  void add(V words, V odd_words) {
    const std::uint64_t multiplier = multipliers_[added_++];
    const V low = all(static_cast<std::uint32_t>(multiplier));
    even_ += product_of_even(words, low);
    odd_ += product_of_even(odd_words, low);
    upper_ += words * static_cast<std::uint32_t>(multiplier >> 32);
  }
  V upper() const { return merged(even_ >> 32, odd_) + upper_; }

 private:
  const std::uint64_t (&multipliers_)[table::HashSecret::kMaxWords];
  std::size_t added_ = 0;
  Wide even_, odd_;
  V upper_{};
};

/// `words`: of table::FlowKey.
template <std::size_t kWords>
[[gnu::always_inline]] inline Hash flow_hash(const V (&words)[kWords], const table::HashSecret& secret) {
  using Multipliers = std::uint64_t[table::HashSecret::kMaxWords];
  FlowSum a{reinterpret_cast<const Multipliers&>(secret.multipliers[0]), secret.addends[0]};
  FlowSum b{reinterpret_cast<const Multipliers&>(secret.multipliers[1]), secret.addends[1]};
  for (std::size_t i = 0; i < kWords; ++i) {
    const V odd = odd_to_even(words[i]);
    a.add(words[i], odd);
    b.add(words[i], odd);
  }
  const V high = a.upper(), low = b.upper() ^ high;
  const std::uint64_t mixer = secret.mixer | 1;
  const V mixer_low = all(static_cast<std::uint32_t>(mixer));
  const Wide even = product_of_even(low, mixer_low), odd = product_of_even(odd_to_even(low), mixer_low);
  const V mixed_high = merged(even >> 32, odd) + low * static_cast<std::uint32_t>(mixer >> 32) +
                       high * static_cast<std::uint32_t>(mixer);
  return {.high = mixed_high, .low = (low * static_cast<std::uint32_t>(mixer)) ^ mixed_high};
}

// ---- recognition ----

struct FoundSegments {
  V wrong;    ///< zero: it is one
  V special;  ///< zero: it is plain, if it is one
  V corrupt;  ///< zero: it is intact, if it is one
  V bytes;    ///< of header and text
  Hash hash;
};

/// Zero where the flags are those of such a segment: then classify() takes it, whatever the others are.
[[gnu::always_inline]] inline V other_than_ack(V offset_flags_window) {
  return (offset_flags_window & 0x1600) ^ 0x1000;
}
/// TCP's data offset, in bytes.
[[gnu::always_inline]] inline V header_bytes(V offset_flags_window) {
  return (offset_flags_window & 0xf0) >> 2;
}
/// Nonzero unless there is no text, and no option, or NOP, NOP, timestamps.
[[gnu::always_inline]] inline V other_than_bare(V segment_bytes, V header_bytes, V option0) {
  const Mask stamped = header_bytes == 32;
  return (segment_bytes ^ header_bytes) | flags_if(~(stamped | (header_bytes == 20)), 1) |
         ((option0 ^ 0x0a08'0101) & reinterpret_cast<V>(stamped));
}

template <Family kFamily>
FoundSegments find_segments(const Place& place, V frame_bytes, const Hint& hint,
                            const table::HashSecret& secret);

template <>
[[gnu::always_inline]] inline FoundSegments find_segments<Family::kIpv4>(const Place& place, V frame_bytes,
                                                                         const Hint& hint,
                                                                         const table::HashSecret& secret) {
  const Words tcp = load_words(place, 28);  // ack, offset..., checksum, option 0
  V wrong = other_than_ack(tcp.word[1]);
  if ((zero_lanes(wrong) & place.lanes) == 0) return {all(1), V{}, V{}, V{}, Hash{V{}, V{}}};
  const Words ip = load_words(place, 0);      // and the source
  const Words tuple = load_words(place, 12);  // source, destination, ports, seq
  const V source = tuple.word[0], destination = tuple.word[1], ports = tuple.word[2];
  const V total_bytes = ipv4_total_bytes(ip), segment_bytes = total_bytes - 20;
  const V tcp_bytes = header_bytes(tcp.word[1]);
  wrong |= ((ip.word[0] & 0xff) ^ 0x45) | wrong_ipv4(ip);
  wrong |= flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < total_bytes, 1);
  wrong |= flags_if(tcp_bytes < 20, 1) | flags_if(total_bytes < tcp_bytes + 20, 1);

  V corrupt = other_than_bare(segment_bytes, tcp_bytes, tcp.word[3]);
  const V address_sum = ipv4_address_sum(source, destination);
  corrupt |= corrupt_ipv4(ip, address_sum);
  Sum segment;
  for (const V word : {ports, tuple.word[3], tcp.word[0], tcp.word[1], tcp.word[2]}) segment.add(word);
  const V stamped = reinterpret_cast<V>(tcp_bytes == 32);
  if (zero_lanes(stamped) != kAllLanes) {
    const Words rest = load_words(place, 44);  // TSval, TSecr
    for (const V word : {tcp.word[3], rest.word[0], rest.word[1]}) segment.add(word & stamped);
  }
  corrupt |= corrupt_tcp(segment.halves() + address_sum, segment_bytes);
  return {wrong, special_ipv4(hint, source, destination, ports), corrupt, segment_bytes,
          flow_hash({source, destination, ports}, secret)};
}

template <>
[[gnu::always_inline]] inline FoundSegments find_segments<Family::kIpv6>(const Place& place, V frame_bytes,
                                                                         const Hint& hint,
                                                                         const table::HashSecret& secret) {
  const Words tcp = load_words(place, 40);  // ports, seq, ack, offset...
  V wrong = other_than_ack(tcp.word[3]);
  if ((zero_lanes(wrong) & place.lanes) == 0) return {all(1), V{}, V{}, V{}, Hash{V{}, V{}}};
  const Words ip = load_words(place, 0);  // and half of the source
  const Words source = load_words(place, 8), destination = load_words(place, 24);
  const Words rest = load_words(place, 56);  // checksum, options 0 to 2
  const V segment_bytes = ipv6_payload_bytes(ip), tcp_bytes = header_bytes(tcp.word[3]);
  wrong |= wrong_ipv6(ip) | ((ip.word[1] & 0xff'0000) ^ 0x06'0000);  // TCP, and no extension header
  wrong |= flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < segment_bytes + 40, 1);
  wrong |= flags_if(tcp_bytes < 20, 1) | flags_if(segment_bytes < tcp_bytes, 1);

  V corrupt = other_than_bare(segment_bytes, tcp_bytes, rest.word[1]);
  const V stamped = reinterpret_cast<V>(tcp_bytes == 32);
  Sum segment;
  for (std::size_t w = 0; w < 4; ++w) {
    segment.add(source.word[w]);
    segment.add(destination.word[w]);
    segment.add(tcp.word[w]);
  }
  segment.add(rest.word[0]);
  for (const V word : {rest.word[1], rest.word[2], rest.word[3]}) segment.add(word & stamped);
  corrupt |= corrupt_tcp(segment.halves(), segment_bytes);
  V differs{};
  for (std::size_t w = 0; w < 4; ++w) differs |= destination.word[w] ^ hint.destination[w];
  return {wrong, special_ipv6(hint, ip, differs, tcp.word[0]), corrupt, segment_bytes,
          flow_hash({source.word[0], source.word[1], source.word[2], source.word[3], destination.word[0],
                     destination.word[1], destination.word[2], destination.word[3], tcp.word[0]},
                    secret)};
}

}  // namespace
}  // namespace synward::simd
