// Bitsliced AES: no table, so no cache line tells which byte was looked up. Written to be read beside FIPS
// 197; the speed comes from eight blocks at a time.
#include <bit>
#include <cstdint>
#include <cstring>

#include "dataplane/crypto/aes.hpp"

namespace synward::crypto {
namespace {

constexpr std::size_t kLanes = 8;

/// One bit of every byte of eight blocks: 16-bit lane k belongs to block k, its bit i to the block's byte i.
/// Byte i is row i % 4, column i / 4 of the state (FIPS 197 3.4).
using Plane [[gnu::vector_size(2 * kLanes)]] = std::uint16_t;
/// Eight blocks. plane[b] holds bit b of each byte, so an operation on planes works on 128 bytes at once.
struct State {
  Plane plane[8];
};

/// The 8x8 bit matrix whose row i is byte i of `m`, transposed: three rounds of swaps, of bits, pairs and
/// nibbles.
constexpr std::uint64_t transpose(std::uint64_t m) {
  const auto swap = [&m](std::uint64_t mask, int shift) {
    const std::uint64_t difference = (m ^ m >> shift) & mask;
    m ^= difference ^ difference << shift;
  };
  swap(0x00aa00aa00aa00aa, 7);
  swap(0x0000cccc0000cccc, 14);
  swap(0x00000000f0f0f0f0, 28);
  return m;
}
static_assert(transpose(0x00000000000000ff) == 0x0101010101010101);
static_assert(std::endian::native == std::endian::little);  // byte i of a word is its bits 8i to 8i + 7

void load(State& state, std::size_t lane, const AesBlock& block) {
  std::uint64_t half[2];
  std::memcpy(half, &block, sizeof half);
  const std::uint64_t low = transpose(half[0]), high = transpose(half[1]);
  for (std::size_t bit = 0; bit < 8; ++bit)
    state.plane[bit][lane] =
        static_cast<std::uint16_t>((low >> 8 * bit & 0xff) | (high >> 8 * bit & 0xff) << 8);
}

void store(const State& state, std::size_t lane, AesBlock& block) {
  std::uint64_t half[2] = {0, 0};
  for (std::size_t bit = 0; bit < 8; ++bit) {
    const std::uint64_t bits = state.plane[bit][lane];
    half[0] |= (bits & 0xff) << 8 * bit;
    half[1] |= bits >> 8 << 8 * bit;
  }
  half[0] = transpose(half[0]);
  half[1] = transpose(half[1]);
  std::memcpy(&block, half, sizeof half);
}

State operator^(const State& a, const State& b) {
  State sum;
  for (std::size_t bit = 0; bit < 8; ++bit) sum.plane[bit] = a.plane[bit] ^ b.plane[bit];
  return sum;
}

/// Every byte times x, modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197 4.2.1).
State times_x(const State& a) {
  const Plane* p = a.plane;
  return {{p[7], p[0] ^ p[7], p[1], p[2] ^ p[7], p[3] ^ p[7], p[4], p[5], p[6]}};
}

/// Products of polynomials of degree up to 14, brought below degree 8 from the top: x^8 = x^4 + x^3 + x + 1.
State reduce(Plane (&product)[15]) {
  for (std::size_t degree = 14; degree >= 8; --degree)
    for (const std::size_t down : {8u, 7u, 5u, 4u}) product[degree - down] ^= product[degree];
  State reduced;
  for (std::size_t bit = 0; bit < 8; ++bit) reduced.plane[bit] = product[bit];
  return reduced;
}

State operator*(const State& a, const State& b) {
  Plane product[15] = {};
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t j = 0; j < 8; ++j) product[i + j] ^= a.plane[i] & b.plane[j];
  return reduce(product);
}

/// a to the power 2^times: squaring only spreads the bits.
State squared(State a, int times = 1) {
  for (; times > 0; --times) {
    Plane product[15] = {};
    for (std::size_t bit = 0; bit < 8; ++bit) product[2 * bit] = a.plane[bit];
    a = reduce(product);
  }
  return a;
}

/// SubBytes (FIPS 197 5.1.1): the inverse, which is a^254 and leaves 0 at 0, then the affine map.
void sub_bytes(State& a) {
  const State a2 = squared(a);
  const State a3 = a2 * a;
  const State a12 = squared(a3, 2);
  const State a240 = squared(a12 * a3, 4);
  const State inverse = a240 * a12 * a2;
  for (std::size_t bit = 0; bit < 8; ++bit) {
    Plane sum = inverse.plane[bit];
    for (const std::size_t from : {4u, 5u, 6u, 7u}) sum ^= inverse.plane[(bit + from) % 8];
    a.plane[bit] = (0x63 >> bit & 1) != 0 ? ~sum : sum;
  }
}

/// The bytes of row r (bits r, r + 4, ...) take the place of those r columns to the left (FIPS 197 5.1.2).
void shift_rows(State& a) {
  for (Plane& p : a.plane)
    p = (p & 0x1111) | ((p >> 4 | p << 12) & 0x2222) | ((p >> 8 | p << 8) & 0x4444) |
        ((p >> 12 | p << 4) & 0x8888);
}

/// The state with each byte replaced by the one `rows` rows below it in its column.
State from_below(const State& a, int rows) {
  const int keep = (0xf >> rows) * 0x1111, wrap = 0xffff & ~keep;
  State moved;
  for (std::size_t bit = 0; bit < 8; ++bit) {
    const Plane p = a.plane[bit];
    moved.plane[bit] =
        (p >> rows & static_cast<std::uint16_t>(keep)) | (p << (4 - rows) & static_cast<std::uint16_t>(wrap));
  }
  return moved;
}

/// FIPS 197 5.1.3: 2a + 3b + c + d, where b, c, d are the bytes below a.
void mix_columns(State& a) {
  const State b = from_below(a, 1);
  a = times_x(a ^ b) ^ b ^ from_below(a ^ b, 2);
}

/// The round keys, each in all eight lanes.
struct SlicedKey {
  State rounds[11];
  explicit SlicedKey(const AesKey& key) {
    for (std::size_t round = 0; round < 11; ++round)
      for (std::size_t lane = 0; lane < kLanes; ++lane) load(rounds[round], lane, key.rounds[round]);
  }
  SlicedKey(const SlicedKey&) = delete;
  SlicedKey& operator=(const SlicedKey&) = delete;
  ~SlicedKey() { erase(rounds, sizeof rounds); }
};

/// FIPS 197 5.1.
void encrypt_lanes(const SlicedKey& key, State& state) {
  state = state ^ key.rounds[0];
  for (std::size_t round = 1; round < 11; ++round) {
    sub_bytes(state);
    shift_rows(state);
    if (round != 10) mix_columns(state);
    state = state ^ key.rounds[round];
  }
}

/// CBC-MAC of n messages of kBlocks blocks each; of one block each, that is plain encryption.
template <std::size_t kBlocks>
void mac(const AesKey& key, const AesBlock* in, AesBlock* out, std::size_t n) {
  const SlicedKey sliced(key);
  for (std::size_t first = 0; first < n; first += kLanes) {
    const std::size_t lanes = n - first < kLanes ? n - first : kLanes;
    State state{};
    for (std::size_t block = 0; block < kBlocks; ++block) {
      State input{};
      for (std::size_t lane = 0; lane < lanes; ++lane)
        load(input, lane, in[(first + lane) * kBlocks + block]);
      state = state ^ input;
      encrypt_lanes(sliced, state);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) store(state, lane, out[first + lane]);
  }
}

void encrypt(const AesKey& key, const AesBlock* in, AesBlock* out, std::size_t n) { mac<1>(key, in, out, n); }

void cbc_mac3(const AesKey& key, const AesBlock3* in, AesBlock* out, std::size_t n) {
  mac<3>(key, n == 0 ? nullptr : in->data(), out, n);
}

}  // namespace

AesKey expand_key(const AesBlock& key) {
  // Powers of x (FIPS 197 5.2).
  constexpr std::uint8_t kRoundConstants[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};
  AesKey expanded;
  expanded.rounds[0] = key;
  for (std::size_t round = 1; round < 11; ++round) {
    const auto& previous = expanded.rounds[round - 1].bytes;
    auto& next = expanded.rounds[round].bytes;
    State state{};
    load(state, 0, expanded.rounds[round - 1]);
    sub_bytes(state);
    AesBlock substituted;
    store(state, 0, substituted);
    for (std::size_t i = 0; i < 4; ++i) next[i] = previous[i] ^ substituted.bytes[12 + (i + 1) % 4];
    next[0] ^= std::byte{kRoundConstants[round - 1]};
    for (std::size_t i = 4; i < 16; ++i) next[i] = previous[i] ^ next[i - 4];
    erase(&state, sizeof state);
    erase(&substituted, sizeof substituted);
  }
  return expanded;
}

const Aes& portable_aes() {
  static constexpr Aes kPortable{.name = "portable", .encrypt = encrypt, .cbc_mac3 = cbc_mac3};
  return kPortable;
}

}  // namespace synward::crypto
