// Numbers at random for one core, which nobody outside can foresee as long as the seed is secret and what is
// drawn shows only in fates of packets: SplitMix64 with a secret step.
#pragma once

#include <cstdint>

namespace synward {

class SecretRandom {
 public:
  SecretRandom(std::uint64_t seed, std::uint64_t step) : state_{seed}, step_{step | 1} {}

  /// From 0 to n - 1.
  [[nodiscard]] std::uint32_t below(std::uint32_t n) {
    state_ += step_;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    return static_cast<std::uint32_t>((z >> 32) * n >> 32);
  }

 private:
  std::uint64_t state_, step_;
};

}  // namespace synward
