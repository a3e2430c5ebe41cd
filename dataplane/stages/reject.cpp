#include "dataplane/stages/stages.hpp"

namespace synward {

void reject(Burst& burst) {
  for (const Route route : {Route::kSegment4, Route::kSegment6}) {
    for (const LaneIndex i : burst.on(route).take()) drop_lane(burst, i, Drop::kNoConnection);
  }
}

}  // namespace synward
