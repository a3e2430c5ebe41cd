// A config as a tree of TOML nodes, by the names of schema.hpp: for who goes through its settings by name.
#pragma once

#include <string>

#include <toml++/toml.h>

#include "config/config.hpp"

namespace synward::config {

/// Every setting that has a value, whether the mode has a use for it or not.
[[nodiscard]] toml::table tree_of(const Config& config);

/// A value as people write it: double quotes, a list in one line.
[[nodiscard]] std::string to_text(const toml::node& value);

}  // namespace synward::config
