#pragma once

#include <string>

namespace synward::config {

/// JSON Schema (draft 2020-12) of a config, for editors and other programs: it takes whatever load() takes,
/// and refuses most of what load() refuses. What no schema can say (host bits of a prefix, names that two
/// services share, what is on the machine) is left to load().
[[nodiscard]] std::string json_schema();

}  // namespace synward::config
