// What synward counts, in the text format of Prometheus. Names come from the labels of `synward stats --json`
// by rule, so what is in the one is in the other: a counter is synward_LABEL_total, a gauge synward_LABEL, a
// timing synward_LABEL_seconds or, in TSC cycles, synward_LABEL; drops and routes are one metric each, with
// the reason or route as a label.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace synward::control {

/// What StatsServer serves as /stats, as an exposition (text/plain; version=0.0.4). Any thread.
[[nodiscard]] std::string metrics_text(const nlohmann::json& stats);

}  // namespace synward::control
