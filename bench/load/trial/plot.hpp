// A trial as a picture: success and latency over time, with the phases shaded.
#pragma once

#include <string>
#include <vector>

#include "bench/load/trial/record.hpp"

namespace synward::load {

/// One self-contained SVG.
[[nodiscard]] std::string svg_of(const Record& record, const std::string& title);

}  // namespace synward::load
