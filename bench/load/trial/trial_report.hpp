// A trial's report, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/load/trial/summary.hpp"

namespace synward::load {

/// {"interrupted", "phases": {LABEL: {...}}, "seconds": [{...}]}: all figures of each phase, and of each
/// interval between two samples. Times that nobody measured are null.
[[nodiscard]] nlohmann::json to_json(const Record& record, const std::vector<PhaseSummary>& phases);

/// A table with a column for each phase, and whether the generator kept up in it. No line is longer than 100
/// letters.
[[nodiscard]] std::string text_of(const Record& record, const std::vector<PhaseSummary>& phases);

}  // namespace synward::load
