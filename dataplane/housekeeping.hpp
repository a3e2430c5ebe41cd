// What a core does between bursts: accept connections, expire them, say how many there are.
#pragma once

#include "dataplane/core_state.hpp"

namespace synward {

/// Worker thread, once each turn of its loop, after set_clock(). Bounded work. Frames that it sends are in
/// core.outbox afterwards.
void housekeep(CoreState& core);

/// Worker thread, when it stops: some of the packets that wait for a backend wait no longer, but stand in
/// core.discarded. True when those were the last.
[[nodiscard]] bool end_waiting(CoreState& core);

}  // namespace synward
