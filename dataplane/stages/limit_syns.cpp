// SYNs beyond the budget of their client's prefix end here, so that synward is no reflector (RFC 4987 3.6:
// whoever answers SYNs without state answers spoofed ones as well). The others go on to answer_syn().
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

template <Family kFamily>
void limit(Burst& burst, CoreState& core, Route route) {
  IndexList& syns = burst.on(route);
  if (syns.empty()) return;
  PrefixBudget& budget = core.syn_budget;
  const auto prefix = [&burst](LaneIndex i) { return client_prefix(ip_header<kFamily>(burst, i).source); };
  static_assert(Talkers::kSampleEvery == PrefixBudget::kSampleEvery);
  const std::size_t refused = budget.sample(syns.size(), [&](std::size_t n) {
    const ClientPrefix sampled = prefix(syns.begin()[n]);
    core.talkers.add_sample(Talk::kSyns, sampled);
    return sampled;
  });
  if (refused != 0) core.tally.add(Event::kPrefixUnmarked, refused);
  if (!budget.active()) return;
  syns.keep_if(
      [&](LaneIndex i) { return budget.admits(prefix(i)) || drop_lane(burst, i, Drop::kSynBudget); });
}

}  // namespace

void limit_syns(Burst& burst, CoreState& core) {
  core.syn_budget.advance(core.now.mono_ms);
  core.talkers.advance(core.now.mono_ms);
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4}) limit<Family::kIpv4>(burst, core, route);
  for (const Route route : {Route::kCommonSyn6, Route::kSyn6}) limit<Family::kIpv6>(burst, core, route);
}

}  // namespace synward
