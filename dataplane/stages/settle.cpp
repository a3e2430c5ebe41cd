#include <bit>
#include <emmintrin.h>  // SSE2: part of x86-64

#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

simd::LaneBits lanes_with(const Lane<Drop>& drop, Drop reason) {
  static_assert(sizeof(Drop) == 1 && kBurstMax == 64);
  const auto* const quarters = reinterpret_cast<const __m128i*>(drop.data());
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(reason));
  simd::LaneBits lanes = 0;
  for (std::size_t q = 0; q < 4; ++q) {
    const __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(quarters + q), wanted);
    lanes |= simd::LaneBits{static_cast<std::uint16_t>(_mm_movemask_epi8(equal))} << 16 * q;
  }
  return lanes;
}

}  // namespace

void settle(const Burst& burst, CoreState& core) {
  Counters& counters = core.counters;
  (burst.taken_over ? counters.taken_over : counters.rx).add(burst.size);
  for (std::size_t r = 0; r < kCountOf<Route>; ++r) {
    // Lists only grow once a lane has reached its verdict, but for kSend, which tx may cut: entered() counts
    // routes, size() verdicts.
    const IndexList& list = burst.on(static_cast<Route>(r));
    const bool verdict = r >= static_cast<std::size_t>(Route::kSend);
    if (const std::size_t lanes = verdict ? list.size() : list.entered(); lanes != 0)
      counters.route[r].add(lanes);
  }
  // Once a reason: a counter that is added to again and again waits for itself.
  for (simd::LaneBits left = burst.on(Route::kDrop).bits(); left != 0;) {
    const Drop reason = burst.drop[static_cast<std::size_t>(std::countr_zero(left))];
    const simd::LaneBits these = left & lanes_with(burst.drop, reason);
    counters.drop[static_cast<std::size_t>(reason)].add(static_cast<std::size_t>(std::popcount(these)));
    left &= ~these;
  }
  core.publish_events();
}

}  // namespace synward
