// The primitives of registers of 256 bits that AVX2 has already, for the kernels' two builds of that width;
// what AVX-512VL and VAES do better is in those. See lanes.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <immintrin.h>

namespace synward::simd {
namespace {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::uint32_t kAllLanes = 0xff;
using V = std::uint32_t __attribute__((vector_size(32), may_alias));
using Mask = std::int32_t __attribute__((vector_size(32), may_alias));
using Wide = std::uint64_t __attribute__((vector_size(32), may_alias));

inline __m256i raw(V v) { return reinterpret_cast<__m256i>(v); }
inline V words(__m256i v) { return reinterpret_cast<V>(v); }

inline V load(const std::uint32_t* from) {
  return words(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
}
inline void store(std::uint32_t* to, V v) { _mm256_store_si256(reinterpret_cast<__m256i*>(to), raw(v)); }
inline V interleave_low32(V a, V b) { return words(_mm256_unpacklo_epi32(raw(a), raw(b))); }
inline V interleave_high32(V a, V b) { return words(_mm256_unpackhi_epi32(raw(a), raw(b))); }
inline V interleave_low64(V a, V b) { return words(_mm256_unpacklo_epi64(raw(a), raw(b))); }
inline V interleave_high64(V a, V b) { return words(_mm256_unpackhi_epi64(raw(a), raw(b))); }

inline V swapped_bytes(V v) {
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return words(_mm256_shuffle_epi8(raw(v), _mm256_broadcastsi128_si256(order)));
}

/// 64 bits each.
inline Wide product_of_even(V a, V b) { return reinterpret_cast<Wide>(_mm256_mul_epu32(raw(a), raw(b))); }

/// 16 bits of each lane.
inline V load_narrow(const std::uint16_t* from) {
  return words(_mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(from))));
}
/// from[index] of each lane.
inline V gather(const std::uint32_t* from, V index) {
  return words(_mm256_i32gather_epi32(reinterpret_cast<const int*>(from), raw(index), 4));
}
/// The word at `offset` of each frame.
inline V gather(std::byte* const* frames, V offset) {
  const auto four = [&](std::size_t first, __m128i offsets) {
    const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(frames + first));
    return _mm256_i64gather_epi32(nullptr, _mm256_add_epi64(at, _mm256_cvtepu32_epi64(offsets)), 1);
  };
  const __m128i low = four(0, _mm256_castsi256_si128(raw(offset)));
  return words(_mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                       four(4, _mm256_extracti128_si256(raw(offset), 1)), 1));
}
/// The same four words in each quarter.
inline V load_broadcast(const std::uint32_t* from) {
  return words(_mm256_broadcastsi128_si256(*reinterpret_cast<const __m128i*>(from)));
}

inline __m128i chunk(const std::byte* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

/// 16 bytes at `offset` of frames 0 and 4.
[[gnu::always_inline]] inline V load_quarter(std::byte* const* frames, std::size_t offset) {
  const __m256i quarter = _mm256_castsi128_si256(chunk(frames[0] + offset));
  return words(_mm256_inserti128_si256(quarter, chunk(frames[4] + offset), 1));
}

/// The reverse.
[[gnu::always_inline]] inline void store_quarter(std::byte* const* frames, std::size_t offset, V v) {
  const auto put = [&](std::size_t i, __m128i part) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(frames[i] + offset), part);
  };
  put(0, _mm256_castsi256_si128(raw(v)));
  put(4, _mm256_extracti128_si256(raw(v), 1));
}

}  // namespace
}  // namespace synward::simd
