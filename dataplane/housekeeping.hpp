// What a core does between bursts: accept connections, expire them, say how many there are.
#pragma once

#include "dataplane/core_state.hpp"

namespace synward {

/// Worker thread, once each turn of its loop, after set_clock(). Bounded work. Frames that it sends are in
/// core.outbox afterwards.
void housekeep(CoreState& core);

}  // namespace synward
