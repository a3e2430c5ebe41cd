// What synward knows of the backends, for `synward stats`.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "dataplane/proxy/backend_profiles.hpp"

namespace synward::control {

/// One object for each backend that ever answered: {"address", "port", "down", "handshakes", "refusals",
/// "silences"} and, when something is promised on its behalf at that moment, "promise": {"mss", "window",
/// "window_scale" (null: none), "sack", "timestamps", "ecn"}. `wall_ms` since 1970, `mono_ms` of the workers'
/// clock.
[[nodiscard]] nlohmann::json backends_json(const proxy::BackendProfiles& profiles, std::uint64_t wall_ms,
                                           std::uint64_t mono_ms);

/// Of one of them "198.18.0.10:443" or "[2001:2::10]:443".
[[nodiscard]] std::string backend_place(const nlohmann::json& backend);

/// The same as lines for people; nothing when there are none.
[[nodiscard]] std::string backends_text(const nlohmann::json& backends);

}  // namespace synward::control
