#include "control/processors.hpp"

#include <sched.h>
#include <stdexcept>
#include <string>

namespace synward::control {
namespace {

/// {0, 1, 2, 5} -> "0-2,5"
std::string ranges(const std::set<std::uint16_t>& numbers) {
  std::string text;
  for (auto at = numbers.begin(); at != numbers.end();) {
    const unsigned first = *at;
    unsigned last = first;
    while (++at != numbers.end() && *at == last + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

}  // namespace

std::set<std::uint16_t> usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::set<std::uint16_t> usable;
  for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) usable.insert(cpu);
  }
  return usable;
}

void check_processors(const std::vector<std::uint16_t>& lcores, const std::set<std::uint16_t>& usable) {
  if (usable.empty()) return;  // more processors than a cpu_set_t holds: EAL must judge
  for (const auto lcore : lcores) {
    if (usable.contains(lcore)) continue;
    throw std::runtime_error("workers.lcores names lcore " + std::to_string(lcore) +
                             "; the processors here are " + ranges(usable));
  }
}

}  // namespace synward::control
