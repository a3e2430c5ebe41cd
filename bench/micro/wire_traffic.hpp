// What passes a bump in the wire from both sides, as traffic.hpp says it of an endpoint.
#pragma once

#include "bench/micro/traffic.hpp"

namespace synward::bench {

/// Every one is answered on behalf of its backend.
[[nodiscard]] Traffic wire_syns(wire::Family family);
/// UDP to an address of a service: it passes, and is all that a bump in the wire does at least.
[[nodiscard]] Traffic passing_datagrams(wire::Family family);
/// Bare ACKs with valid cookies: every one is held, and its backend gets a SYN. Of sets that
/// Core::kHandshakes allows.
[[nodiscard]] Traffic backend_asks(wire::Family family);
/// The backends' SYN-ACKs to these SYNs: every one is acknowledged, and what was held goes on.
[[nodiscard]] Traffic backend_answers(wire::Family family);
/// kTextBytes in order on connections that are open: every one is translated and goes on. Clients whose SYNs
/// were of Layout::kLinux use timestamps.
enum class Bound : std::uint8_t { kToBackend, kToClient };
[[nodiscard]] Traffic spliced_texts(wire::Family family, Layout layout, Bound bound, bool sack);

}  // namespace synward::bench
