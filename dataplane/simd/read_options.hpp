// What SYNs offer whose options are in no common layout: any order, any length, any nonsense.
//
// A walk from option to option has to guess, at each, what it is and where the next one begins; where options
// come at random a CPU guesses wrong every other time, and 40 bytes of them take 200 cycles. So nothing is
// walked here. Each place of the list says where the option behind it would begin, if one began there. Looked
// up in itself, that table says where the second one behind begins, once more, the fourth; and the n-th
// option of the list begins where the binary digits of n lead. That takes as many steps for any list, and
// there is nothing to guess.
//
// Included by the three kernels_*.cpp alone, each of which has defined Bytes32 and lookup() before; see
// lanes.hpp.
#pragma once

#include <immintrin.h>

#include "dataplane/simd/kernels.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::simd {
namespace {

/// All ones, or zero, in each byte.
using ByteMask = std::int8_t __attribute__((vector_size(32), may_alias));

[[gnu::always_inline]] inline Bytes32 bytes_if(ByteMask condition, Bytes32 bytes) {
  return reinterpret_cast<Bytes32>(condition) & bytes;
}
[[gnu::always_inline]] inline Bytes32 load_bytes(const std::byte* from) {
  return reinterpret_cast<Bytes32>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

/// The kinds that a SYN is read for: the length that each must have, and the bit that says it is there.
struct KnownKinds {
  static constexpr std::uint8_t kMss = 1, kScale = 2, kSack = 4, kTimestamps = 8;
  alignas(16) std::uint8_t bytes[16]{}, bit[16]{};
};
inline constexpr KnownKinds kKnownKinds = [] {
  using Kind = wire::TcpOptionKind;
  KnownKinds kinds;
  const auto add = [&kinds](std::uint8_t kind, std::uint8_t bytes, std::uint8_t bit) {
    kinds.bytes[kind] = bytes;
    kinds.bit[kind] = bit;
  };
  add(Kind::kMss, 4, KnownKinds::kMss);
  add(Kind::kWindowScale, 3, KnownKinds::kScale);
  add(Kind::kSackPermitted, 2, KnownKinds::kSack);
  add(Kind::kTimestamps, 10, KnownKinds::kTimestamps);
  return kinds;
}();
/// row[index], or zero where an index is 16 or more.
[[gnu::always_inline]] inline Bytes32 look_up_16(const std::uint8_t (&row)[16], Bytes32 index) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
  const __m256i capped = _mm256_adds_epu8(reinterpret_cast<__m256i>(index), _mm256_set1_epi8(0x70));
  return reinterpret_cast<Bytes32>(_mm256_shuffle_epi8(table, capped));
}

/// What would be at each of 32 places of a list, if an option began there.
struct Places {
  Bytes32 next;   ///< where the option behind it begins; the place itself, where the list ends or breaks off
  Bytes32 known;  ///< a bit of KnownKinds, or zero
};
/// Places `first` to `first` + 31 of a list of `bytes` bytes. Of two NOPs side by side the second begins
/// nothing: so an option takes a byte and a half at least.
[[gnu::always_inline]] inline Places look_at(const std::byte* list, std::uint8_t first, std::uint8_t bytes) {
  using Kind = wire::TcpOptionKind;
  constexpr Bytes32 kPlaces{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                            16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  const Bytes32 place = kPlaces + first, left = bytes - place;  // `left` counts where place < bytes
  const Bytes32 kind = load_bytes(list + first), length = load_bytes(list + first + 1);
  const ByteMask nop = kind == Kind::kNop;
  const ByteMask two_nops = nop & (length == Kind::kNop) & (left > 1);
  const ByteMask whole = nop | ((length >= 2) & (length <= left));
  const ByteMask goes_on = whole & (kind != Kind::kEnd) & (place < bytes);
  const Bytes32 step = nop ? 1 - reinterpret_cast<Bytes32>(two_nops) : length;
  const ByteMask proper = length == look_up_16(kKnownKinds.bytes, kind);
  return {place + bytes_if(goes_on, step), bytes_if(goes_on & proper, look_up_16(kKnownKinds.bit, kind))};
}

/// The places where the options of a list begin, the first 32: all of them, and behind them the place of its
/// end, again and again.
struct Starts {
  Bytes32 place, known;
};
inline constexpr std::size_t kMostStarts = 32;
static_assert(2 * wire::kMaxTcpOptionBytes / 3 + 1 < kMostStarts);

[[gnu::always_inline]] inline Starts find_starts(const std::byte* list, std::uint8_t bytes) {
  static_assert(wire::kMaxTcpOptionBytes < 48);  // what lookup() knows
  const Places low = look_at(list, 0, bytes), high = look_at(list, 32, bytes);
  Bytes32 next[2] = {low.next, high.next};
  Bytes32 place{};
  constexpr Bytes32 kNumber{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                            16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
#pragma GCC unroll 5
  for (std::uint8_t step = 1; step < kMostStarts; step *= 2) {
    if (step != 1) {
      const Bytes32 twice = lookup(next[0], next[1], next[0]);
      next[1] = lookup(next[0], next[1], next[1]);
      next[0] = twice;
    }
    place = (kNumber & step) != 0 ? lookup(next[0], next[1], place) : place;
  }
  return {place, lookup(low.known, high.known, place)};
}

template <typename T>
[[gnu::always_inline]] inline T load_as(const std::byte* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

/// One list, and where in it each known kind is.
struct FoundOptions {
  const std::byte* list;
  Bytes32 known;
  alignas(32) std::uint8_t places[kMostStarts];

  /// The starts of one kind, a bit each.
  [[nodiscard, gnu::always_inline]] std::uint32_t starts_of(std::uint8_t kind_bit) const {
    const __m256i shifted = _mm256_slli_epi16(reinterpret_cast<__m256i>(known), 7 - __builtin_ctz(kind_bit));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(shifted));
  }
  /// What is behind kind and length of the first of `starts`; of none, that of the last start, which is no
  /// option: so nobody has to ask.
  [[nodiscard]] const std::byte* value(std::uint32_t starts) const {
    return list + places[__builtin_ctz(starts | 1u << (kMostStarts - 1))] + 2;
  }
};
[[gnu::always_inline]] inline FoundOptions find_options(const std::byte* tcp) {
  const auto header_bytes = (load_as<std::uint8_t>(tcp + 12) >> 4) * 4;
  FoundOptions found;
  found.list = tcp + sizeof(wire::TcpHeader);
  const Starts starts =
      find_starts(found.list, static_cast<std::uint8_t>(header_bytes - int{sizeof(wire::TcpHeader)}));
  found.known = starts.known;
  _mm256_store_si256(reinterpret_cast<__m256i*>(found.places), reinterpret_cast<__m256i>(starts.place));
  return found;
}

/// SynTerms and TSval of one SYN, as parse_tcp_options() reads them: of duplicates the first.
[[gnu::always_inline]] inline void read_syn(const std::byte* tcp, std::uint32_t default_mss,
                                            std::uint32_t& offered, std::uint32_t& tsval) {
  const auto offset = load_as<std::uint8_t>(tcp + 12), flags = load_as<std::uint8_t>(tcp + 13);
  const FoundOptions found = find_options(tcp);
  const std::uint32_t mss = found.starts_of(KnownKinds::kMss), scale = found.starts_of(KnownKinds::kScale),
                      sack = found.starts_of(KnownKinds::kSack),
                      stamps = found.starts_of(KnownKinds::kTimestamps);
  const std::uint32_t mss_offered = __builtin_bswap16(load_as<std::uint16_t>(found.value(mss)));
  const std::uint32_t shift = load_as<std::uint8_t>(found.value(scale));
  // Written so that no compiler makes a branch of it.
  const auto if_any = [](std::uint32_t of, std::uint32_t term) { return (0u - (of != 0 ? 1u : 0u)) & term; };
  offered = (mss != 0 ? mss_offered : default_mss) << SynTerms::kMssBit |
            if_any(scale, SynTerms::kScale | (shift < 14 ? shift : 14) << SynTerms::kShiftBit) |
            if_any(sack, SynTerms::kSack) | if_any(stamps, SynTerms::kTimestamps) |
            ((flags & 0xc0) == 0xc0 ? SynTerms::kEcn : 0) |
            std::uint32_t{offset} >> 4 << SynTerms::kOffsetBit;
  tsval = load_as<std::uint32_t>(found.value(stamps));
}
static_assert(wire::kMaxWindowScale == 14);

inline void read(const OddSyns& syns, SynBatch& batch) {
  for (std::size_t n = 0; n < syns.count; ++n) {
    const std::uint8_t lane = syns.lanes[n];
    read_syn(syns.tcp[lane], syns.default_mss, batch.offered[lane], batch.tsval[lane]);
  }
}

inline bool timestamps(const std::byte* tcp, wire::TcpTimestamps& found) {
  const FoundOptions options = find_options(tcp);
  const std::uint32_t starts = options.starts_of(KnownKinds::kTimestamps);
  const std::byte* const value = options.value(starts);
  found = {__builtin_bswap32(load_as<std::uint32_t>(value)),
           __builtin_bswap32(load_as<std::uint32_t>(value + 4))};
  return starts != 0;
}

}  // namespace
}  // namespace synward::simd
