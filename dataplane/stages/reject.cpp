// Strays end here. The first is dropped, for it may be a reordered first flight; its repeat at least three
// seconds later is reset (RFC 9293 3.5.2), within a budget: an RST per stray would double a flood.
#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

template <Family kFamily>
void reject_strays(Burst& burst, CoreState& core) {
  for (const LaneIndex i : burst.on(Routes<kFamily>::kStray).take()) {
    if (burst.drop[i] == Drop::kBadCookie) note_bad_cookie<kFamily>(burst, i, core);
    if (!core.strays.repeats(burst.flow_hash[i], core.now.mono_ms) ||
        !core.stray_resets.take(core.now.mono_ms)) {
      drop_lane(burst, i, burst.drop[i]);
      continue;
    }
    core.tally.add(Event::kStrayReset);
    send_reply<kFamily>(burst, i, reset_at(wire::SeqNum{tcp_header(burst, i).ack}));
  }
}

}  // namespace

void reject(Burst& burst, CoreState& core) {
  reject_strays<Family::kIpv4>(burst, core);
  reject_strays<Family::kIpv6>(burst, core);
}

}  // namespace synward
