// What synward tells about its counters: JSON for programs, a table for people. Both come from the rows of
// drop.hpp, route.hpp and event.hpp.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/counters.hpp"

namespace synward::control {

/// {"version", "uptime_s", "cores": [{...}], "total": {...}}; each core and the total have rx, taken_over,
/// sent, forwarded, held, dropped, handed_over, originated, ..., "drops", "routes", "events" and "gauges" by
/// label, and "balances". Its caller adds "ports": PortWatch::json(), and in inline mode "backends":
/// backends_json().
[[nodiscard]] nlohmann::json stats_json(const std::vector<CounterReading>& cores, double uptime_s);

/// What `synward stats` shows of that: totals, and every drop that happened with what it means. With
/// `before`, an earlier answer of the same process, also how much each count grew per second since.
[[nodiscard]] std::string stats_text(const nlohmann::json& stats, const nlohmann::json& before = {});

}  // namespace synward::control
