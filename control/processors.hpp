// The processors of this machine that this process may use, and which of them poll.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace synward::control {

/// A processor as Linux counts them: one hardware thread.
struct Processor {
  std::uint16_t id;
  std::uint16_t core;  ///< the first processor of its physical core; siblings have the same
  int node;            ///< of NUMA; -1: not known
  bool isolated;       ///< from the kernel's scheduler (isolcpus)
};

/// {0, 1, 2, 5} -> "0-2,5"
[[nodiscard]] std::string ranges(const std::set<std::uint16_t>& numbers);

/// In order. What sched_getaffinity(2) gives; unless somebody chose these, also the isolated ones, which it
/// leaves out, as far as this process may move there. `root`: where sys/ is.
[[nodiscard]] std::vector<Processor> usable_processors(const std::filesystem::path& root = "/");

/// Throws std::runtime_error, one sentence, when one of `lcores` is not in `usable`.
void check_processors(const std::vector<std::uint16_t>& lcores, const std::vector<Processor>& usable);

/// Where the workers run if nobody says: one on each physical core, at most `most`; on `node` if it has any
/// and is not negative; on isolated processors if there are any, else on all but the first core, which is
/// left to the control thread and the kernel. One at least. Throws std::runtime_error when none of `usable`
/// can be named as an lcore.
[[nodiscard]] std::vector<std::uint16_t> plan_workers(const std::vector<Processor>& usable, int node,
                                                      std::size_t most);

/// Where the control thread runs beside `workers`: not on their physical cores nor on an isolated processor
/// if there is another; if every processor has a worker, on the first worker's.
[[nodiscard]] std::uint16_t plan_control(const std::vector<Processor>& usable,
                                         const std::vector<std::uint16_t>& workers);

/// Where a port's device is plugged in.
struct PortNode {
  std::string name;
  int node;  ///< of NUMA; -1: not known
};

/// What is not as it should be about `workers`, a sentence each: two on one physical core, one beside the
/// control thread's, some far from one of `ports`.
[[nodiscard]] std::vector<std::string> core_warnings(const std::vector<Processor>& usable,
                                                     const std::vector<std::uint16_t>& workers,
                                                     std::uint16_t control,
                                                     const std::vector<PortNode>& ports);

}  // namespace synward::control
