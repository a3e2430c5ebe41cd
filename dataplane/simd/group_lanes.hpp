// In a burst of everything at random, a kernel finds the lanes that are its own far apart, and takes as long
// for a register with one packet as for a full one. So these lanes are put side by side before, and apart
// again after.
#pragma once

#include "dataplane/simd/lanes.hpp"

namespace synward::simd {
namespace {

/// Whether that pays: at most half of the lanes of the registers that they are in are theirs.
[[gnu::always_inline]] inline bool are_far_apart(const Frames& frames, LaneBits lanes) {
  const auto twice = 2 * static_cast<std::size_t>(__builtin_popcountll(lanes));
  if (twice > padded(frames.count)) return false;  // under a flood
  std::size_t registers = 0;
  for_each_place(frames, 0, lanes, [&](const Place&) { ++registers; });
  return registers > 1 && twice <= registers * kLanes;
}

/// Some lanes of a burst, at least one, as a burst of their own: what is lane `of[n]` there, is lane n here.
struct Group {
  Group(const Frames& from, LaneBits bits) {
    // The last lanes may be none: readable, and no frames. (Written first, as many as are known beforehand:
    // what is left over would be a memset(), a function of a library.)
    const std::size_t end = padded(static_cast<std::size_t>(__builtin_popcountll(bits)));
    for (std::size_t n = end - kPadding; n < end; ++n) {
      frame[n] = shifted[n] = from.frame[__builtin_ctzll(bits)];
      frame_bytes[n] = between[n] = 0;
    }
    for_each_bit(bits, [&](std::size_t lane) {
      of[count] = static_cast<std::uint8_t>(lane);
      frame[count] = from.frame[lane];
      frame_bytes[count] = from.frame_bytes[lane];
      if (from.between != nullptr) {
        between[count] = from.between[lane];
        shifted[count] = from.shifted[lane];
      }
      ++count;
    });
    frames = {frame, frame_bytes, count};
    if (from.between == nullptr) return;
    frames.between = between;
    frames.shifted = shifted;
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] LaneBits all() const {
    return count == SynBatch::kMax ? ~LaneBits{0} : (LaneBits{1} << count) - 1;
  }
  /// Where lanes of the group are in the burst.
  [[nodiscard]] LaneBits spread(LaneBits grouped) const {
    LaneBits bits = 0;
    for_each_bit(grouped, [&](std::size_t n) { bits |= LaneBits{1} << of[n]; });
    return bits;
  }
  /// Words of these lanes, from the burst's array to the group's, and back.
  void gather(const std::uint32_t* from, std::uint32_t* to) const {
    for (std::size_t n = 0; n < count; ++n) to[n] = from[of[n]];
  }
  template <typename Word>
  void scatter(LaneBits grouped, const Word* from, Word* to) const {
    for_each_bit(grouped, [&](std::size_t n) { to[of[n]] = from[n]; });
  }

  std::size_t count = 0;
  std::uint8_t of[SynBatch::kMax];
  std::byte *frame[SynBatch::kMax], *shifted[SynBatch::kMax];
  alignas(64) std::uint16_t frame_bytes[SynBatch::kMax], between[SynBatch::kMax];
  Frames frames;
};

}  // namespace
}  // namespace synward::simd
