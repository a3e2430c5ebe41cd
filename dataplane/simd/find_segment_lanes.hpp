// Which lanes hold a segment that is no SYN of a common layout, whether its sums are right, and where its
// flow belongs.
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
  V wrong;      ///< zero: it is one
  V syn;        ///< nonzero: if it is one, it is a SYN
  V reset;      ///< nonzero: if it is one, it is an RST
  V elsewhere;  ///< zero: it is to the hint's destination, if it is one
  V neighbor;   ///< zero: it is from no neighbor, if it is one
  V corrupt;    ///< zero: it is intact, if it is one
  V bytes;      ///< of header and text
  Hash hash;    ///< of SYNs, nothing of the kind
};
inline FoundSegments no_segments() { return {all(1), V{}, V{}, V{}, V{}, V{}, V{}, Hash{V{}, V{}}}; }

/// The flags of a segment, as classify() reads them (stages/flag_table.hpp): in all others it finds a fault.
struct Control {
  Mask syn, other;
};
[[gnu::always_inline]] inline Control control_of(V offset_flags_window) {
  const Mask reset = (offset_flags_window & 0x0700) == 0x0400, ack = (offset_flags_window & 0x1600) == 0x1000;
  return {(offset_flags_window & 0x1700) == 0x0200, reset | ack};
}
/// TCP's data offset, in bytes.
[[gnu::always_inline]] inline V header_bytes(V offset_flags_window) {
  return (offset_flags_window & 0xf0) >> 2;
}
/// The lanes of which header words follow the first `bytes` of the TCP header.
[[gnu::always_inline]] inline Mask longer_than(V tcp_bytes, std::int32_t bytes) {
  return reinterpret_cast<Mask>(tcp_bytes) > bytes;
}

/// Adds up options number `first` to 9, of which number `first` is at `offset`, of the lanes that have them.
template <typename P>
[[gnu::always_inline]] inline void add_options(Sum& sum, const P& place, std::size_t offset, V tcp_bytes,
                                               std::int32_t first) {
  constexpr std::int32_t kMost = wire::kMaxTcpOptionBytes / 4;
  for (; first < kMost; first += 4, offset += 16) {
    if (!is_any(place, longer_than(tcp_bytes, 20 + 4 * first))) return;
    const Words options = load_tcp_words(place, offset);
    for (std::int32_t w = 0; w < 4; ++w)
      sum.add(options.word[w] & reinterpret_cast<V>(longer_than(tcp_bytes, 20 + 4 * (first + w))));
  }
}

/// How many bytes lie between the IP header's least and TCP.
[[gnu::always_inline]] inline V bytes_between(const Place&) { return V{}; }
[[gnu::always_inline]] inline V bytes_between(const WrappedPlace& place) {
  return load_narrow(place.between);
}

/// Nonzero where there are more headers than `between`, or the lengths disagree. What else is in an IP
/// header, header_lanes.hpp looks at.
[[gnu::always_inline]] inline V wrong_lengths_ipv4(const Place& place, V frame_bytes, const Words& ip,
                                                   V between, V tcp_bytes) {
  const V total_bytes = ipv4_total_bytes(ip);
  return ((ip.word[0] & 0xff) ^ ((between >> 2) + 0x45)) |
         flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < total_bytes, 1) |
         flags_if(tcp_bytes < 20, 1) | flags_if(total_bytes < tcp_bytes + between + 20, 1);
}
/// The same. That TCP is behind what lies between, the caller has seen.
[[gnu::always_inline]] inline V wrong_lengths_ipv6(const Place& place, V frame_bytes, const Words& ip,
                                                   V between, V tcp_bytes) {
  const V payload_bytes = ipv6_payload_bytes(ip);
  return flags_if((between == 0) & ((ip.word[1] & 0xff'0000) != 0x06'0000), 1) |
         flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < payload_bytes + 40, 1) |
         flags_if(tcp_bytes < 20, 1) | flags_if(payload_bytes < tcp_bytes + between, 1);
}

