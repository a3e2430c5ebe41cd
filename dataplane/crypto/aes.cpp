#include "dataplane/crypto/aes.hpp"

#include <string.h>  // explicit_bzero

namespace synward::crypto {

#ifdef __x86_64__
extern const Aes kAesni;  // aes_aesni.cpp; must not be called before the CPU was asked
#endif

void erase(void* secret, std::size_t bytes) { explicit_bzero(secret, bytes); }

AesKey::~AesKey() { erase(rounds.data(), sizeof rounds); }

const Aes* aesni_aes() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("aes")) return &kAesni;
#endif
  return nullptr;
}

const Aes& best_aes() {
  const Aes* aesni = aesni_aes();
  return aesni != nullptr ? *aesni : portable_aes();
}

}  // namespace synward::crypto
