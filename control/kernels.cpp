#include "control/kernels.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

// <rte_vect.h> of DPDK 22.11 does not declare it for C++.
extern "C" std::uint16_t rte_vect_get_max_simd_bitwidth(void);

namespace synward::control {

using simd::Isa;

std::vector<std::string> isa_choices() {
  std::vector<std::string> names{kAutoIsa};
  for (const Isa isa : simd::kAllIsas) names.emplace_back(name_of(isa));
  return names;
}

Isa choose_isa(const std::string& choice, unsigned max_bits, const std::vector<Isa>& supported) {
  const auto named = simd::isa_named(choice);
  if (!named) return simd::best_isa(max_bits, supported);
  if (std::find(supported.begin(), supported.end(), *named) != supported.end()) return *named;
  std::vector<std::string_view> names(supported.size());
  std::transform(supported.begin(), supported.end(), names.begin(), simd::name_of);
  throw std::runtime_error(
      fmt::format("--isa {}: this CPU does not have it; it has {}", choice, fmt::join(names, ", ")));
}

unsigned eal_max_simd_bits() { return rte_vect_get_max_simd_bitwidth(); }

}  // namespace synward::control
