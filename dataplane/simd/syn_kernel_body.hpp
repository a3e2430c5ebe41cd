// The SYN kernel, written once over the primitives of one instruction set. The file that includes this one
// has defined them before, and is compiled for that set; everything here has internal linkage, and calls no
// function of a library. Only the three syn_kernel_*.cpp include it.
//
// A V is a register of kLanes words of 32 bits, one of each of kLanes packets. Words of packets are as they
// were loaded, little-endian: 0x3c00'0045 is the beginning of an IPv4 header, 45 00 00 3c.
#pragma once

#include <utility>

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/simd/syn_kernel.hpp"

namespace synward::simd {
namespace {

using wire::Family;

static_assert(SynBatch::kMax % kLanes == 0 && kPadding % kLanes == 0);

[[gnu::always_inline]] inline V all(std::uint32_t word) { return V{} + word; }
[[gnu::always_inline]] inline V flags_if(Mask condition, std::uint32_t flags) {
  return reinterpret_cast<V>(condition) & flags;
}

// ---- sums (RFC 1071): of the 16-bit halves of words ----

/// Adds up words without a carry lost: the plain sum, which wraps, and the sum of the upper halves give the
/// sum of the lower ones.
struct Sum {
  V plain{}, upper{};
  void add(V words) {
    plain += words;
    upper += words >> 16;
  }
  /// The sum of the halves of all words: exact, for up to 2^16 words.
  V halves() const { return plain - (upper << 16) + upper; }
};

/// In 16 bits, in wire order. Zero only if the sum was zero.
[[gnu::always_inline]] inline V folded(V sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

// ---- frames to words and back ----

/// Lanes `at` to `at` + kLanes - 1 of a burst.
struct Place {
  std::byte* const* frames;  ///< of lane `at` on
  std::size_t network, at;
  std::uint32_t lanes;  ///< those that count, a bit each
};

/// 16 bytes of each packet: register q holds lanes q, q + 4, ... one after the other, so that transposed()
/// has all in order.
struct Chunks {
  V quarter[4];
};
/// From `offset` on, which counts from the IP header.
[[gnu::always_inline]] inline Chunks load_chunks(const Place& place, std::size_t offset) {
  Chunks chunks;
  for (std::size_t q = 0; q < 4; ++q)
    chunks.quarter[q] = load_quarter(place.frames + q, place.network + offset);
  return chunks;
}

/// The four words of Chunks, one register each. It is its own inverse.
struct Words {
  V word[4];
};
[[gnu::always_inline]] inline Words transposed(const V (&rows)[4]) {
  const V low01 = interleave_low32(rows[0], rows[1]), high01 = interleave_high32(rows[0], rows[1]);
  const V low23 = interleave_low32(rows[2], rows[3]), high23 = interleave_high32(rows[2], rows[3]);
  return {{interleave_low64(low01, low23), interleave_high64(low01, low23), interleave_low64(high01, high23),
           interleave_high64(high01, high23)}};
}
[[gnu::always_inline]] inline Words load_words(const Place& place, std::size_t offset) {
  return transposed(load_chunks(place, offset).quarter);
}

/// Puts chunks where they belong, in the lanes that count.
[[gnu::always_inline]] inline void store_chunks(const Place& place, std::size_t offset,
                                                const V (&quarters)[4]) {
  const std::size_t at = place.network + offset;
  if (place.lanes == kAllLanes) {
    for (std::size_t q = 0; q < 4; ++q) store_quarter(place.frames + q, at, quarters[q]);
  } else {
    for (std::size_t q = 0; q < 4; ++q) store_quarter(place.frames + q, at, quarters[q], place.lanes >> q);
  }
}
[[gnu::always_inline]] inline void store_words(const Place& place, std::size_t offset, V a, V b, V c, V d) {
  store_chunks(place, offset, transposed({a, b, c, d}).word);
}
/// Two words of each packet.
[[gnu::always_inline]] inline void store_word_pair(const Place& place, std::size_t offset, V a, V b) {
  alignas(64) std::uint32_t pairs[2 * kLanes];
  store(pairs, interleave_low32(a, b));
  store(pairs + kLanes, interleave_high32(a, b));
  for (std::size_t i = 0; i < kLanes; ++i) {
    // Of four lanes, the lower half has two, one after the other, and the upper half two.
    const std::size_t from = (i & 2) / 2 * kLanes + i / 4 * 4 + (i & 1) * 2;
    if ((place.lanes >> i & 1) != 0)
      __builtin_memcpy(place.frames[i] + place.network + offset, pairs + from, 8);
  }
}

[[gnu::always_inline]] inline void swap_macs(const Place& place) {
  const __m128i order = _mm_set_epi8(15, 14, 13, 12, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6);
  for (std::size_t i = 0; i < kLanes; ++i) {
    if ((place.lanes >> i & 1) == 0) continue;
    auto* const frame = reinterpret_cast<__m128i*>(place.frames[i]);
    _mm_storeu_si128(frame, _mm_shuffle_epi8(_mm_loadu_si128(frame), order));
  }
}

/// Calls `run(place)` for each register of lanes of which any are in `lanes`.
template <typename Run>
void for_each_place(const Frames& frames, std::size_t network, LaneBits lanes, Run run) {
  for (std::size_t at = 0; at < frames.count; at += kLanes) {
    const auto here = static_cast<std::uint32_t>(lanes >> at) & kAllLanes;
    if (here != 0) run(Place{frames.frame + at, network, at, here});
  }
}

// ---- links ----

inline constexpr std::size_t kLinkBytes = 14, kLeastTcpBytes = 32;

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
    links.ipv4 |= lanes_of(0x0008, kLinkBytes + 20 + kLeastTcpBytes);
    links.ipv6 |= lanes_of(0xdd86, kLinkBytes + 40 + kLeastTcpBytes);
    links.tagged |= lanes_of(0x0081, kLinkBytes + 4 + 20 + kLeastTcpBytes);
  });
  return links;
}

