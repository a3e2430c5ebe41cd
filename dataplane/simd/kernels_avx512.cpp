// AVX-512 and VAES in registers of 512 bits.
#include <cstddef>
#include <cstdint>
#include <immintrin.h>

#include "dataplane/simd/kernels.hpp"
#include "dataplane/simd/lookup_vbmi.hpp"

namespace synward::simd {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::uint32_t kAllLanes = 0xffff;
using V = std::uint32_t __attribute__((vector_size(64), may_alias));
using Mask = std::int32_t __attribute__((vector_size(64), may_alias));
using Wide = std::uint64_t __attribute__((vector_size(64), may_alias));

__m512i raw(V v) { return reinterpret_cast<__m512i>(v); }
V words(__m512i v) { return reinterpret_cast<V>(v); }

V load(const std::uint32_t* from) { return words(_mm512_load_si512(from)); }
void store(std::uint32_t* to, V v) { _mm512_store_si512(to, raw(v)); }
V interleave_low32(V a, V b) { return words(_mm512_unpacklo_epi32(raw(a), raw(b))); }
V interleave_high32(V a, V b) { return words(_mm512_unpackhi_epi32(raw(a), raw(b))); }
V interleave_low64(V a, V b) { return words(_mm512_unpacklo_epi64(raw(a), raw(b))); }
V interleave_high64(V a, V b) { return words(_mm512_unpackhi_epi64(raw(a), raw(b))); }
/// A bit for each lane that is zero.
std::uint32_t zero_lanes(V v) { return _mm512_testn_epi32_mask(raw(v), raw(v)); }

V swapped_bytes(V v) {
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return words(_mm512_shuffle_epi8(raw(v), _mm512_broadcast_i32x4(order)));
}

/// 64 bits each.
Wide product_of_even(V a, V b) { return reinterpret_cast<Wide>(_mm512_mul_epu32(raw(a), raw(b))); }

/// 16 bits of each lane.
V load_narrow(const std::uint16_t* from) {
  return words(_mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(from))));
}
/// Those of `lanes`, a bit each.
void store_narrow(std::uint16_t* to, std::uint32_t lanes, V v) {
  _mm512_mask_cvtepi32_storeu_epi16(to, static_cast<__mmask16>(lanes), raw(v));
}
void store_lanes(std::uint32_t* to, std::uint32_t lanes, V v) {
  _mm512_mask_store_epi32(to, static_cast<__mmask16>(lanes), raw(v));
}
/// from[index] of each lane.
V gather(const std::uint32_t* from, V index) { return words(_mm512_i32gather_epi32(raw(index), from, 4)); }
/// The word at `offset` of each frame.
V gather(std::byte* const* frames, V offset) {
  const auto eight = [&](std::size_t first, __m256i offsets) {
    const __m512i at = _mm512_loadu_si512(frames + first);
    return _mm512_i64gather_epi32(_mm512_add_epi64(at, _mm512_cvtepu32_epi64(offsets)), nullptr, 1);
  };
  const __m256i low = eight(0, _mm512_castsi512_si256(raw(offset)));
  return words(_mm512_inserti64x4(_mm512_castsi256_si512(low),
                                  eight(8, _mm512_extracti64x4_epi64(raw(offset), 1)), 1));
}
/// The same four words in each quarter.
V load_broadcast(const std::uint32_t* from) {
  return words(_mm512_broadcast_i32x4(*reinterpret_cast<const __m128i*>(from)));
}

__m128i chunk(const std::byte* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

/// 16 bytes at `offset` of frames 0, 4, 8 and 12.
[[gnu::always_inline]] inline V load_quarter(std::byte* const* frames, std::size_t offset) {
  __m512i quarter = _mm512_castsi128_si512(chunk(frames[0] + offset));
  quarter = _mm512_inserti32x4(quarter, chunk(frames[4] + offset), 1);
  quarter = _mm512_inserti32x4(quarter, chunk(frames[8] + offset), 2);
  return words(_mm512_inserti32x4(quarter, chunk(frames[12] + offset), 3));
}

/// The reverse.
[[gnu::always_inline]] inline void store_quarter(std::byte* const* frames, std::size_t offset, V v) {
  const auto put = [&](std::size_t i, __m128i part) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(frames[i] + offset), part);
  };
  put(0, _mm512_castsi512_si128(raw(v)));
  put(4, _mm512_extracti32x4_epi32(raw(v), 1));
  put(8, _mm512_extracti32x4_epi32(raw(v), 2));
  put(12, _mm512_extracti32x4_epi32(raw(v), 3));
}

V aes_round(V blocks, V key) { return words(_mm512_aesenc_epi128(raw(blocks), raw(key))); }
V aes_last_round(V blocks, V key) { return words(_mm512_aesenclast_epi128(raw(blocks), raw(key))); }
/// Words of `a` where `flags` is not zero, else of `b`.
V chosen(V flags, V a, V b) {
  return words(_mm512_mask_blend_epi32(_mm512_test_epi32_mask(raw(flags), raw(flags)), raw(b), raw(a)));
}

}  // namespace
}  // namespace synward::simd

#include "dataplane/simd/vaes.hpp"  // over these primitives, and all kernels over both

namespace synward::simd {
extern const Kernels kKernelsAvx512;
}  // namespace synward::simd

#include "dataplane/simd/kernel_set.hpp"

namespace synward::simd {

constinit const Kernels kKernelsAvx512 = kKernels;

}  // namespace synward::simd
