// What the kernels are made of, written once over the primitives of one instruction set: a register of
// words, sums of them, and the way from frames to words and back.
//
// This file, the rooms of the kernels (*_lanes.hpp) and kernel_set.hpp, which has all of them, are included
// by the three kernels_*.cpp alone, each of which has defined its primitives before and is compiled for its
// set. Everything in them has internal linkage, and calls no function of a library.
//
// A V is a register of kLanes words of 32 bits, one of each of kLanes packets. Words of packets are as they
// were loaded, little-endian: 0x3c00'0045 is the beginning of an IPv4 header, 45 00 00 3c.
#pragma once

#include "dataplane/simd/kernels.hpp"

namespace synward::simd {
namespace {

using wire::Family;

static_assert(SynBatch::kMax % kLanes == 0 && kPadding % kLanes == 0);

[[gnu::always_inline]] inline V all(std::uint32_t word) { return V{} + word; }
[[gnu::always_inline]] inline V flags_if(Mask condition, std::uint32_t flags) {
  return reinterpret_cast<V>(condition) & flags;
}

/// 64 bits in each pair of lanes.
[[gnu::always_inline]] inline Wide all_wide(std::uint64_t value) { return Wide{} + value; }
/// The upper halves of `odd`, and the lower ones of `even`, which has no others.
[[gnu::always_inline]] inline V merged(Wide even, Wide odd) {
  return reinterpret_cast<V>(even | (odd & 0xffff'ffff'0000'0000));
}
[[gnu::always_inline]] inline V odd_to_even(V v) {
  return reinterpret_cast<V>(reinterpret_cast<Wide>(v) >> 32);
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
/// The same where something lies between the headers.
struct WrappedPlace : Place {
  const std::uint16_t* between;  ///< of lane `at` on, as Frames has it
  std::byte* const* shifted;
};

/// Whether it holds in any lane that counts.
[[gnu::always_inline]] inline bool is_any(const Place& place, Mask of) {
  return (~zero_lanes(reinterpret_cast<V>(of)) & place.lanes) != 0;
}

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

/// From where, by the same offsets, TCP is found.
[[gnu::always_inline]] inline std::byte* const* tcp_frames(const Place& place) { return place.frames; }
[[gnu::always_inline]] inline std::byte* const* tcp_frames(const WrappedPlace& place) {
  return place.shifted;
}
template <typename P>
[[gnu::always_inline]] inline Words load_tcp_words(const P& place, std::size_t offset) {
  return load_words({tcp_frames(place), place.network, place.at, place.lanes}, offset);
}

/// Puts chunks where they belong, in all lanes.
[[gnu::always_inline]] inline void store_chunks(const Place& place, std::size_t offset,
                                                const V (&quarters)[4]) {
  for (std::size_t q = 0; q < 4; ++q) store_quarter(place.frames + q, place.network + offset, quarters[q]);
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
    __builtin_memcpy(place.frames[i] + place.network + offset, pairs + from, 8);
  }
}

[[gnu::always_inline]] inline void swap_macs(const Place& place) {
  const __m128i order = _mm_set_epi8(15, 14, 13, 12, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6);
  for (std::size_t i = 0; i < kLanes; ++i) {
    auto* const frame = reinterpret_cast<__m128i*>(place.frames[i]);
    _mm_storeu_si128(frame, _mm_shuffle_epi8(_mm_loadu_si128(frame), order));
  }
}

/// Calls `run(n)` for each bit that is set.
template <typename Run>
[[gnu::always_inline]] inline void for_each_bit(LaneBits bits, Run run) {
  for (; bits != 0; bits &= bits - 1) run(static_cast<std::size_t>(__builtin_ctzll(bits)));
}

/// Calls `run(place)` for each register of lanes of which any are in `lanes`.
template <typename Run>
void for_each_place(const Frames& frames, std::size_t network, LaneBits lanes, Run run) {
  for (std::size_t at = 0; at < frames.count; at += kLanes) {
    const auto here = static_cast<std::uint32_t>(lanes >> at) & kAllLanes;
    if (here != 0) run(Place{frames.frame + at, network, at, here});
  }
}
/// The same, of frames that have Frames::between.
template <typename Run>
void for_each_wrapped_place(const Frames& frames, std::size_t network, LaneBits lanes, Run run) {
  for_each_place(frames, network, lanes, [&](const Place& place) {
    run(WrappedPlace{place, frames.between + place.at, frames.shifted + place.at});
  });
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

}  // namespace
}  // namespace synward::simd
