// AVX2 and AES-NI.
#include "dataplane/simd/kernels.hpp"
#include "dataplane/simd/lanes256.hpp"

namespace synward::simd {
namespace {

/// A bit for each lane that is zero.
std::uint32_t zero_lanes(V v) {
  const __m256i zero = _mm256_cmpeq_epi32(raw(v), _mm256_setzero_si256());
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(zero)));
}

/// All ones in `lanes`, a bit each.
__m256i mask_of(std::uint32_t lanes) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(lanes)), bits), bits);
}
/// The lower halves of the lanes.
__m128i narrowed(__m256i v) {
  const __m256i halves = _mm256_packus_epi32(v, v);
  return _mm_unpacklo_epi64(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}
/// Those of `lanes`, a bit each.
void store_narrow(std::uint16_t* to, std::uint32_t lanes, V v) {
  auto* const at = reinterpret_cast<__m128i*>(to);
  const __m128i mask = narrowed(_mm256_srli_epi32(mask_of(lanes), 16));
  _mm_store_si128(at, _mm_blendv_epi8(_mm_load_si128(at), narrowed(raw(v)), mask));
}
void store_lanes(std::uint32_t* to, std::uint32_t lanes, V v) {
  _mm256_maskstore_epi32(reinterpret_cast<int*>(to), mask_of(lanes), raw(v));
}

/// AES-128 of two blocks in each of four registers, for one at a time is what AES-NI takes; `key_of(round,
/// b)`: of block b, of which the first four are the lower halves of the registers.
template <typename KeyOf>
[[gnu::always_inline]] inline void encrypt_under(const KeyOf& key_of, V (&state)[4]) {
  __m128i block[8];
  for (std::size_t q = 0; q < 4; ++q) {
    block[q] = _mm256_castsi256_si128(raw(state[q]));
    block[4 + q] = _mm256_extracti128_si256(raw(state[q]), 1);
  }
  for (std::size_t b = 0; b < 8; ++b) block[b] = _mm_xor_si128(block[b], key_of(0, b));
#pragma GCC unroll 9
  for (std::size_t round = 1; round < 10; ++round)
    for (std::size_t b = 0; b < 8; ++b) block[b] = _mm_aesenc_si128(block[b], key_of(round, b));
  for (std::size_t b = 0; b < 8; ++b) block[b] = _mm_aesenclast_si128(block[b], key_of(10, b));
  for (std::size_t q = 0; q < 4; ++q)
    state[q] = words(_mm256_inserti128_si256(_mm256_castsi128_si256(block[q]), block[4 + q], 1));
}

void encrypt(const crypto::AesKey* key, V (&state)[4]) {
  const auto* rounds = reinterpret_cast<const __m128i*>(key);
  encrypt_under([rounds](std::size_t round, std::size_t) { return rounds[round]; }, state);
}

/// Each block under the key of odd slots where `odd` is all ones, else under that of even ones.
void encrypt(const CookieKeys& keys, const V (&odd)[4], V (&state)[4]) {
  const auto* even_rounds = reinterpret_cast<const __m128i*>(keys.of_parity[0]);
  const auto* odd_rounds = reinterpret_cast<const __m128i*>(keys.of_parity[1]);
  __m128i is_odd[8];
  for (std::size_t q = 0; q < 4; ++q) {
    is_odd[q] = _mm256_castsi256_si128(raw(odd[q]));
    is_odd[4 + q] = _mm256_extracti128_si256(raw(odd[q]), 1);
  }
  encrypt_under(
      [&](std::size_t round, std::size_t b) {
        const __m128i differs = _mm_xor_si128(even_rounds[round], odd_rounds[round]);
        return _mm_xor_si128(even_rounds[round], _mm_and_si128(differs, is_odd[b]));
      },
      state);
}

using Bytes32 = std::uint8_t __attribute__((vector_size(32), may_alias));

/// What is at `index`, less than 48, of a table whose first 32 bytes are `low`.
[[gnu::always_inline]] inline Bytes32 lookup(Bytes32 low, Bytes32 high, Bytes32 index) {
  // 16 bytes at a time, of which a shuffle gives zero where the top bit of an index is one.
  const auto part = [index](__m128i bytes, char first) {
    const __m256i from = _mm256_xor_si256(reinterpret_cast<__m256i>(index), _mm256_set1_epi8(first));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes),
                               _mm256_adds_epu8(from, _mm256_set1_epi8(0x70)));
  };
  const auto first = reinterpret_cast<__m256i>(low), last = reinterpret_cast<__m256i>(high);
  const __m256i found =
      _mm256_or_si256(part(_mm256_castsi256_si128(first), 0), part(_mm256_extracti128_si256(first, 1), 16));
  return reinterpret_cast<Bytes32>(_mm256_or_si256(found, part(_mm256_castsi256_si128(last), 32)));
}

}  // namespace
}  // namespace synward::simd

#include "dataplane/simd/kernel_set.hpp"

namespace synward::simd {

extern const Kernels kKernelsAvx2;
constinit const Kernels kKernelsAvx2 = kKernels;

}  // namespace synward::simd
