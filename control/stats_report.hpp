// What synward tells about its counters: JSON for programs, a table for people. Both come from the rows of
// drop.hpp, route.hpp and event.hpp.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/counters.hpp"

namespace synward::control {

/// What became of frames; the labels of synward's numbers, where route.hpp has those of its lists.
struct VerdictRow {
  Route verdict;
  std::string_view label, help;
};
inline constexpr auto kVerdictTable = std::to_array<VerdictRow>({
    {Route::kSend, "sent", "frames that became their own reply"},
    {Route::kForward, "forwarded", "frames that went on: to the other port, or to the acceptor"},
    {Route::kHold, "held", "frames that had to wait for a backend's handshake"},
    {Route::kHandOver, "handed_over", "frames moved to the core that owns their flow"},
    {Route::kDrop, "dropped", "frames that ended here, each for one of these reasons:"},
});

/// {"version", "uptime_s", "cores": [{...}], "total": {...}}; each core and the total have rx, taken_over,
/// sent, forwarded, held, dropped, handed_over, originated, ..., "drops", "routes", "events" and "gauges" by
/// label, and "balances". Its caller adds "ports": PortWatch::json(), "services", "talkers", "table",
/// "draining", and in inline mode "backends": backends_json().
[[nodiscard]] nlohmann::json stats_json(const std::vector<CounterReading>& cores, double uptime_s);

/// What `synward stats` shows of that: totals, and every drop that happened with what it means. With
/// `before`, an earlier answer of the same process, also how much each count grew per second since.
[[nodiscard]] std::string stats_text(const nlohmann::json& stats, const nlohmann::json& before = {});

}  // namespace synward::control
