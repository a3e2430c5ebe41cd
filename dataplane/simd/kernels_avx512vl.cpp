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

V aes_round(V blocks, V key) { return words(_mm256_aesenc_epi128(raw(blocks), raw(key))); }
V aes_last_round(V blocks, V key) { return words(_mm256_aesenclast_epi128(raw(blocks), raw(key))); }
/// Words of `a` where `flags` is not zero, else of `b`.
V chosen(V flags, V a, V b) {
  return words(_mm256_mask_blend_epi32(_mm256_test_epi32_mask(raw(flags), raw(flags)), raw(b), raw(a)));
}

}  // namespace
}  // namespace synward::simd

#include "dataplane/simd/vaes.hpp"  // over these primitives, and all kernels over both

namespace synward::simd {
extern const Kernels kKernelsAvx512Vl;
}  // namespace synward::simd

#include "dataplane/simd/kernel_set.hpp"

namespace synward::simd {

constinit const Kernels kKernelsAvx512Vl = kKernels;

}  // namespace synward::simd
