#pragma once

#include <string>

#include "config/config.hpp"

namespace synward::config {

/// The effective config as TOML, every default written out; what has none and is not set is left out, and so
/// is what the mode has no use for.
[[nodiscard]] std::string to_toml(const Config& config);

}  // namespace synward::config
