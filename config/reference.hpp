#pragma once

#include <string>

namespace synward::config {

/// Every setting for people, in Markdown: config/REFERENCE.md is what this returns.
[[nodiscard]] std::string reference();

}  // namespace synward::config
