// What a trial would send, without sending it.
#pragma once

#include <cstddef>
#include <string>

#include "bench/load/trial/plan.hpp"

namespace synward::load {

inline constexpr std::size_t kDryRunFrames = 64;

/// Writes the first kDryRunFrames of the attack, and of the clients' SYNs meanwhile, to `path` (pcapng, with
/// a comment for each); returns how many there are. Where the plan names no MAC address, they are for one
/// that nobody has. Throws std::runtime_error, one sentence.
[[nodiscard]] std::size_t write_dry_run(const TrialPlan& plan, const std::string& path);

}  // namespace synward::load
