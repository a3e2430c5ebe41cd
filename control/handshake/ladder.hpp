// A story as a person would draw it: two lifelines, and an arrow for each segment.
#pragma once

#include <string>

#include "control/handshake/simulation.hpp"

namespace synward::control {

struct LadderStyle {
  int columns = 80;    ///< of the terminal; fewer than 72 count as 72, more than 120 as 120
  bool color = false;  ///< ANSI escape sequences
  bool bytes = false;  ///< every frame's bytes beneath its arrow
};

[[nodiscard]] std::string draw_ladder(const Story& story, const LadderStyle& style);

}  // namespace synward::control
