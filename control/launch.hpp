#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/kernels.hpp"

namespace synward::control {

/// What the command line of `run` says beside the config.
struct RunOptions {
  std::string isa = kAutoIsa;  ///< one of isa_choices()
  std::vector<std::string> eal_arguments;
};

/// Main thread. Starts everything, serves until SIGINT or SIGTERM comes or its terminal goes, stops cleanly
/// and prints a summary. Any other SIGHUP has it read `path`, from which `config` is, anew. Throws
/// std::runtime_error, one sentence, when the machine does not let it start. A second signal ends the process
/// at once.
void run(const std::string& path, const config::Config& config, const RunOptions& options);

}  // namespace synward::control
