#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/kernels.hpp"
#include "control/processors.hpp"

namespace synward::control {

/// What the command line of `run` says beside the config.
struct RunOptions {
  std::string isa = kAutoIsa;  ///< one of isa_choices()
  std::vector<std::string> eal_arguments;
};

/// EAL's arguments for `config`: lcores with a core for the control thread, memory with or without huge
/// pages, of PCI devices none but those that the config names. What `extra` sets by itself (after -- on the
/// command line) is left to it.
[[nodiscard]] std::vector<std::string> eal_arguments(const config::Config& config,
                                                     const std::vector<std::string>& extra, bool huge_pages);

/// Where the workers run when `config` says "auto": as many as there is use for on `node` (negative:
/// anywhere), of `processors`, and room for in the huge pages of their own node, of which `free_bytes_on`
/// says how many bytes are free (empty: ordinary memory is used); one at least.
[[nodiscard]] std::vector<std::uint16_t> plan_lcores(const config::Config& config,
                                                     const std::vector<Processor>& processors, int node,
                                                     const std::function<std::size_t(int)>& free_bytes_on);

/// Main thread. Starts everything, serves until SIGINT, SIGTERM or SIGHUP, stops cleanly and prints a
/// summary. Throws std::runtime_error, one sentence, when the machine does not let it start. A second signal
/// ends the process at once.
void run(const config::Config& config, const RunOptions& options);

}  // namespace synward::control