// ---- recognition ----

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
  V wrong;    ///< zero: it matches
  V special;  ///< zero: it is plain, if it matches
  V offered, tsval;
};

/// service::ServiceTable::Neighborhoods: one, where `first`, hashed, may be a service's.
[[gnu::always_inline]] inline V neighbors(const SynHint& hint, V first) {
  const V index = first * 0x9e37'79b9u >> 20;
  return gather(hint.neighborhoods, index >> 5) >> (index & 31) & 1;
}

/// Whether none of the lanes that count has SYN and neither FIN, RST nor ACK: then nothing else is looked at.
[[gnu::always_inline]] inline bool no_syn(const Place& place, V offset_flags_window) {
  return (zero_lanes((offset_flags_window & 0x1700) ^ 0x0200) & place.lanes) == 0;
}

template <Family kFamily>
Found find(const Place& place, V frame_bytes, const SynHint& hint);

template <>
[[gnu::always_inline]] inline Found find<Family::kIpv4>(const Place& place, V frame_bytes,
                                                        const SynHint& hint) {
  const Words tcp = load_words(place, 28);  // ack, offset..., checksum, MSS
  if (no_syn(place, tcp.word[1])) return {all(1), V{}, V{}, V{}};
  const Words ip = load_words(place, 0);      // and the source
  const Words tuple = load_words(place, 12);  // source, destination, ports, seq
  const Words rest = load_words(place, 44);   // options 1 to 4
  // Version, IHL, total length and data offset in one.
  const V shape = (ip.word[0] & 0xffff'00ff) | (tcp.word[1] & 0xf0) << 8;
  const Layout layout{shape == 0x3c00'a045, shape == 0x4000'b045, shape == 0x3400'8045};
  V wrong = ~reinterpret_cast<V>(layout.linux | layout.mac | layout.windows);
  const V total_bytes = ip.word[0] >> 24;
  wrong |= flags_if(frame_bytes - static_cast<std::uint32_t>(place.network) < total_bytes, 1);
  wrong |= ip.word[1] & 0xff3f'0000;        // not a fragment
  wrong |= (ip.word[2] & 0xff00) ^ 0x0600;  // TCP
  const V source = tuple.word[0], first = source & 0xff;
  wrong |= flags_if((first & 0xf0) == 0xe0, 1) | flags_if(first == 127, 1) |  // is_bad_source()
           flags_if(source == 0, 1) | flags_if(source == 0xffff'ffff, 1);
  const V option[6] = {tcp.word[3],  rest.word[0], rest.word[1],
                       rest.word[2], rest.word[3], load_option5(place, layout.mac, 60)};
  const Options options = read_options(layout, tcp.word[1], option, wrong);

  Sum addresses;
  addresses.add(source);
  addresses.add(tuple.word[1]);
  const V address_sum = addresses.halves();
  Sum header;
  for (const V word : {ip.word[0], ip.word[1], ip.word[2]}) header.add(word);
  wrong |= folded(header.halves() + address_sum) ^ 0xffff;
  Sum segment;
  for (const V word : {tuple.word[2], tuple.word[3], tcp.word[0], tcp.word[1], tcp.word[2], option[0],
                       option[1], option[2], options.option3, options.option4, options.option5})
    segment.add(word);
  wrong |= folded(segment.halves() + address_sum + 0x0600 + ((total_bytes - 20) << 8)) ^ 0xffff;
  const V special = (tuple.word[1] ^ hint.destination[0]) | ((tuple.word[2] >> 16) ^ hint.port) |
                    neighbors(hint, source << 16);
  return {wrong, special, options.offered, options.tsval};
}

/// The sum of two addresses in each packet, as Chunks have them.
[[gnu::always_inline]] inline V sum_of_addresses(const Chunks& source, const Chunks& destination) {
  V partial[4];
  for (std::size_t q = 0; q < 4; ++q) {
    const V a = source.quarter[q], b = destination.quarter[q];
    partial[q] = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
  }
  const Words words = transposed(partial);
  return words.word[0] + words.word[1] + words.word[2] + words.word[3];
}

template <>
[[gnu::always_inline]] inline Found find<Family::kIpv6>(const Place& place, V frame_bytes,
                                                        const SynHint& hint) {
  const Words tcp = load_words(place, 40);  // ports, seq, ack, offset...
  if (no_syn(place, tcp.word[3])) return {all(1), V{}, V{}, V{}};
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
  wrong |= (ip.word[0] & 0xf0) ^ 0x60;
  // is_bad_source(), and whatever else begins with 64 zeros.
  wrong |= flags_if((ip.word[2] & 0xff) == 0xff, 1) | flags_if((ip.word[2] | ip.word[3]) == 0, 1);
  const V option[6] = {rest.word[1], rest.word[2], rest.word[3], last.word[0], last.word[1], last.word[2]};
  const Options options = read_options(layout, tcp.word[3], option, wrong);

  Sum segment;
  for (const V word : {tcp.word[0], tcp.word[1], tcp.word[2], tcp.word[3], rest.word[0], option[0], option[1],
                       option[2], options.option3, options.option4, options.option5})
    segment.add(word);
  wrong |= folded(segment.halves() + sum_of_addresses(source, destination) + 0x0600 + (segment_bytes << 8)) ^
           0xffff;
  V differs[4];
  const V wanted = load_broadcast(hint.destination);
  for (std::size_t q = 0; q < 4; ++q) differs[q] = destination.quarter[q] ^ wanted;
  const Words destinations = transposed(differs);
  const V special = destinations.word[0] | destinations.word[1] | destinations.word[2] |
                    destinations.word[3] | ((tcp.word[0] >> 16) ^ hint.port) | neighbors(hint, ip.word[2]);
  return {wrong, special, options.offered, options.tsval};
}

template <Family kFamily>
Matches match(const Frames& frames, std::size_t network, LaneBits candidates, const SynHint& hint,
              SynBatch& batch) {
  Matches matches{};
  for_each_place(frames, network, candidates, [&](const Place& place) {
    const Found found = find<kFamily>(place, load_narrow(frames.frame_bytes + place.at), hint);
    const std::uint32_t lanes = zero_lanes(found.wrong) & place.lanes;
    if (lanes == 0) return;
    // Other lanes may have matched as another family, or with another network.
    store_lanes(batch.offered + place.at, lanes, found.offered);
    store_lanes(batch.tsval + place.at, lanes, found.tsval);
    matches.syns |= LaneBits{lanes} << place.at;
    matches.plain |= LaneBits{lanes & zero_lanes(found.special)} << place.at;
  });
  return matches;
}

// ---- cookies: cookie/cookie.hpp and cookie/option_tables.hpp ----

/// FineMss::index().
[[gnu::always_inline]] inline V fine_mss_index(V mss) {
  using Fine = cookie::FineMss;
  // A division by kHighStep, exact as far as it goes: 13982 / 2^22 is a little more than 1 / 300.
  constexpr std::uint32_t kSteps = Fine::kCount - 1 - Fine::kHighIndex, kMultiplier = 13982, kShift = 22;
  static_assert([] {
    for (std::uint32_t over = 0; over < (kSteps + 1) * Fine::kHighStep; ++over) {
      if (over * kMultiplier >> kShift != over / Fine::kHighStep) return false;
    }
    return true;
  }());
  static_assert(Fine::kLowStep == 32 && Fine::kMiddleStep == 4 && Fine::kLow == cookie::kLeastMss);
  constexpr std::uint32_t kMost = Fine::kHigh + kSteps * Fine::kHighStep;
  const V low = (mss - Fine::kLow) >> 5;
  const V middle = ((mss - Fine::kMiddle) >> 2) + Fine::kMiddleIndex;
  const V least = mss < kMost ? mss : all(kMost);
  const V high = ((least - Fine::kHigh) * kMultiplier >> kShift) + Fine::kHighIndex;
  return mss < Fine::kMiddle ? low : mss < Fine::kHigh ? middle : high;
}

template <const auto& kTable, std::size_t kIndex>
constexpr std::uint32_t kStep = kTable[kIndex];
template <const auto& kTable, std::size_t... kIndices>
[[gnu::always_inline]] inline V steps(V value, std::index_sequence<kIndices...>) {
  V index{};
  ((index -= reinterpret_cast<V>(value >= kStep<kTable, kIndices + 1>)), ...);
  return index;
}
/// How many of kTable's entries behind the first are not above `value`: the index of a step function.
template <const auto& kTable>
[[gnu::always_inline]] inline V steps(V value) {
  return steps<kTable>(value, std::make_index_sequence<7>{});
}

struct CookieWords {
  V isn, tsval;
};
/// `mac`: o0 to o3. `granted` has ecn only beside timestamps.
template <Family kFamily>
[[gnu::always_inline]] inline CookieWords make_cookies(const Words& mac, V offered, V granted,
                                                       const SynMint& mint) {
  const V mss = offered >> SynTerms::kMssBit;
  const Mask scaled = (granted & SynTerms::kScale) != 0;
  const V shift = scaled ? offered >> SynTerms::kShiftBit & 15 : all(cookie::WindowScaleBits::kNone);
  const Mask stamped = (granted & SynTerms::kTimestamps) != 0;
  const V sack = granted >> 1 & 1;
  static_assert(SynTerms::kSack == 2 && SynTerms::kEcn == 8);
  V isn_bits = fine_mss_index(mss);
  if (zero_lanes(granted & SynTerms::kTimestamps) != 0) {
    const V coarse_shift = scaled ? steps<cookie::WindowScaleBits::kCoarse>(shift) : V{};
    const V coarse = steps<cookie::CoarseMss<kFamily>::kTable>(mss) << 4 | coarse_shift << 1 | sack;
    isn_bits = stamped ? isn_bits : coarse;
  }
  const V stamp_bits =
      (cookie::kTimestampsOffered | shift << 2 | sack << 1 | granted >> 3) & reinterpret_cast<V>(stamped);
  const V tag = (mac.word[0] + mac.word[1] * isn_bits + mac.word[2] * stamp_bits) >> 8;
  const V clock = mac.word[3] + mint.wall_ms;
  return {.isn = tag << 8 | ((isn_bits | mint.slot_parity << 7) ^ tag >> 16),
          .tsval = clock - ((clock - stamp_bits) & cookie::kTsvalOptionMask)};
}

// ---- answers ----

/// From the TCP header's fourth word on, its checksum left out.
struct Answer {
  V seq, ack, offset_flags_window;
  V option[5];  ///< zero behind the end
  V bytes;      ///< of header and options
  V sum;        ///< of all these words
};
template <Family kFamily>
[[gnu::always_inline]] inline Answer make_answer(const SynBatch& batch, std::size_t at, const Words& mac,
                                                 V isn_wire, const SynMint& mint) {
  const V offered = load(batch.offered + at), promised = load(batch.promised + at);
  const V both = offered & promised & 0xf;
  const V granted = both & (~V{} ^ (~both & SynTerms::kTimestamps) << 1);  // ECN only beside timestamps
  const CookieWords cookie = make_cookies<kFamily>(mac, offered, granted, mint);
  const Mask scaled = (granted & SynTerms::kScale) != 0, sack = (granted & SynTerms::kSack) != 0,
             stamped = (granted & SynTerms::kTimestamps) != 0;
  const V sizes = load(batch.mss_and_window + at);
  const V scale = flags_if(scaled, 0x0003'0301) | (promised >> SynTerms::kShiftBit & flags_if(scaled, 15))
                                                      << 24;
  const V stamped_bits = reinterpret_cast<V>(stamped);
  Answer answer;
  answer.option[0] = sizes << 16 | 0x0402;
  answer.option[1] = stamped ? (sack ? all(0x0a08'0204) : all(0x0a08'0101)) : sack ? all(0x0204'0101) : scale;
  answer.option[2] = stamped ? swapped_bytes(cookie.tsval) : scale & reinterpret_cast<V>(sack);
  answer.option[3] = load(batch.tsval + at) & stamped_bits;
  answer.option[4] = scale & stamped_bits;
  answer.bytes =
      24 + (granted & SynTerms::kScale) * 4 + (stamped ? all(12) : (granted & SynTerms::kSack) << 1);
  const V ece = (granted & SynTerms::kEcn) << 11;  // 0x40 in the second byte
  answer.offset_flags_window = answer.bytes << 2 | ece | 0x1200 | (sizes & 0xffff'0000);
  answer.seq = swapped_bytes(cookie.isn);
  answer.ack = swapped_bytes(swapped_bytes(isn_wire) + 1);
  Sum sum;
  for (const V word : {answer.seq, answer.ack, answer.offset_flags_window, answer.option[0], answer.option[1],
                       answer.option[2], answer.option[3], answer.option[4]})
    sum.add(word);
  answer.sum =
      sum.halves() + 0x0600 + (answer.bytes << 8);  // and of what the pseudo-header adds to addresses
  return answer;
}

[[gnu::always_inline]] inline V checksum(V sum) { return folded(sum) ^ 0xffff; }

template <Family kFamily>
void answer_place(const Frames& frames, const Place& place, const SynBatch& batch, const SynMint& mint);

template <>
[[gnu::always_inline]] inline void answer_place<Family::kIpv4>(const Frames& frames, const Place& place,
                                                               const SynBatch& batch, const SynMint& mint) {
  Chunks tuple = load_chunks(place, 12);  // the cookie's message
  const Words question = transposed(tuple.quarter);
  encrypt(mint.key, tuple.quarter);
  const Answer answer =
      make_answer<Family::kIpv4>(batch, place.at, transposed(tuple.quarter), question.word[3], mint);
  const V client = question.word[0], service = question.word[1];
  const V ports = question.word[2] >> 16 | question.word[2] << 16;
  Sum sum;
  sum.add(client);
  sum.add(service);
  const V addresses = sum.halves();
  Sum port_sum;
  port_sum.add(ports);
  const V total_bytes = answer.bytes + 20;
  constexpr std::uint32_t kAtomic = 0x0040'0000, kTtlAndProtocol = 0x0640;
  const V ip_sum = addresses + (total_bytes << 8) + (0x45 + (kAtomic >> 16) + kTtlAndProtocol);
  swap_macs(place);
  store_words(place, 0, total_bytes << 24 | 0x45, all(kAtomic), checksum(ip_sum) << 16 | kTtlAndProtocol,
              service);
  store_words(place, 16, client, ports, answer.seq, answer.ack);
  store_words(place, 32, answer.offset_flags_window, checksum(answer.sum + addresses + port_sum.halves()),
              answer.option[0], answer.option[1]);
  store_words(place, 48, answer.option[2], answer.option[3], answer.option[4], V{});
  store_narrow(frames.frame_bytes + place.at, place.lanes,
               total_bytes + static_cast<std::uint32_t>(place.network));
}

template <>
[[gnu::always_inline]] inline void answer_place<Family::kIpv6>(const Frames& frames, const Place& place,
                                                               const SynBatch& batch, const SynMint& mint) {
  const Chunks client = load_chunks(place, 8), service = load_chunks(place, 24);
  const Chunks tcp = load_chunks(place, 40);
  const Words question = transposed(tcp.quarter);  // ports, seq, and what nobody needs
  V mac[4];
  for (std::size_t q = 0; q < 4; ++q) mac[q] = client.quarter[q];
  encrypt(mint.key, mac);
  for (std::size_t q = 0; q < 4; ++q) mac[q] ^= service.quarter[q];
  encrypt(mint.key, mac);
  for (std::size_t q = 0; q < 4; ++q) mac[q] ^= interleave_low64(tcp.quarter[q], V{});
  encrypt(mint.key, mac);
  const Answer answer = make_answer<Family::kIpv6>(batch, place.at, transposed(mac), question.word[1], mint);
  const V ports = question.word[0] >> 16 | question.word[0] << 16;
  Sum port_sum;
  port_sum.add(ports);
  const V sum = answer.sum + port_sum.halves() + sum_of_addresses(client, service);
  swap_macs(place);
  store_word_pair(place, 0, all(0x60), answer.bytes << 8 | 0x4006'0000);
  store_chunks(place, 8, service.quarter);
  store_chunks(place, 24, client.quarter);
  store_words(place, 40, ports, answer.seq, answer.ack, answer.offset_flags_window);
  store_words(place, 56, checksum(sum), answer.option[0], answer.option[1], answer.option[2]);
  store_word_pair(place, 72, answer.option[3], answer.option[4]);
  store_narrow(frames.frame_bytes + place.at, place.lanes,
               answer.bytes + (40 + static_cast<std::uint32_t>(place.network)));
}

template <Family kFamily>
void answer(const Frames& frames, std::size_t network, LaneBits alive, const SynBatch& batch,
            const SynMint& mint) {
  for_each_place(frames, network, alive,
                 [&](const Place& place) { answer_place<kFamily>(frames, place, batch, mint); });
}

}  // namespace
}  // namespace synward::simd
