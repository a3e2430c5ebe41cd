// `synward top` as lines of text: what goes where, and what has to go when there is no room.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "control/screen_text.hpp"
#include "control/top_history.hpp"

namespace synward::control {

struct Screen {
  std::size_t columns = 80, rows = 24;
  Look look;
  bool has_keys = false;  ///< somebody may press q, and is told so
};

/// At most `rows` lines of at most `columns`. The narrower and lower, the less of each part: first of all
/// parts comes what they say at the least, then they grow in turn; what a list has no room for is told as
/// "+ 12 more".
[[nodiscard]] std::vector<std::string> top_screen(const TopView& view, const Screen& screen);

}  // namespace synward::control
