#include "dataplane/stages/stages.hpp"

namespace synward {

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
  for (const LaneIndex i : burst.on(Route::kDrop))
    counters.drop[static_cast<std::size_t>(burst.drop[i])].add(1);
  core.publish_events();
}

}  // namespace synward
