#pragma once

#include <vector>

#include "dataplane/simd/isa.hpp"

namespace synward::test {

/// Those for which this CPU has kernels to be tested; there may be none.
inline std::vector<simd::Isa> kernel_isas() {
  std::vector<simd::Isa> isas = simd::supported_isas();
  std::erase(isas, simd::Isa::kScalar);
  return isas;
}

}  // namespace synward::test
