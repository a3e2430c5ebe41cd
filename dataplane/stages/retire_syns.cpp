// SYNs to services that the operator has taken out of his config, and whose connections still go on: they are
// what they would be without the service.
#include "dataplane/stages/stages.hpp"

namespace synward {

void retire_syns(Burst& burst, CoreState& core) {
  if (!core.services->has_retired()) return;
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4, Route::kCommonSyn6, Route::kSyn6}) {
    burst.on(route).keep_if([&](LaneIndex i) {
      if (!core.services->is_retired(burst.view[i].service)) return true;
      if (!core.is_inline()) return drop_lane(burst, i, Drop::kNoService);
      core.tally.add(Event::kPassed);
      burst.on(Route::kForward).push(i);
      return false;
    });
  }
}

}  // namespace synward
