#include "dataplane/handshake/isn.hpp"

#include <cstddef>
#include <cstring>

namespace synward::handshake {
namespace {

using crypto::AesBlock;
using crypto::AesBlock3;
using crypto::AesKey;
using wire::Family;

AesKey derive_key(const crypto::Aes& aes, const AesKey& secret, std::uint8_t family) {
  AesBlock label{};
  std::memcpy(label.bytes.data(), "synward isn ", 12);
  label.bytes[12] = std::byte{family};
  AesBlock derived;
  aes.encrypt(secret, &label, &derived, 1);
  const AesKey key = expand_key(derived);
  crypto::erase(&derived, sizeof derived);
  return key;
}

/// The message of F: every field at its own place, so that no two tuples share one.
template <typename Message, Family kFamily>
Message message_of(const FourTuple<kFamily>& tuple) {
  static_assert(sizeof tuple <= sizeof(Message) && alignof(FourTuple<kFamily>) == 1);
  Message message{};
  std::memcpy(&message, &tuple, sizeof tuple);
  return message;
}

std::uint32_t word(const AesBlock& block, std::size_t index) {
  std::uint32_t value;
  std::memcpy(&value, block.bytes.data() + index * sizeof value, sizeof value);
  return value;
}

}  // namespace

IsnGenerator::IsnGenerator(const crypto::Aes& aes, const AesBlock& secret) : aes_{&aes} {
  const AesKey root = crypto::expand_key(secret);
  ipv4_key_ = derive_key(aes, root, 4);
  ipv6_key_ = derive_key(aes, root, 6);
}

template <Family kFamily>
InitialNumbers IsnGenerator::initial_numbers(const FourTuple<kFamily>& tuple, std::uint64_t now_us) const {
  AesBlock f;
  if constexpr (kFamily == Family::kIpv4) {
    const auto message = message_of<AesBlock>(tuple);
    aes_->encrypt(ipv4_key_, &message, &f, 1);
  } else {
    const auto message = message_of<AesBlock3>(tuple);
    aes_->cbc_mac3(ipv6_key_, &message, &f, 1);
  }
  const auto m = static_cast<std::uint32_t>(now_us / kIsnTickUs);
  return {.iss = wire::SeqNum{m + word(f, 0)}, .ts_offset = word(f, 1)};
}

template InitialNumbers IsnGenerator::initial_numbers(const FourTuple<Family::kIpv4>&, std::uint64_t) const;
template InitialNumbers IsnGenerator::initial_numbers(const FourTuple<Family::kIpv6>&, std::uint64_t) const;

}  // namespace synward::handshake
