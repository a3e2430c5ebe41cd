// A trial as a picture: success and latency over time, with the phases shaded.
#pragma once

#include <string>
#include <vector>

#include "bench/load/trial/record.hpp"

namespace synward::load {

/// One self-contained SVG: success of the clients of each second above, latency below. Whatever the record,
/// and whatever letters are in `title`, which is cut where there is no room.
[[nodiscard]] std::string svg_of(const Record& record, const std::string& title);

}  // namespace synward::load
