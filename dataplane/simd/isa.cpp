#include "dataplane/simd/isa.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace synward::simd {
namespace {

#ifdef __x86_64__
/// CPUID.(EAX=07H, ECX=0):ECX[9]. (__builtin_cpu_supports() of clang 14 does not know it.)
bool has_vaes() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c >> 9 & 1) != 0;
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && has_vaes();
}
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
#endif

unsigned bits_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return 0;
    case Isa::kAvx2:
    case Isa::kAvx512Vl:
      return 256;
    case Isa::kAvx512:
      return 512;
  }
  return 0;
}

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512Vl:
      return "avx512vl";
    case Isa::kAvx512:
      return "avx512";
  }
  return "";
}

std::optional<Isa> isa_named(std::string_view name) {
  for (const Isa isa : kAllIsas) {
    if (name_of(isa) == name) return isa;
  }
  return std::nullopt;
}

bool is_supported(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return has_avx2();
    case Isa::kAvx512Vl:
    case Isa::kAvx512:
      return has_avx512();
  }
  return false;
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> supported;
  supported.reserve(kAllIsas.size());
  for (const Isa isa : kAllIsas) {
    if (is_supported(isa)) supported.push_back(isa);
  }
  return supported;
}

Isa best_isa(unsigned max_bits, const std::vector<Isa>& isas) {
  Isa best = Isa::kScalar;
  for (const Isa isa : isas) {
    if (bits_of(isa) <= max_bits) best = isa;
  }
  return best;
}

}  // namespace synward::simd
