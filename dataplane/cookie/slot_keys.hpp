// Which key mints a cookie now, and which may have minted the one that came back. Slots are wall-clock time
// and keys come from a ring that a fleet shares, so any node, also one started a moment ago, can validate
// what another minted.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/crypto/aes.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::cookie {

inline constexpr std::uint64_t kSlotMs = 64'000;
/// How far the clocks of two nodes may be apart.
inline constexpr std::uint64_t kSkewMs = 5'000;

/// 64 s of wall-clock time, counted from 1970 UTC.
struct Slot {
  std::uint32_t number;
  [[nodiscard]] constexpr std::uint32_t parity() const { return number & 1; }
  [[nodiscard]] constexpr Slot previous() const { return {number - 1}; }
  [[nodiscard]] constexpr Slot next() const { return {number + 1}; }
  friend constexpr auto operator<=>(Slot, Slot) = default;
};
[[nodiscard]] constexpr Slot slot_at(std::uint64_t wall_ms) {
  return {static_cast<std::uint32_t>(wall_ms / kSlotMs)};
}

/// A secret from which slot keys are derived, and the first slot that it serves.
struct Master {
  crypto::AesBlock key;
  Slot first;
};

/// The previous, the current and the next master, or fewer. A value: every core has its copy. Erases itself.
class KeyRing {
 public:
  static constexpr std::size_t kMaxMasters = 3;

  /// Throws std::invalid_argument unless there are 1 to 3 masters whose first slots ascend.
  explicit KeyRing(std::span<const Master> masters);
  /// One master of this process alone: its cookies die with it, and no other node takes them. Throws
  /// std::system_error when the kernel has no randomness.
  [[nodiscard]] static KeyRing random();
  KeyRing(const KeyRing&) = default;
  KeyRing& operator=(const KeyRing&) = default;
  ~KeyRing();

  /// The youngest master that serves `slot`; before the first one's start, the first one.
  [[nodiscard]] const crypto::AesBlock& master(Slot slot) const;
  /// Oldest first.
  [[nodiscard]] std::span<const Master> masters() const { return std::span{masters_}.first(size_); }

 private:
  std::array<Master, kMaxMasters> masters_{};
  std::size_t size_;
};

/// K(slot) = AES-128(master(slot), slot number as 64 bits in network byte order || 4 or 6 || seven zeros).
/// All nodes must agree on this; a test pins it.
[[nodiscard]] crypto::AesKey derive_slot_key(const crypto::Aes& aes, const KeyRing& ring, Slot slot,
                                             wire::Family family);

/// The slots, at most two, under which a cookie of some parity may have been minted.
class SlotCandidates {
 public:
  constexpr explicit SlotCandidates(Slot only) : slots_{only, only}, size_{1} {}
  constexpr SlotCandidates(Slot first, Slot second) : slots_{first, second}, size_{2} {}
  [[nodiscard]] constexpr const Slot* begin() const { return slots_.data(); }
  [[nodiscard]] constexpr const Slot* end() const { return slots_.data() + size_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

 private:
  std::array<Slot, 2> slots_;
  std::size_t size_;
};

/// The keys of the previous, the current and the next slot, for both families. Owned by one core.
class SlotKeys {
 public:
  /// `aes` must outlive this. `wall_ms`: milliseconds since 1970 UTC.
  SlotKeys(const crypto::Aes& aes, const KeyRing& ring, std::uint64_t wall_ms);

  /// Once per burst, before any cookie: one compare, and every 64 s two key derivations (some microseconds).
  /// The clock may step either way.
  void advance(std::uint64_t wall_ms) {
    wall_ms_ = wall_ms;
    if (wall_ms - slot_start_ms_ >= kSlotMs) enter_slot();
  }
  /// A new ring. Slots that both rings give to the same master keep their keys, and the handshakes in flight.
  void use(const KeyRing& ring);

  /// How long cookies of the slot whose number ends in these four bits are still accepted here, milliseconds;
  /// 0 when they are not. Slots 16 apart look alike, so of very old ones one in five is taken for a living.
  [[nodiscard]] std::uint32_t lifetime_ms(std::uint32_t slot_low_bits) const {
    const std::uint32_t age = (current_.number - slot_low_bits) & 15;  // 15: the next, of a clock ahead
    const std::uint32_t slots_left = age == 15 ? 3 : age > 1 ? 0 : 2 - age;
    if (slots_left == 0) return 0;
    return static_cast<std::uint32_t>(slots_left * kSlotMs - (wall_ms_ - slot_start_ms_));
  }

  [[nodiscard]] std::uint64_t wall_ms() const { return wall_ms_; }
  [[nodiscard]] Slot current() const { return current_; }
  [[nodiscard]] const crypto::Aes& aes() const { return *aes_; }
  /// `slot`: the current one, or one beside it.
  template <wire::Family kFamily>
  [[nodiscard]] const crypto::AesKey& key(Slot slot) const {
    return keys_[slot.number % kHeld].of_family[kFamily == wire::Family::kIpv4 ? 0 : 1];
  }

  /// Where the parity of a cookie leads: to the current slot or the one before. A node whose clock is ahead
  /// may already mint in the next slot, whose parity is the previous one's, so shortly before the edge both
  /// are tried. (A node behind mints in the previous slot, which is found anyway.)
  [[nodiscard]] SlotCandidates candidates(std::uint32_t parity) const {
    if (parity == current_.parity()) return SlotCandidates{current_};
    if (wall_ms_ - slot_start_ms_ < kSlotMs - kSkewMs) return SlotCandidates{current_.previous()};
    return {current_.previous(), current_.next()};
  }

 private:
  static constexpr std::size_t kHeld =
      4;  // three, and a power of two: a slot keeps its place while it is held
  struct Keys {
    std::optional<Slot> slot;
    std::array<crypto::AesKey, 2> of_family;
  };
  void enter_slot();

  const crypto::Aes* aes_;
  KeyRing ring_;
  std::uint64_t wall_ms_, slot_start_ms_;
  Slot current_;
  std::array<Keys, kHeld> keys_;
};

}  // namespace synward::cookie
