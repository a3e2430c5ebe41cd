// Which services SYNs come to, for whoever watches: the stages behind this end some of them.
#include <bit>
#include <cstddef>
#include <emmintrin.h>  // SSE2: part of x86-64

#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

/// Whether all lanes of a burst are for one service.
bool are_for_one_service(const Burst& burst) {
  static_assert(sizeof(PacketView) == 8 && offsetof(PacketView, service) == 6);
  const auto* const pairs = reinterpret_cast<const __m128i*>(burst.view.data());
  const __m128i first = _mm_set1_epi64x(std::bit_cast<std::int64_t>(burst.view[0]));
  __m128i differs = _mm_setzero_si128();
  for (std::size_t n = 0; n < burst.size / 2; ++n)
    differs = _mm_or_si128(differs, _mm_xor_si128(_mm_loadu_si128(pairs + n), first));
  constexpr int kServices = 0xc0c0;
  return (_mm_movemask_epi8(_mm_cmpeq_epi8(differs, _mm_setzero_si128())) & kServices) == kServices &&
         burst.view[burst.size - 1].service == burst.view[0].service;
}

void count(const Burst& burst, const IndexList& syns, CountersOfServices& services) {
  if (burst.for_one_service) return services[burst.view[0].service].syns.add(burst.size);
  // Once a run: a counter that is added to again and again waits for itself.
  std::uint16_t service = 0;
  std::size_t run = 0;
  for (const LaneIndex i : syns) {
    if (run != 0 && burst.view[i].service != service) {
      services[service].syns.add(run);
      run = 0;
    }
    service = burst.view[i].service;
    ++run;
  }
  if (run != 0) services[service].syns.add(run);
}

}  // namespace

void count_services(Burst& burst, CoreState& core) {
  burst.for_one_service = false;
  if (burst.taken_over) return;  // the core that it came from has counted
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4, Route::kCommonSyn6, Route::kSyn6}) {
    const IndexList& syns = burst.on(route);
    if (syns.empty()) continue;
    burst.for_one_service = syns.size() == burst.size && are_for_one_service(burst);
    count(burst, syns, core.of_services);
  }
}

}  // namespace synward
