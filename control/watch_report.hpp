// Which services are asked for, and by whom the most: for `synward stats`, `synward top` and metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/core_state.hpp"

namespace synward::control {

/// One object for each service, over all cores: {"name", "address" (with a prefix
/// length unless it is one address), "port", "connections", "retired" (no longer in the config, but it has
/// connections)} and the labels of kServiceCounterTable; none of those that are gone. Any thread.
[[nodiscard]] nlohmann::json services_json(const service::ServiceTable& services,
                                           const std::vector<std::unique_ptr<CoreState>>& cores);

/// By the labels of kTalkTable, at most ten {"prefix", "count"} each, the busiest first: packets of the last
/// 30 to 60 s, estimated from samples (talkers.hpp). Any thread.
[[nodiscard]] nlohmann::json talkers_json(const std::vector<std::unique_ptr<CoreState>>& cores);

/// {"connections4", "connections6"}: how many the tables of all cores can hold at the very most, of each
/// family that has a service. Any thread.
[[nodiscard]] nlohmann::json table_json(const service::ServiceTable& services,
                                        const std::vector<std::unique_ptr<CoreState>>& cores);

/// The first two as lines for people. The second is empty when nobody talks.
[[nodiscard]] std::string services_text(const nlohmann::json& services);
[[nodiscard]] std::string talkers_text(const nlohmann::json& talkers);

}  // namespace synward::control
