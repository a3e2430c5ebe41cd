// Files that an operator names.
#pragma once

#include <string>

namespace synward::config {

struct TextFile {
  std::string text;   ///< all of it
  std::string error;  ///< one line that begins with the path; empty: none
};

/// Control thread. A regular file, to its end: a pipe might block, and half a file is none.
[[nodiscard]] TextFile read_text_file(const std::string& path);

}  // namespace synward::config
