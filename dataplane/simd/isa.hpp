// Which instruction set the kernels use. Chosen once, at start.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace synward::simd {

/// From the least to the most. Each has its own kernels, in files of their own; kScalar has none: everything
/// goes through the stages.
enum class Isa : std::uint8_t {
  kScalar,    ///< any x86-64
  kAvx2,      ///< AVX2, AES-NI, BMI 1 and 2: 8 packets at a time
  kAvx512Vl,  ///< these, AVX-512 F, BW, DQ, VL and VBMI in registers of 256 bits, and VAES: 8 packets at a
              ///< time
  kAvx512,    ///< the same in registers of 512 bits: 16 packets at a time
};
inline constexpr std::array kAllIsas{Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vl, Isa::kAvx512};

/// As --isa and the log have it.
[[nodiscard]] std::string_view name_of(Isa isa);
[[nodiscard]] std::optional<Isa> isa_named(std::string_view name);

/// Whether this CPU and its kernel can run it.
[[nodiscard]] bool is_supported(Isa isa);
/// All that are supported, kScalar first.
[[nodiscard]] std::vector<Isa> supported_isas();
/// The last of `isas` whose registers have at most `max_bits`; kScalar, when that is none.
[[nodiscard]] Isa best_isa(unsigned max_bits, const std::vector<Isa>& isas = supported_isas());

}  // namespace synward::simd
