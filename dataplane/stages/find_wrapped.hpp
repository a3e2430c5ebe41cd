// Kernels find TCP right behind an IP header of the least length. Where IP options or extension headers lie
// between the two, somebody has to tell them how many bytes these take.
#pragma once

#include "dataplane/burst.hpp"

namespace synward {

/// Writes Burst::wrapped: of `left`, which have room for the least headers, the lanes with IP options, or
/// with extension headers that are as they must be and end with TCP.
void find_wrapped(Burst& burst, const simd::Kernels& kernels, const simd::Frames& frames,
                  const LanesByLink& left);

}  // namespace synward
