// The life of a burst, from received frames to verdicts.
#pragma once

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"

namespace synward {

/// Worker thread, after CoreState::set_clock(). Takes `burst` with size, port, frame, frame_bytes,
/// ip_checksum, transport_checksum and packet filled and each lane in on(kReceived) or on(kDrop), and leaves
/// every lane in exactly one verdict list. The worker then transmits on(kSend), passes on on(kHandOver),
/// frees the others, moves what could not be sent to on(kDrop), and calls settle().
void run_burst(CoreState& core, Burst& burst);

}  // namespace synward
