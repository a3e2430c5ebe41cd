#include "dataplane/stages/intact.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

/// Two passes, sums then verdicts: a mispredicted verdict never stalls a load.
template <Family kFamily>
void verify(Burst& burst, IndexList& lanes) {
  const simd::LaneBits intact = burst.common_segments.intact;
  if ((lanes.bits() & ~intact) == 0) return;
  Lane<bool> ip_good, segment_good;
  for (const LaneIndex i : lanes) {
    if (has_lane(intact, i)) {
      ip_good[i] = segment_good[i] = true;
      continue;
    }
    ip_good[i] = ip_is_intact<kFamily>(burst, i);
    segment_good[i] = segment_is_intact<kFamily>(burst, i);
  }
  lanes.keep_if([&](LaneIndex i) {
    if (!ip_good[i]) return drop_lane(burst, i, Drop::kBadIpv4Checksum);
    return segment_good[i] || drop_lane(burst, i, Drop::kBadTcpChecksum);
  });
}

template <Family kFamily>
void verify_family(Burst& burst, bool known_end_here) {
  verify<kFamily>(burst, burst.on(Routes<kFamily>::kSyn));
  verify<kFamily>(burst, burst.on(Routes<kFamily>::kCookie));
  if (known_end_here) verify<kFamily>(burst, burst.on(Routes<kFamily>::kKnown));
}

}  // namespace

void verify_checksum(Burst& burst, const CoreState& core) {
  const bool known_end_here = !core.is_inline();
  verify_family<Family::kIpv4>(burst, known_end_here);
  verify_family<Family::kIpv6>(burst, known_end_here);
}

}  // namespace synward
