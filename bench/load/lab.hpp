// The whole demo in one process, for people without root: synward's worker at one end of two in-process
// rings, a flood and clients in memory at the other. The worker, its loop and its pipeline are those of
// `synward run`; only the port is net_ring.
#pragma once

#include <optional>

#include "dataplane/wire/net_types.hpp"

namespace synward::load {

struct LabSettings {
  double flood_rate = 0, client_rate = 0;  ///< per second, both families together
  double seconds = 0;
  double patience_s = 3, stay_s = 0;
  std::optional<wire::Port> client_port;  ///< where clients connect, when not to the services
};

/// Main thread, once in a process: DPDK starts and ends in it. Shows the demo; the exit code is show()'s.
/// Throws std::runtime_error, one sentence.
[[nodiscard]] int run_lab(const LabSettings& settings);

}  // namespace synward::load
