#include "dataplane/simd/syn_kernel.hpp"

namespace synward::simd {

#ifdef __x86_64__
extern const SynKernel kSynKernelAvx2, kSynKernelAvx512Vl, kSynKernelAvx512;
#endif

const SynKernel* syn_kernel(Isa isa) {
  switch (isa) {
#ifdef __x86_64__
    case Isa::kAvx2:
      return &kSynKernelAvx2;
    case Isa::kAvx512Vl:
      return &kSynKernelAvx512Vl;
    case Isa::kAvx512:
      return &kSynKernelAvx512;
#endif
    default:
      return nullptr;
  }
}

}  // namespace synward::simd
