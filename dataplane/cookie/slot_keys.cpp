#include "dataplane/cookie/slot_keys.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/random.h>
#include <system_error>

#include "dataplane/wire/big_endian.hpp"

namespace synward::cookie {

KeyRing::KeyRing(std::span<const Master> masters) : size_{masters.size()} {
  if (masters.empty() || masters.size() > kMaxMasters)
    throw std::invalid_argument("a key ring has 1 to 3 masters, not " + std::to_string(masters.size()));
  if (!std::ranges::is_sorted(masters, std::ranges::less_equal{}, &Master::first))
    throw std::invalid_argument("the masters of a key ring must start at ascending slots");
  std::ranges::copy(masters, masters_.begin());
}

KeyRing KeyRing::random() {
  Master master{.key = {}, .first = {0}};
  // Up to 256 bytes come whole or not at all, once the kernel's pool is ready: getrandom(2).
  if (getrandom(&master.key, sizeof master.key, 0) != ssize_t{sizeof master.key})
    throw std::system_error(errno, std::generic_category(), "getrandom");
  KeyRing ring(std::span(&master, 1));
  crypto::erase(&master, sizeof master);
  return ring;
}

KeyRing::~KeyRing() { crypto::erase(masters_.data(), sizeof masters_); }

const crypto::AesBlock& KeyRing::master(Slot slot) const {
  std::size_t youngest = 0;
  for (std::size_t i = 1; i < size_; ++i)
    if (masters_[i].first <= slot) youngest = i;
  return masters_[youngest].key;
}

crypto::AesKey derive_slot_key(const crypto::Aes& aes, const KeyRing& ring, Slot slot, wire::Family family) {
  crypto::AesBlock block{};
  const wire::BigEndian32 number{slot.number};  // its upper 32 bits are zero until the year 10680
  std::memcpy(&block.bytes[4], &number, sizeof number);
  block.bytes[8] = std::byte{family == wire::Family::kIpv4 ? std::uint8_t{4} : std::uint8_t{6}};
  aes.encrypt(crypto::expand_key(ring.master(slot)), &block, &block, 1);
  const crypto::AesKey key = crypto::expand_key(block);
  crypto::erase(&block, sizeof block);
  return key;
}

SlotKeys::SlotKeys(const crypto::Aes& aes, const KeyRing& ring, std::uint64_t wall_ms)
    : aes_{&aes}, ring_{ring}, wall_ms_{wall_ms} {
  enter_slot();
}

void SlotKeys::use(const KeyRing& ring) {
  ring_ = ring;
  for (Keys& keys : keys_) keys.slot.reset();
  enter_slot();
}

void SlotKeys::enter_slot() {
  current_ = slot_at(wall_ms_);
  slot_start_ms_ = wall_ms_ / kSlotMs * kSlotMs;
  for (const Slot slot : {current_.previous(), current_, current_.next()}) {
    Keys& keys = keys_[slot.number % kHeld];
    if (keys.slot == slot) continue;
    keys = {.slot = slot,
            .of_family = {derive_slot_key(*aes_, ring_, slot, wire::Family::kIpv4),
                          derive_slot_key(*aes_, ring_, slot, wire::Family::kIpv6)}};
  }
}

}  // namespace synward::cookie
