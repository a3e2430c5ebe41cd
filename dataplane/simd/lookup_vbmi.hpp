// Tables of bytes in registers, as read_options.hpp needs them, where there is AVX-512 VBMI.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace synward::simd {
namespace {

using Bytes32 = std::uint8_t __attribute__((vector_size(32), may_alias));

/// What is at `index`, less than 48, of a table whose first 32 bytes are `low`.
[[gnu::always_inline]] inline Bytes32 lookup(Bytes32 low, Bytes32 high, Bytes32 index) {
  return reinterpret_cast<Bytes32>(_mm256_permutex2var_epi8(
      reinterpret_cast<__m256i>(low), reinterpret_cast<__m256i>(index), reinterpret_cast<__m256i>(high)));
}

}  // namespace
}  // namespace synward::simd
