// AES-128 (FIPS 197) as a pseudo-random function over many short messages at once. A leaf: no state, no
// clock.
//
// Two implementations, equal for every input and both constant-time (no branch and no index depends on a key
// or a block): AES-NI, which is in every x86 server since 2010, and a portable bitsliced one, for CPUs
// without it and as the oracle. Both work on eight blocks at a time, because one block alone waits for its
// own rounds.
#pragma once

#include <array>
#include <cstddef>

namespace synward::crypto {

struct alignas(16) AesBlock {
  std::array<std::byte, 16> bytes;
  friend constexpr bool operator==(const AesBlock&, const AesBlock&) = default;  // not for secrets
};
static_assert(sizeof(AesBlock) == 16);

/// A key, expanded (FIPS 197 5.2): round key i is `rounds[i]`, in the byte order of the standard. Erases
/// itself.
struct AesKey {
  std::array<AesBlock, 11> rounds;

  AesKey() = default;
  AesKey(const AesKey&) = default;
  AesKey& operator=(const AesKey&) = default;
  ~AesKey();
};

/// Constant-time, and slow (microseconds): keys are expanded when they change, not per packet.
[[nodiscard]] AesKey expand_key(const AesBlock& key);

/// Overwrites `bytes` at `secret`, however little the optimiser sees the point of it.
void erase(void* secret, std::size_t bytes);

/// An IPv6 cookie's message: three blocks, zero padded.
using AesBlock3 = std::array<AesBlock, 3>;

/// One implementation. Any thread may call it; `out` and `in` may be the same, but not overlap otherwise.
struct Aes {
  const char* name;
  /// out[i] = AES(key, in[i]) for i < n.
  void (*encrypt)(const AesKey& key, const AesBlock* in, AesBlock* out, std::size_t n);
  /// out[i] = CBC-MAC(key, in[i]) for i < n: a PRF, since every message has three blocks; a key that serves
  /// here must not serve encrypt().
  void (*cbc_mac3)(const AesKey& key, const AesBlock3* in, AesBlock* out, std::size_t n);
};

[[nodiscard]] const Aes& portable_aes();
/// Null where the CPU lacks AES-NI.
[[nodiscard]] const Aes* aesni_aes();
/// The fastest that this CPU has. Called once, at start; what holds the reference calls through it per batch.
[[nodiscard]] const Aes& best_aes();

}  // namespace synward::crypto
