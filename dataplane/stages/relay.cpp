// Segments of known connections go to whoever has the connection: the built-in acceptor, or a backend.
#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

/// No entry moves here, so what find_connection() found is still where it was; but the segment before may
/// have closed it.
template <Family kFamily>
void relay_known(Burst& burst, CoreState& core) {
  for (const LaneIndex i : burst.on(Routes<kFamily>::kKnown).take()) {
    auto& connection = *static_cast<table::Connection<kFamily>*>(burst.connection[i]);
    if (connection.state.phase.get() != table::ConnectionPhase::kTombstone) {
      relay_segment<kFamily>(burst, i, core, connection);
    } else if ((tcp_header(burst, i).flags & wire::TcpFlags::kRst) != 0) {
      drop_lane(burst, i, Drop::kRstWithoutConnection);
    } else {
      make_stray<kFamily>(burst, i, Drop::kSpentCookie);
    }
  }
}

}  // namespace

void relay(Burst& burst, CoreState& core) {
  relay_known<Family::kIpv4>(burst, core);
  relay_known<Family::kIpv6>(burst, core);
}

}  // namespace synward
