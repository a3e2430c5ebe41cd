// TCP to services from clients on the operator's drop list ends here, and at an endpoint their pings. Without
// a list this compares a pointer.
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using simd::LaneBits;
using wire::Family;

/// Two passes: first each asks for one bit, and none waits for another's. There nearly all end.
template <Family kFamily>
void drop(Burst& burst, const service::PrefixSet<kFamily>& listed, Route route) {
  IndexList& lanes = burst.on(route);
  if (lanes.empty()) return;
  const auto source = [&burst](LaneIndex i) -> const auto& { return ip_header<kFamily>(burst, i).source; };
  LaneBits suspects = 0;
  for (const LaneIndex i : lanes) suspects |= LaneBits{listed.may_have(source(i))} << i;
  if (suspects == 0) return;
  std::array<const wire::Address<kFamily>*, kBurstMax> sources;
  for_each_lane(suspects, [&](LaneIndex i) { sources[i] = &source(i); });
  const LaneBits ended = listed.find(suspects, sources);
  if (ended == 0) return;
  lanes.keep_if([&](LaneIndex i) { return !has_lane(ended, i) || drop_lane(burst, i, Drop::kDropList); });
}

/// Of segments of either side, those of clients; echo requests, which are for an endpoint.
template <Family kFamily>
void drop_family(Burst& burst, const service::DropList& list) {
  const auto& listed = list.sources<kFamily>();
  if (listed.empty()) return;
  for (const Route route : {Routes<kFamily>::kCommonSyn, Routes<kFamily>::kSyn, Routes<kFamily>::kSegment,
                            Routes<kFamily>::kEcho})
    drop<kFamily>(burst, listed, route);
}

}  // namespace

void drop_listed(Burst& burst, const CoreState& core) {
  if (core.drop_list == nullptr) return;
  drop_family<Family::kIpv4>(burst, *core.drop_list);
  drop_family<Family::kIpv6>(burst, *core.drop_list);
}

}  // namespace synward
