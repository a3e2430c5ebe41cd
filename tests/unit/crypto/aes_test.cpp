// Mirrors dataplane/crypto/aes.hpp.
#include "dataplane/crypto/aes.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace synward::crypto {

void PrintTo(const AesBlock& block, std::ostream* os) {
  for (const std::byte b : block.bytes) *os << std::hex << std::to_integer<int>(b) << ' ';
}

namespace {

AesBlock from_hex(std::string_view hex) {
  AesBlock block;
  for (std::size_t i = 0; i < 16; ++i)
    block.bytes[i] = std::byte(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  return block;
}

class Random {
 public:
  AesBlock block() {
    AesBlock block;
    for (std::byte& b : block.bytes) b = std::byte(engine_() & 0xff);
    return block;
  }
  /// Exact size on the heap: ASan sees one block too far.
  std::unique_ptr<AesBlock[]> blocks(std::size_t n) {
    auto blocks = std::make_unique<AesBlock[]>(n);
    for (std::size_t i = 0; i < n; ++i) blocks[i] = block();
    return blocks;
  }

 private:
  std::mt19937 engine_{20260101};
};

std::vector<const Aes*> every_aes() {
  std::vector<const Aes*> all{&portable_aes()};
  if (const Aes* aesni = aesni_aes()) all.push_back(aesni);
  return all;
}

AesBlock encrypt_one(const Aes& aes, const AesKey& key, const AesBlock& block) {
  AesBlock out;
  aes.encrypt(key, &block, &out, 1);
  return out;
}

TEST(Fips197AppendixA1, ExpandsTheKey) {
  const AesKey key = expand_key(from_hex("2b7e151628aed2a6abf7158809cf4f3c"));
  EXPECT_EQ(key.rounds[0], from_hex("2b7e151628aed2a6abf7158809cf4f3c"));
  EXPECT_EQ(key.rounds[1], from_hex("a0fafe1788542cb123a339392a6c7605"));
  EXPECT_EQ(key.rounds[9], from_hex("ac7766f319fadc2128d12941575c006e"));
  EXPECT_EQ(key.rounds[10], from_hex("d014f9a8c9ee2589e13f0cc8b6630ca6"));
}

struct VectorCase {
  std::string_view name, key, plain, cipher;
};

class Vectors : public testing::TestWithParam<VectorCase> {};

TEST_P(Vectors, HoldForEveryImplementation) {
  const auto& [name, key, plain, cipher] = GetParam();
  for (const Aes* aes : every_aes())
    EXPECT_EQ(encrypt_one(*aes, expand_key(from_hex(key)), from_hex(plain)), from_hex(cipher)) << aes->name;
}

constexpr VectorCase kVectors[] = {
    {.name = "AppendixB",
     .key = "2b7e151628aed2a6abf7158809cf4f3c",
     .plain = "3243f6a8885a308d313198a2e0370734",
     .cipher = "3925841d02dc09fbdc118597196a0b32"},
    {.name = "AppendixC1",
     .key = "000102030405060708090a0b0c0d0e0f",
     .plain = "00112233445566778899aabbccddeeff",
     .cipher = "69c4e0d86a7b0430d8cdb78070b4c55a"},
    {.name = "Sp800_38aEcbBlock1",
     .key = "2b7e151628aed2a6abf7158809cf4f3c",
     .plain = "6bc1bee22e409f96e93d7e117393172a",
     .cipher = "3ad77bb40d7a3660a89ecaf32466ef97"},
    {.name = "Sp800_38aEcbBlock2",
     .key = "2b7e151628aed2a6abf7158809cf4f3c",
     .plain = "ae2d8a571e03ac9c9eb76fac45af8e51",
     .cipher = "f5d3d58503b9699de785895a96fdbaaf"},
};
INSTANTIATE_TEST_SUITE_P(Fips197, Vectors, testing::ValuesIn(kVectors),
                         [](const auto& test) { return std::string(test.param.name); });

class BatchSize : public testing::TestWithParam<std::size_t> {};

TEST_P(BatchSize, MakesNoDifferenceToEncrypt) {
  const std::size_t n = GetParam();
  Random random;
  const AesKey key = expand_key(random.block());
  const auto in = random.blocks(n);
  for (const Aes* aes : every_aes()) {
    const auto out = std::make_unique<AesBlock[]>(n);
    std::memset(out.get(), 0xa5, n * sizeof(AesBlock));
    aes->encrypt(key, in.get(), out.get(), n);
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_EQ(out[i], encrypt_one(portable_aes(), key, in[i])) << aes->name << " block " << i;
  }
}

TEST_P(BatchSize, EncryptsInPlace) {
  const std::size_t n = GetParam();
  Random random;
  const AesKey key = expand_key(random.block());
  const auto in = random.blocks(n);
  for (const Aes* aes : every_aes()) {
    const auto apart = std::make_unique<AesBlock[]>(n), in_place = std::make_unique<AesBlock[]>(n);
    std::copy_n(in.get(), n, in_place.get());
    aes->encrypt(key, in.get(), apart.get(), n);
    aes->encrypt(key, in_place.get(), in_place.get(), n);
    EXPECT_TRUE(std::equal(apart.get(), apart.get() + n, in_place.get())) << aes->name;
  }
}

TEST_P(BatchSize, MakesNoDifferenceToCbcMac) {
  const std::size_t n = GetParam();
  Random random;
  const AesKey key = expand_key(random.block());
  const auto in = std::make_unique<AesBlock3[]>(n);
  for (std::size_t i = 0; i < n; ++i) in[i] = {random.block(), random.block(), random.block()};
  for (const Aes* aes : every_aes()) {
    const auto out = std::make_unique<AesBlock[]>(n);
    std::memset(out.get(), 0xa5, n * sizeof(AesBlock));
    aes->cbc_mac3(key, in.get(), out.get(), n);
    for (std::size_t i = 0; i < n; ++i) {
      AesBlock mac{};
      for (const AesBlock& block : in[i]) {
        for (std::size_t b = 0; b < 16; ++b) mac.bytes[b] ^= block.bytes[b];
        mac = encrypt_one(portable_aes(), key, mac);
      }
      EXPECT_EQ(out[i], mac) << aes->name << " message " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Aes, BatchSize, testing::Range<std::size_t>(0, 68));

TEST(Implementations, AgreeOnRandomKeysAndBlocks) {
  const Aes& best = best_aes();
  Random random;
  for (int round = 0; round < 500; ++round) {
    const AesKey key = expand_key(random.block());
    const auto in = random.blocks(8);
    AesBlock expected[8], actual[8];
    portable_aes().encrypt(key, in.get(), expected, 8);
    best.encrypt(key, in.get(), actual, 8);
    for (std::size_t i = 0; i < 8; ++i) ASSERT_EQ(actual[i], expected[i]);
  }
}

TEST(Implementations, TheBestIsAesniWhereTheCpuHasIt) {
  EXPECT_EQ(&best_aes(), aesni_aes() != nullptr ? aesni_aes() : &portable_aes());
}

TEST(AesKey, ErasesItself) {
  alignas(AesKey) std::byte memory[sizeof(AesKey)];
  auto* key = new (memory) AesKey(expand_key(from_hex("2b7e151628aed2a6abf7158809cf4f3c")));
  key->~AesKey();
  for (const std::byte b : memory) EXPECT_EQ(b, std::byte{0});
}

}  // namespace
}  // namespace synward::crypto
