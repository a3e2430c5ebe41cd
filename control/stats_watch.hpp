// `synward stats --watch`: the same table again and again, with what changed.
#pragma once

#include <string>

namespace synward::control {

/// Prints what the synward at `socket` has counted, and its rates, once a second: in place on a terminal, one
/// table below the other elsewhere. Main thread, before any other. Returns on SIGINT or SIGTERM; throws
/// std::runtime_error when synward does not answer, or no longer does.
void watch_stats(const std::string& socket);

}  // namespace synward::control
