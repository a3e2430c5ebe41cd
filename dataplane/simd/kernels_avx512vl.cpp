// AVX-512 and VAES in registers of 256 bits: nearly as fast as 512, and no heavier on a core than AVX2.
#include "dataplane/simd/kernels.hpp"
#include "dataplane/simd/lanes256.hpp"
#include "dataplane/simd/lookup_vbmi.hpp"

namespace synward::simd {
namespace {

/// A bit for each lane that is zero.
std::uint32_t zero_lanes(V v) { return _mm256_testn_epi32_mask(raw(v), raw(v)); }

/// Those of `lanes`, a bit each.
void store_narrow(std::uint16_t* to, std::uint32_t lanes, V v) {
  _mm256_mask_cvtepi32_storeu_epi16(to, static_cast<__mmask8>(lanes), raw(v));
}
void store_lanes(std::uint32_t* to, std::uint32_t lanes, V v) {
  _mm256_mask_store_epi32(to, static_cast<__mmask8>(lanes), raw(v));
}

/// AES-128 of two blocks in each of four registers.
void encrypt(const crypto::AesKey* key, V (&state)[4]) {
  const auto* rounds = reinterpret_cast<const __m128i*>(key);
  const __m256i first = _mm256_broadcastsi128_si256(rounds[0]);
  __m256i block[4];
  for (std::size_t q = 0; q < 4; ++q) block[q] = _mm256_xor_si256(raw(state[q]), first);
#pragma GCC unroll 9
  for (std::size_t round = 1; round < 10; ++round) {
    const __m256i round_key = _mm256_broadcastsi128_si256(rounds[round]);
    for (auto& b : block) b = _mm256_aesenc_epi128(b, round_key);
  }
  const __m256i last = _mm256_broadcastsi128_si256(rounds[10]);
  for (std::size_t q = 0; q < 4; ++q) state[q] = words(_mm256_aesenclast_epi128(block[q], last));
}

/// The same, each block under the key of odd slots where `odd` is all ones, else under that of even ones.
void encrypt(const CookieKeys& keys, const V (&odd)[4], V (&state)[4]) {
  const auto* even_rounds = reinterpret_cast<const __m128i*>(keys.of_parity[0]);
  const auto* odd_rounds = reinterpret_cast<const __m128i*>(keys.of_parity[1]);
  __mmask8 is_odd[4];
  for (std::size_t q = 0; q < 4; ++q) is_odd[q] = _mm256_test_epi32_mask(raw(odd[q]), raw(odd[q]));
  const auto key = [&](std::size_t round, std::size_t q) {
    return _mm256_mask_broadcast_i32x4(_mm256_broadcastsi128_si256(even_rounds[round]), is_odd[q],
                                       odd_rounds[round]);
  };
  __m256i block[4];
  for (std::size_t q = 0; q < 4; ++q) block[q] = _mm256_xor_si256(raw(state[q]), key(0, q));
#pragma GCC unroll 9
  for (std::size_t round = 1; round < 10; ++round)
    for (std::size_t q = 0; q < 4; ++q) block[q] = _mm256_aesenc_epi128(block[q], key(round, q));
  for (std::size_t q = 0; q < 4; ++q) state[q] = words(_mm256_aesenclast_epi128(block[q], key(10, q)));
}

}  // namespace
}  // namespace synward::simd

#include "dataplane/simd/answer_syn_lanes.hpp"

namespace synward::simd {

extern const Kernels kKernelsAvx512Vl;
constinit const Kernels kKernelsAvx512Vl = kKernels;

}  // namespace synward::simd
