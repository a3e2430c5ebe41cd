// Which lanes hold a SYN that the kernels know, intact, and what it offers.
#pragma once

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/simd/header_lanes.hpp"

namespace synward::simd {
namespace {

/// The options of a SYN, and which of the three layouts they have to be.
struct Layout {
  Mask linux, mac, windows;
};

/// What of a TCP header the layouts share and what not; `wrong` gets bits set where a packet is of none.
struct Options {
  V offered, tsval;
  V option3, option4, option5;  ///< zero behind the end of the options
};
[[gnu::always_inline]] inline Options read_options(const Layout& layout, V offset_flags_window,
                                                   const V (&option)[6], V& wrong) {
  const Mask linux = layout.linux, mac = layout.mac, windows = layout.windows;
  // SYN, and neither FIN, RST nor ACK; MSS; then what is at another place in each.
  wrong |= (offset_flags_window & 0x1700) ^ 0x0200;
  wrong |= (option[0] & 0xffff) ^ 0x0402;
  const V scale = linux ? option[4] : option[1];
  const V kinds = linux ? option[1] : option[2];
  wrong |= (scale & 0x00ff'ffff) ^ 0x0003'0301;
  wrong |= kinds ^ (linux ? all(0x0a08'0204) : mac ? all(0x0a08'0101) : all(0x0204'0101));
  Options options;
  options.option3 = option[3] & ~reinterpret_cast<V>(windows);
  options.option4 = option[4] & ~reinterpret_cast<V>(windows);
  options.option5 = option[5] & reinterpret_cast<V>(mac);
  wrong |= options.option5 ^ flags_if(mac, 0x0204);
  const V mss = option[0] >> 24 | (option[0] >> 8 & 0xff00);
  wrong |= flags_if(mss < cookie::kLeastMss, 1);
  V shift = scale >> 24;
  shift = shift > 14 ? all(14) : shift;  // RFC 7323 2.3
  const V ecn = offset_flags_window & 0xc000;
  static_assert(SynTerms::kOffsetBit == 4);
  options.offered = mss << SynTerms::kMssBit | shift << SynTerms::kShiftBit | (offset_flags_window & 0xf0) |
                    (SynTerms::kScale | SynTerms::kSack) |
                    (SynTerms::kTimestamps & ~reinterpret_cast<V>(windows)) |
                    flags_if(ecn == 0xc000, SynTerms::kEcn);
  options.tsval = linux ? option[2] : option[3];
  return options;
}

/// The sixth word of options, which only Apple's have, at `offset`: seldom worth a chunk.
[[gnu::always_inline]] inline V load_option5(const Place& place, Mask mac, std::size_t offset) {
  if (zero_lanes(reinterpret_cast<V>(mac)) == kAllLanes) return V{};
  alignas(64) std::uint32_t words[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i)
    __builtin_memcpy(&words[i], place.frames[i] + place.network + offset, sizeof words[i]);
  return load(words);
}

/// What is found of the lanes of one register.
struct Found {
  V wrong;      ///< zero: it matches
  V elsewhere;  ///< zero: it is to the hint's destination, if it matches
  V neighbor;   ///< zero: it is from no neighbor, if it matches
  V offered, tsval;
};

/// Whether none of the lanes that count has the data offset of a layout and SYN, and neither FIN, RST nor
/// ACK: then nothing else is looked at.
[[gnu::always_inline]] inline bool no_common_syn(const Place& place, V offset_flags_window) {
  const V both = offset_flags_window & 0x17f0;
  const Mask may_be = (both == 0x02a0) | (both == 0x02b0) | (both == 0x0280);
  return (~zero_lanes(reinterpret_cast<V>(may_be)) & place.lanes) == 0;
}

template <Family kFamily>
Found find(const Place& place, V frame_bytes, const Hint& hint);

template <>
[[gnu::always_inline]] inline Found find<Family::kIpv4>(const Place& place, V frame_bytes, const Hint& hint) {
  const Words tcp = load_words(place, 28);  // ack, offset..., checksum, MSS
  if (no_common_syn(place, tcp.word[1])) return {all(1), V{}, V{}, V{}, V{}};
  const Words ip = load_words(place, 0);      // and the source
  const Words tuple = load_words(place, 12);  // source, destination, ports, seq
  const Words rest = load_words(place, 44);   // options 1 to 4
  // Version, IHL, total length and data offset in one.
  const V shape = (ip.word[0] & 0xffff'00ff) | (tcp.word[1] & 0xf0) << 8;
  const Layout layout{shape == 0x3c00'a045, shape == 0x4000'b045, shape == 0x3400'8045};
  V wrong = ~reinterpret_cast<V>(layout.linux | layout.mac | layout.windows);
  const V total_bytes = ip.word[0] >> 24;
  wrong |= flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < total_bytes, 1);
  wrong |= wrong_ipv4(ip);
  const V source = tuple.word[0], destination = tuple.word[1], ports = tuple.word[2];
  const V option[6] = {tcp.word[3],  rest.word[0], rest.word[1],
                       rest.word[2], rest.word[3], load_option5(place, layout.mac, 60)};
  const Options options = read_options(layout, tcp.word[1], option, wrong);

  const V address_sum = ipv4_address_sum(source, destination);
  wrong |= corrupt_ipv4(ip, address_sum);
  Sum segment;
  for (const V word : {ports, tuple.word[3], tcp.word[0], tcp.word[1], tcp.word[2], option[0], option[1],
                       option[2], options.option3, options.option4, options.option5})
    segment.add(word);
  wrong |= corrupt_tcp(segment.halves() + address_sum, total_bytes - 20);
  return {wrong, elsewhere_ipv4(hint, destination, ports), neighbors_ipv4(hint, source), options.offered,
          options.tsval};
}

template <>
[[gnu::always_inline]] inline Found find<Family::kIpv6>(const Place& place, V frame_bytes, const Hint& hint) {
  const Words tcp = load_words(place, 40);  // ports, seq, ack, offset...
  if (no_common_syn(place, tcp.word[3])) return {all(1), V{}, V{}, V{}, V{}};
  const Words ip = load_words(place, 0);  // and half of the source
  const Chunks source = load_chunks(place, 8), destination = load_chunks(place, 24);
  const Words rest = load_words(place, 56);  // checksum, MSS, options 1 and 2
  const Words last = load_words(place, 72);  // options 3 to 5; the fourth is nobody's
  // Payload length, next header and data offset in one.
  const V shape = (ip.word[1] & 0x00ff'ffff) | (tcp.word[3] & 0xf0) << 24;
  const Layout layout{shape == 0xa006'2800, shape == 0xb006'2c00, shape == 0x8006'2000};
  V wrong = ~reinterpret_cast<V>(layout.linux | layout.mac | layout.windows);
  const V segment_bytes = ip.word[1] >> 8 & 0xff;
  wrong |= flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < segment_bytes + 40, 1);
  wrong |= wrong_ipv6(ip);
  const V option[6] = {rest.word[1], rest.word[2], rest.word[3], last.word[0], last.word[1], last.word[2]};
  const Options options = read_options(layout, tcp.word[3], option, wrong);

  Sum segment;
  for (const V word : {tcp.word[0], tcp.word[1], tcp.word[2], tcp.word[3], rest.word[0], option[0], option[1],
                       option[2], options.option3, options.option4, options.option5})
    segment.add(word);
  wrong |= corrupt_tcp(segment.halves() + sum_of_addresses(source, destination), segment_bytes);
  V differs[4];
  const V wanted = load_broadcast(hint.destination);
  for (std::size_t q = 0; q < 4; ++q) differs[q] = destination.quarter[q] ^ wanted;
  const Words all_differ = transposed(differs);
  const V differ = all_differ.word[0] | all_differ.word[1] | all_differ.word[2] | all_differ.word[3];
  return {wrong, elsewhere_ipv6(hint, differ, tcp.word[0]), neighbors_ipv6(hint, ip), options.offered,
          options.tsval};
}

}  // namespace
}  // namespace synward::simd
