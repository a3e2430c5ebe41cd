// Which instruction set the workers' kernels use.
#pragma once

#include <string>
#include <vector>

#include "dataplane/simd/isa.hpp"

namespace synward::control {

/// What --isa can be: kAutoIsa, and the names of the instruction sets, on every CPU.
inline constexpr const char* kAutoIsa = "auto";
[[nodiscard]] std::vector<std::string> isa_choices();

/// The set that `choice`, one of isa_choices(), asks for; for kAutoIsa the widest of `supported` in registers
/// of at most `max_bits`. Throws std::runtime_error, one sentence, when what is asked for is not supported.
[[nodiscard]] simd::Isa choose_isa(const std::string& choice, unsigned max_bits,
                                   const std::vector<simd::Isa>& supported = simd::supported_isas());

/// How many bits wide EAL lets registers be unless it is told otherwise.
inline constexpr unsigned kDefaultMaxSimdBits = 256;
/// How many bits wide EAL lets registers be: kDefaultMaxSimdBits unless its --force-max-simd-bitwidth says
/// otherwise. After EAL has started.
[[nodiscard]] unsigned eal_max_simd_bits();

}  // namespace synward::control
