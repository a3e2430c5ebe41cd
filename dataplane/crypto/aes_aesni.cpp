// AES-NI. This file alone is compiled with -maes, so everything in it but its table has internal linkage, and
// it calls no inline function of a library: the linker keeps one copy of such a function for the whole
// program, and might keep this one.
#include <immintrin.h>

#include "dataplane/crypto/aes.hpp"

namespace synward::crypto {

extern const Aes kAesni;

namespace {

// The latency of a round is three to seven times its throughput: eight blocks in flight fill the pipeline and
// leave half of the sixteen registers to keys. (This file is compiled with -O3: the loops over kLanes must
// unroll, or the blocks live in memory.)
constexpr std::size_t kLanes = 8;

inline const __m128i* vectors(const void* p) { return static_cast<const __m128i*>(p); }
inline __m128i* vectors(void* p) { return static_cast<__m128i*>(p); }

template <std::size_t kCount>
inline void encrypt_lanes(const __m128i* round_keys, __m128i (&state)[kCount]) {
  for (auto& lane : state) lane = _mm_xor_si128(lane, round_keys[0]);
  for (std::size_t round = 1; round < 10; ++round)
    for (auto& lane : state) lane = _mm_aesenc_si128(lane, round_keys[round]);
  for (auto& lane : state) lane = _mm_aesenclast_si128(lane, round_keys[10]);
}

/// CBC-MAC of kCount messages of kBlocks blocks each; of one block each, that is plain encryption.
template <std::size_t kCount, std::size_t kBlocks>
inline void mac_lanes(const __m128i* round_keys, const __m128i* in, __m128i* out) {
  __m128i state[kCount];
  for (std::size_t i = 0; i < kCount; ++i) state[i] = in[i * kBlocks];
  encrypt_lanes(round_keys, state);
  for (std::size_t block = 1; block < kBlocks; ++block) {
    for (std::size_t i = 0; i < kCount; ++i) state[i] = _mm_xor_si128(state[i], in[i * kBlocks + block]);
    encrypt_lanes(round_keys, state);
  }
  for (std::size_t i = 0; i < kCount; ++i) out[i] = state[i];
}

// The rest, fewer than kLanes, goes one by one: they do not depend on each other, so the CPU overlaps them.
template <std::size_t kBlocks>
inline void mac(const AesKey& key, const __m128i* in, __m128i* out, std::size_t n) {
  const __m128i* round_keys = vectors(&key);
  for (; n >= kLanes; n -= kLanes, in += kLanes * kBlocks, out += kLanes)
    mac_lanes<kLanes, kBlocks>(round_keys, in, out);
  for (; n != 0; --n, in += kBlocks, ++out) mac_lanes<1, kBlocks>(round_keys, in, out);
}

void encrypt(const AesKey& key, const AesBlock* in, AesBlock* out, std::size_t n) {
  mac<1>(key, vectors(in), vectors(out), n);
}

void cbc_mac3(const AesKey& key, const AesBlock3* in, AesBlock* out, std::size_t n) {
  mac<3>(key, vectors(in), vectors(out), n);
}

}  // namespace

constinit const Aes kAesni{.name = "aesni", .encrypt = encrypt, .cbc_mac3 = cbc_mac3};

}  // namespace synward::crypto
