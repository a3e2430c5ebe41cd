// Which packets are to be traced, as people say it, and as a query of the control socket's HTTP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/service/service_table.hpp"
#include "dataplane/trace.hpp"

namespace synward::control {

/// As `synward trace` takes it.
struct TraceWanted {
  std::string service;               ///< by name; empty: any
  std::string client;                ///< an address or a prefix; empty: any
  std::vector<std::string> reasons;  ///< labels of drop.hpp, or of a verdict in route.hpp; none: whatever
};

/// "service=web&reason=bad_cookie&...", and back; a key that it does not know is an error. Throws
/// std::invalid_argument, one sentence.
[[nodiscard]] std::string to_query(const TraceWanted& wanted);
[[nodiscard]] TraceWanted from_query(std::string_view query);

/// Throws std::invalid_argument, one sentence that names what there is, when there is no such service or
/// reason, or this is no prefix.
[[nodiscard]] TraceFilter filter_of(const TraceWanted& wanted, const service::ServiceTable& services);

/// What a reason may be: for the command line's help.
[[nodiscard]] std::vector<std::string_view> trace_reasons();

}  // namespace synward::control
