// One cache line that says which of 16 entries may be the one, and which may go.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <emmintrin.h>  // SSE2: part of x86-64

namespace synward::table {

inline constexpr std::size_t kBucketSlots = 16;

/// One bit per slot of a bucket; iterates over the numbers of those set.
class SlotSet {
 public:
  constexpr explicit SlotSet(unsigned bits) : bits_{bits & 0xffff} {}
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr unsigned first() const { return static_cast<unsigned>(__builtin_ctz(bits_)); }
  constexpr void remove_first() { bits_ &= bits_ - 1; }

 private:
  unsigned bits_;
};

/// Where a newcomer may find its slot, in the order in which it asks.
enum class Room : std::uint8_t { kFree, kTombstone, kUnfinished };

/// 64 bytes:  [0:31] tags  [32:47] look_at  [48:49] occupied  [50:51] tombstones  [52:53] unfinished
///            [56:59] overflow; the others are zero.
struct alignas(64) Bucket {
  std::array<std::uint16_t, kBucketSlots> tags;  ///< 16 bits of the hash that choose no bucket
  std::array<std::uint8_t, kBucketSlots>
      look_at;  ///< low byte of the tick at which the sweep reads the entry
  std::uint16_t occupied, tombstones, unfinished;  ///< bit i: slot i; the latter two are within the first
  std::uint32_t overflow;  ///< entries whose first choice this is, and that live in their second

  [[nodiscard]] SlotSet offering(Room room) const {
    if (room == Room::kFree) return SlotSet{~unsigned{occupied}};
    return SlotSet{room == Room::kTombstone ? tombstones : unfinished};
  }
  [[nodiscard]] SlotSet with_tag(std::uint16_t tag) const {
    const auto* halves = reinterpret_cast<const __m128i*>(tags.data());
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(halves), wanted);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(halves + 1), wanted);
    return SlotSet{static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high))) & occupied};
  }
  /// Slots whose look_at lies at most 127 ticks before `tick`, modulo 256.
  [[nodiscard]] SlotSet due(std::uint32_t tick) const {
    const __m128i now = _mm_set1_epi8(static_cast<char>(tick));
    const __m128i since = _mm_sub_epi8(now, _mm_load_si128(reinterpret_cast<const __m128i*>(look_at.data())));
    return SlotSet{~static_cast<unsigned>(_mm_movemask_epi8(since)) & occupied};  // the sign says: not yet
  }
};
static_assert(sizeof(Bucket) == 64 && offsetof(Bucket, look_at) == 32 && offsetof(Bucket, overflow) == 56);

}  // namespace synward::table
