// Seeds that have nothing to do with each other, out of the one of a plan.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "bench/load/attack.hpp"
#include "dataplane/crypto/aes.hpp"

namespace synward::load {

enum class Draw : std::uint8_t { kArrivals, kClients, kAttack, kBackend };

/// `number` tells several of a kind apart: the target's.
[[nodiscard]] inline std::uint64_t seed_for(std::uint64_t seed, Draw what, std::uint64_t number = 0) {
  return FastRandom{seed ^ std::uint64_t(what) << 56 ^ number << 32}();
}

/// What the ISNs come from of a target's clients, or of its backend.
[[nodiscard]] inline crypto::AesBlock secret_for(std::uint64_t seed, Draw whose, std::uint64_t number) {
  FastRandom random{seed_for(seed, whose, number)};
  const std::uint64_t first = random();
  return std::bit_cast<crypto::AesBlock>(std::array{first, random()});
}

}  // namespace synward::load
