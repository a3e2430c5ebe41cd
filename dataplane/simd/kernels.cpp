#include "dataplane/simd/kernels.hpp"

namespace synward::simd {

#ifdef __x86_64__
extern const Kernels kKernelsAvx2, kKernelsAvx512Vl, kKernelsAvx512;
#endif

const Kernels* kernels_of(Isa isa) {
  switch (isa) {
#ifdef __x86_64__
    case Isa::kAvx2:
      return &kKernelsAvx2;
    case Isa::kAvx512Vl:
      return &kKernelsAvx512Vl;
    case Isa::kAvx512:
      return &kKernelsAvx512;
#endif
    default:
      return nullptr;
  }
}

}  // namespace synward::simd