/// Source, destination, ports, seq.
[[gnu::always_inline]] inline Words load_tuple_ipv4(const Place& place) { return load_words(place, 12); }
[[gnu::always_inline]] inline Words load_tuple_ipv4(const WrappedPlace& place) {
  const Words ip = load_words(place, 12), tcp = load_tcp_words(place, 12);
  return {{ip.word[0], ip.word[1], tcp.word[2], tcp.word[3]}};
}
/// The sum of IP options.
[[gnu::always_inline]] inline V ipv4_option_sum(const Place&, V) { return V{}; }
[[gnu::always_inline]] inline V ipv4_option_sum(const WrappedPlace& place, V bytes) {
  constexpr std::size_t kMost = 40;
  Sum sum;
  for (std::size_t first = 0; first < kMost; first += 16) {
    const Words options = load_words(place, 20 + first);
    for (std::size_t w = 0; w < 4 && first + 4 * w < kMost; ++w)
      sum.add(options.word[w] &
              reinterpret_cast<V>(longer_than(bytes, static_cast<std::int32_t>(first + 4 * w))));
  }
  return sum.halves();
}

/// P: Place or WrappedPlace.
template <typename P>
[[gnu::always_inline]] inline FoundSegments find_ipv4_segments(const P& place, V frame_bytes,
                                                               const Hint& hint,
                                                               const table::HashSecret& secret) {
  const Words tcp = load_tcp_words(place, 28);  // ack, offset..., checksum, option 0
  const Control control = control_of(tcp.word[1]);
  if (!is_any(place, control.syn | control.other)) return no_segments();
  const Words ip = load_words(place, 0);  // and the source
  const Words tuple = load_tuple_ipv4(place);
  const V source = tuple.word[0], destination = tuple.word[1], ports = tuple.word[2];
  const V between = bytes_between(place), segment_bytes = ipv4_total_bytes(ip) - 20 - between;
  const V tcp_bytes = header_bytes(tcp.word[1]);
  V wrong = ~reinterpret_cast<V>(control.syn | control.other);
  wrong |= wrong_ipv4(ip) | wrong_lengths_ipv4(place, frame_bytes, ip, between, tcp_bytes);

  V corrupt = segment_bytes ^ tcp_bytes;  // text is nobody's here
  const V address_sum = ipv4_address_sum(source, destination);
  corrupt |= corrupt_ipv4(ip, address_sum + ipv4_option_sum(place, between));
  Sum segment;
  for (const V word : {ports, tuple.word[3], tcp.word[0], tcp.word[1], tcp.word[2]}) segment.add(word);
  segment.add(tcp.word[3] & reinterpret_cast<V>(longer_than(tcp_bytes, 20)));
  add_options(segment, place, 44, tcp_bytes, 1);
  corrupt |= corrupt_tcp(segment.halves() + address_sum, segment_bytes);
  FoundSegments found{wrong,
                      tcp.word[1] & 0x0200,
                      tcp.word[1] & 0x0400,
                      elsewhere_ipv4(hint, destination, ports),
                      neighbors_ipv4(hint, source),
                      corrupt,
                      segment_bytes,
                      Hash{V{}, V{}}};
  if (is_any(place, control.other)) found.hash = flow_hash({source, destination, ports}, secret);
  return found;
}

template <typename P>
[[gnu::always_inline]] inline FoundSegments find_ipv6_segments(const P& place, V frame_bytes,
                                                               const Hint& hint,
                                                               const table::HashSecret& secret) {
  const Words tcp = load_tcp_words(place, 40);  // ports, seq, ack, offset...
  const Control control = control_of(tcp.word[3]);
  if (!is_any(place, control.syn | control.other)) return no_segments();
  const Words ip = load_words(place, 0);  // and half of the source
  const Words source = load_words(place, 8), destination = load_words(place, 24);
  const Words rest = load_tcp_words(place, 56);  // checksum, options 0 to 2
  const V between = bytes_between(place), segment_bytes = ipv6_payload_bytes(ip) - between;
  const V tcp_bytes = header_bytes(tcp.word[3]);
  V wrong = ~reinterpret_cast<V>(control.syn | control.other);
  wrong |= wrong_ipv6(ip) | wrong_lengths_ipv6(place, frame_bytes, ip, between, tcp_bytes);

  V corrupt = segment_bytes ^ tcp_bytes;  // text is nobody's here
  Sum segment;
  for (std::size_t w = 0; w < 4; ++w) {
    segment.add(source.word[w]);
    segment.add(destination.word[w]);
    segment.add(tcp.word[w]);
  }
  segment.add(rest.word[0]);
  for (std::int32_t w = 0; w < 3; ++w)
    segment.add(rest.word[w + 1] & reinterpret_cast<V>(longer_than(tcp_bytes, 20 + 4 * w)));
  add_options(segment, place, 72, tcp_bytes, 3);
  corrupt |= corrupt_tcp(segment.halves(), segment_bytes);
  V differs{};
  for (std::size_t w = 0; w < 4; ++w) differs |= destination.word[w] ^ hint.destination[w];
  FoundSegments found{wrong,
                      tcp.word[3] & 0x0200,
                      tcp.word[3] & 0x0400,
                      elsewhere_ipv6(hint, differs, tcp.word[0]),
                      neighbors_ipv6(hint, ip),
                      corrupt,
                      segment_bytes,
                      Hash{V{}, V{}}};
  if (is_any(place, control.other))
    found.hash =
        flow_hash({source.word[0], source.word[1], source.word[2], source.word[3], destination.word[0],
                   destination.word[1], destination.word[2], destination.word[3], tcp.word[0]},
                  secret);
  return found;
}

