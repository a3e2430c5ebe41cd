// Why a traced packet ended as it did: which check, what it expected, and what it saw.
#pragma once

#include <string>
#include <vector>

#include "dataplane/core_state.hpp"
#include "dataplane/policy.hpp"
#include "dataplane/trace.hpp"

namespace synward::control {

/// Of the synward that took the sample.
struct TraceContext {
  const std::vector<PortInfo>& ports;
  const service::ServiceTable& services;
};

/// A sentence or two, no secret in them: of a cookie that does not hold, not the one that would have.
[[nodiscard]] std::string explain(const TraceRecord& record, const TraceContext& context);

/// As RFC 9293 3.3.2 calls it; "half open" while the backend has not answered, "closed" of a tombstone.
[[nodiscard]] std::string phase_text(table::ConnectionPhase phase);

}  // namespace synward::control
