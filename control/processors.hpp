// The processors that this process may use: EAL's own answer to a wrong one is its whole usage text.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace synward::control {

/// sched_getaffinity(2), as far as an lcore can be named after one.
[[nodiscard]] std::set<std::uint16_t> usable_processors();

/// Throws std::runtime_error, one sentence, when one of `lcores` is not in `usable`.
void check_processors(const std::vector<std::uint16_t>& lcores, const std::set<std::uint16_t>& usable);

}  // namespace synward::control