template <Family kFamily, typename P>
[[gnu::always_inline]] inline FoundSegments find_segments(const P& place, V frame_bytes, const Hint& hint,
                                                          const table::HashSecret& secret) {
  if constexpr (kFamily == Family::kIpv4) {
    return find_ipv4_segments(place, frame_bytes, hint, secret);
  } else {
    return find_ipv6_segments(place, frame_bytes, hint, secret);
  }
}

// ---- the other way ----

struct FoundAnswers {
  V wrong;      ///< zero: it is a backend's segment
  V elsewhere;  ///< zero: it is from the hint's destination, if it is one
  V bytes;      ///< of header and text
  Hash hash;    ///< of the client's flow
};
/// With any flags: which of them are legal, only whoever knows the connection can say.
template <Family kFamily>
FoundAnswers find_answers(const Place& place, V frame_bytes, const Hint& hint,
                          const table::HashSecret& secret);

[[gnu::always_inline]] inline V exchanged_ports(V ports) { return ports >> 16 | ports << 16; }

template <>
[[gnu::always_inline]] inline FoundAnswers find_answers<Family::kIpv4>(const Place& place, V frame_bytes,
                                                                       const Hint& hint,
                                                                       const table::HashSecret& secret) {
  const Words ip = load_words(place, 0), tuple = load_words(place, 12), tcp = load_words(place, 28);
  const V service = tuple.word[0], client = tuple.word[1], ports = exchanged_ports(tuple.word[2]);
  const V wrong = wrong_ipv4(ip) | wrong_lengths_ipv4(place, frame_bytes, ip, V{}, header_bytes(tcp.word[1]));
  return {wrong, elsewhere_ipv4(hint, service, ports), ipv4_total_bytes(ip) - 20,
          flow_hash({client, service, ports}, secret)};
}

template <>
[[gnu::always_inline]] inline FoundAnswers find_answers<Family::kIpv6>(const Place& place, V frame_bytes,
                                                                       const Hint& hint,
                                                                       const table::HashSecret& secret) {
  const Words ip = load_words(place, 0), service = load_words(place, 8), client = load_words(place, 24),
              tcp = load_words(place, 40);
  const V ports = exchanged_ports(tcp.word[0]);
  const V wrong = wrong_ipv6(ip) | wrong_lengths_ipv6(place, frame_bytes, ip, V{}, header_bytes(tcp.word[3]));
  V differs{};
  for (std::size_t w = 0; w < 4; ++w) differs |= service.word[w] ^ hint.destination[w];
  return {wrong, elsewhere_ipv6(hint, differs, ports), ipv6_payload_bytes(ip),
          flow_hash({client.word[0], client.word[1], client.word[2], client.word[3], service.word[0],
                     service.word[1], service.word[2], service.word[3], ports},
                    secret)};
}

// ---- flows alone ----

template <Family kFamily>
Hash hash_flows(const Place& place, const table::HashSecret& secret);

template <>
[[gnu::always_inline]] inline Hash hash_flows<Family::kIpv4>(const Place& place,
                                                             const table::HashSecret& secret) {
  const Words tuple = load_words(place, 12);
  return flow_hash({tuple.word[0], tuple.word[1], tuple.word[2]}, secret);
}
template <>
[[gnu::always_inline]] inline Hash hash_flows<Family::kIpv6>(const Place& place,
                                                             const table::HashSecret& secret) {
  const Words source = load_words(place, 8), destination = load_words(place, 24), tcp = load_words(place, 40);
  return flow_hash({source.word[0], source.word[1], source.word[2], source.word[3], destination.word[0],
                    destination.word[1], destination.word[2], destination.word[3], tcp.word[0]},
                   secret);
}

}  // namespace
}  // namespace synward::simd
