// A trial from its plan to its report: what `synward-load --target ... --flood ... --clients ...` does.
#pragma once

#include <string>
#include <vector>

#include "bench/load/trial/plan.hpp"

namespace synward::load {

struct TrialOutput {
  std::string json, plot;               ///< files; empty: none. json "-": standard output, in place of text
  std::vector<std::string> assertions;  ///< as Assertion::parse() takes them
};

/// Main thread, once in a process: DPDK starts and ends in it, with `eal` beside arguments of its own. Shows
/// a line for each second, then the report. The exit code: 0 done and every assertion holds, 1 one does not,
/// 130 interrupted by SIGINT or SIGTERM, after the report of what there was. Throws std::runtime_error or
/// std::invalid_argument, one sentence; and the latter before anything is sent.
[[nodiscard]] int run_trial(const TrialPlan& plan, const TrialOutput& output,
                            const std::vector<std::string>& eal);

}  // namespace synward::load
