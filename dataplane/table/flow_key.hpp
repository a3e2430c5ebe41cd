// What a connection is found by, and the keyed hash of it.
//
// Threat model. The tuple is the attacker's: address, as far as it owns or (for mere lookups) spoofs it, and
// both ports. It wants flows that share their buckets: to have newcomers refused there, or to make lookups
// slow. It sees neither the secret, which is drawn at random when the table is made, nor buckets.
//  - The two 32-bit sums below are MULTILINEAR (Lemire, Kaser 2013, "Strongly universal string hashing is
//    fast"): 64-bit keys, 32-bit characters, upper half kept. Over a random secret the values of any two
//    different tuples are independent and uniform, together 64 bits. The mixing behind the sums is a
//    bijection, so that stays true: P[equal hashes] = 2^-64, P[same first bucket of B] <= 1/B + 2^-32, for
//    whatever two tuples were chosen without knowing the secret. A chosen set of flows therefore meets, in
//    expectation, no more of its own flows per bucket than a random set does.
//  - Sums alone are linear: ports p, p + d, p + 2d ... stay an arithmetic progression, whose lumps are rare
//    but large. The multiplication by a secret between two folds breaks such progressions. This is heuristic,
//    and no proof bounds loads better than the expectation above.
//  - It is not a PRF. Whoever could tell which of its tuples share a bucket would learn the secret from some
//    tens of answers; no answer of synward says so except a refusal by a full table, and timing over a
//    network is far coarser than a cache miss. The worst that could come of it is bounded anyway: a lookup
//    reads two buckets, never a chain.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/net_types.hpp"

namespace synward::table {

/// A 4-tuple, bytes as they lie on the wire, seen from the client whoever sent the packet.
template <wire::Family kFamily>
struct FlowKey {
  wire::Address<kFamily> client, service;
  wire::Port client_port, service_port;

  using Words = std::array<std::uint32_t, (2 * sizeof(wire::Address<kFamily>) + 4) / 4>;
  [[nodiscard]] constexpr Words words() const { return std::bit_cast<Words>(*this); }

  friend constexpr bool operator==(const FlowKey& a, const FlowKey& b) {
    // Eight bytes at a time, without a branch for each: of words, gcc makes copies first and then a loop.
    struct [[gnu::packed]] Pieces {
      std::array<std::uint64_t, sizeof(FlowKey) / 8> eight;
      std::uint32_t four;
    };
    const auto x = std::bit_cast<Pieces>(a), y = std::bit_cast<Pieces>(b);
    std::uint64_t difference = x.four ^ y.four;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < sizeof(FlowKey) / 8; ++i) difference |= x.eight[i] ^ y.eight[i];
    return difference == 0;
  }
};
static_assert(sizeof(FlowKey<wire::Family::kIpv4>) == 12 && alignof(FlowKey<wire::Family::kIpv4>) == 1);
static_assert(sizeof(FlowKey<wire::Family::kIpv6>) == 36 && alignof(FlowKey<wire::Family::kIpv6>) == 1);

/// Every bit drawn at random at start, by whoever makes the table (getrandom(2)). Serves both families.
struct HashSecret {
  static constexpr std::size_t kMaxWords = 9;
  std::array<std::array<std::uint64_t, kMaxWords>, 2> multipliers;
  std::array<std::uint64_t, 2> addends;
  std::uint64_t mixer;
};

/// 64 bits, all usable; 7 multiplications for IPv4, 19 for IPv6, none of which waits for another but the
/// last.
template <wire::Family kFamily>
[[nodiscard]] inline std::uint64_t hash(const FlowKey<kFamily>& key, const HashSecret& secret) {
  const auto words = key.words();
  auto [a, b] = secret.addends;
#pragma GCC unroll 9
  for (std::size_t i = 0; i < words.size(); ++i) {
    a += secret.multipliers[0][i] * words[i];
    b += secret.multipliers[1][i] * words[i];
  }
  std::uint64_t h = (a >> 32 << 32) | b >> 32;
  // Each step can be undone, so nothing collides here: fold, multiply by an odd number, fold.
  h ^= h >> 32;
  h *= secret.mixer | 1;
  return h ^ h >> 32;
}

}  // namespace synward::table
