// A file of prefixes, as operators and blocklists have them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dataplane/wire/prefix.hpp"

namespace synward::config {

/// Of all files together.
inline constexpr std::size_t kMostListed = 1'000'000;

struct DropFile {
  std::vector<wire::Prefix> prefixes;  ///< none, when there are errors
  std::vector<std::string> errors;     ///< the first few: "file:line: what is there: what is allowed"
};

/// Control thread. A line holds one address or prefix; what stands behind a ';' or a '#' is a comment, and a
/// line may hold nothing else. More than `most` addresses and prefixes are an error.
[[nodiscard]] DropFile read_drop_file(const std::string& path, std::size_t most = kMostListed);

}  // namespace synward::config
