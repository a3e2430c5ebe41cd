// When more comes than this core can answer, SYNs end here, so that nothing else is lost to a full receive
// queue; a client that sends its SYN again is answered then. Mostly this compares two numbers.
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

/// Another one of Overload::kLuckyOf each time that a flow comes.
bool is_lucky(std::uint64_t flow, std::uint64_t mono_ms) {
  return ((flow ^ mono_ms) * 0x9e37'79b9'7f4a'7c15 >> 32) % Overload::kLuckyOf == 0;
}

/// Hashes the flows of the SYNs that match_common() found. (The lanes behind the last are as it left them.)
template <Family kFamily>
void hash_common(Burst& burst, const CoreState& core) {
  const LanesByLink::Lanes& syns = burst.common_syns.of<kFamily>();
  const simd::Frames frames{burst.frame.data(), burst.frame_bytes.data(), burst.size};
  for (std::size_t tags = 0; tags < syns.size(); ++tags) {
    if (syns[tags] == 0) continue;
    core.kernels->hash<kFamily>()(frames, LanesByLink::network(tags), syns[tags], core.secret,
                                  burst.common_segments.batch);
  }
}

template <Family kFamily>
void shed(Burst& burst, CoreState& core, Shed how, Route route) {
  IndexList& syns = burst.on(route);
  if (syns.empty()) return;
  const bool is_common = route == Routes<kFamily>::kCommonSyn;
  if (is_common) hash_common<kFamily>(burst, core);
  Lane<std::uint64_t> flow;
  for (const LaneIndex i : syns) {
    flow[i] = is_common ? burst.common_segments.batch.hash(i)
                        : table::hash(flow_of<kFamily>(burst, i), core.secret);
    core.shed_memory.prefetch(flow[i]);
  }
  const std::uint64_t now = core.now.mono_ms;
  syns.keep_if([&](LaneIndex i) {
    if (is_lucky(flow[i], now)) return true;
    if (how == Shed::kFirst && core.shed_memory.has(flow[i], now)) {
      core.tally.add(Event::kShedSynCameAgain);
      return true;
    }
    core.shed_memory.add(flow[i], now);
    return drop_lane(burst, i, Drop::kOverload);
  });
}

/// All of them.
void drain(Burst& burst) {
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4, Route::kCommonSyn6, Route::kSyn6})
    burst.on(route).keep_if([&burst](LaneIndex i) { return drop_lane(burst, i, Drop::kDraining); });
}

}  // namespace

void shed_syns(Burst& burst, CoreState& core) {
  if (core.draining) return drain(burst);
  if (burst.taken_over) return;  // from no queue; such SYNs were found worth passing, to ask a backend
  std::size_t syns = 0;
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4, Route::kCommonSyn6, Route::kSyn6})
    syns += burst.on(route).size();
  const Shed how = core.overload.judge(syns, burst.size, core.now.mono_ms);
  if (how == Shed::kNone) return;
  if (core.overload.is_hopeless() && core.shed_memory.is_full(core.now.mono_ms)) {
    core.overload.give_up(core.now.mono_ms);
    return core.tally.add(Event::kSheddingGivenUp);
  }
  for (const Route route : {Route::kCommonSyn4, Route::kSyn4}) shed<Family::kIpv4>(burst, core, how, route);
  for (const Route route : {Route::kCommonSyn6, Route::kSyn6}) shed<Family::kIpv6>(burst, core, how, route);
}

}  // namespace synward
