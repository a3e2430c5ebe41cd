// AES-128 of as many blocks as a register holds, where there is VAES: for both widths.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/simd/kernels.hpp"

namespace synward::simd {
namespace {

/// In each quarter of a register.
[[gnu::always_inline]] inline V round_key(const crypto::AesKey* key, std::size_t round) {
  return load_broadcast(reinterpret_cast<const std::uint32_t*>(key) + 4 * round);
}

/// `key_of(round, q)`: of the blocks in register q.
template <typename KeyOf>
[[gnu::always_inline]] inline void encrypt_under(const KeyOf& key_of, V (&state)[4]) {
  for (std::size_t q = 0; q < 4; ++q) state[q] ^= key_of(0, q);
#pragma GCC unroll 9
  for (std::size_t round = 1; round < 10; ++round)
    for (std::size_t q = 0; q < 4; ++q) state[q] = aes_round(state[q], key_of(round, q));
  for (std::size_t q = 0; q < 4; ++q) state[q] = aes_last_round(state[q], key_of(10, q));
}

inline void encrypt(const crypto::AesKey* key, V (&state)[4]) {
  encrypt_under([key](std::size_t round, std::size_t) { return round_key(key, round); }, state);
}

/// Each block under the key of odd slots where `odd` is all ones, else under that of even ones.
inline void encrypt(const CookieKeys& keys, const V (&odd)[4], V (&state)[4]) {
  encrypt_under(
      [&](std::size_t round, std::size_t q) {
        return chosen(odd[q], round_key(keys.of_parity[1], round), round_key(keys.of_parity[0], round));
      },
      state);
}

}  // namespace
}  // namespace synward::simd
