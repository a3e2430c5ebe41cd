// SipHash-2-4 (Aumasson, Bernstein 2012), for baselines: what Linux makes its cookies of.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace synward::bench {

using SipKey = std::uint64_t[2];

/// Of a message of `kWords` 64-bit words.
template <std::size_t kWords>
[[nodiscard]] inline std::uint64_t siphash(const SipKey& key, const std::uint64_t (&message)[kWords]) {
  std::uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d,
                v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573;
  const auto rounds = [&](int n) {
    for (; n > 0; --n) {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  };
  for (const std::uint64_t word : message) absorb(word);
  absorb(std::uint64_t{8 * kWords} << 56);
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace synward::bench
