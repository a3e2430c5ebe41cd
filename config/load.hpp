#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace synward::config {

/// Either no error and a config that holds in every respect that can be checked without the machine, or every
/// error found: each one line "file:line:column: key = value: what is allowed".
struct Loaded {
  Config config;
  std::vector<std::string> errors;
};

/// Control thread.
[[nodiscard]] Loaded load(const std::string& path);
/// The same from text; `path` is what errors call it.
[[nodiscard]] Loaded parse(std::string_view text, const std::string& path);

}  // namespace synward::config
