#include "control/processors.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace synward::control {
namespace {

/// "0-2,5" -> {0, 1, 2, 5}; as the kernel writes them, so it is not checked.
std::set<std::uint16_t> numbers_in(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::set<std::uint16_t> numbers;
  unsigned first = 0;
  while (in >> first) {
    unsigned last = first;
    if (in.peek() == '-') in.ignore() >> last;
    for (unsigned number = first; number <= last; ++number)
      numbers.insert(static_cast<std::uint16_t>(number));
    if (in.peek() == ',') in.ignore();
  }
  return numbers;
}

std::set<std::uint16_t> affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::set<std::uint16_t> processors;
  for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) processors.insert(cpu);
  }
  return processors;
}

/// Those of `processors` that a thread of this process may run on: tried by one that then ends.
std::set<std::uint16_t> reachable(const std::set<std::uint16_t>& processors) {
  std::set<std::uint16_t> may;
  std::thread{[&] {
    for (const auto cpu : processors) {
      cpu_set_t set;
      CPU_ZERO(&set);
      if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
      if (sched_setaffinity(0, sizeof set, &set) == 0) may.insert(cpu);
    }
  }}.join();
  return may;
}

int node_of(const std::filesystem::path& processor) {
  std::error_code error;
  constexpr std::string_view kNode = "node";
  for (const auto& entry : std::filesystem::directory_iterator{processor, error}) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kNode) && name.size() > kNode.size())
      return static_cast<int>(std::strtol(name.c_str() + kNode.size(), nullptr, 10));
  }
  return -1;
}

const Processor* find(const std::vector<Processor>& usable, std::uint16_t id) {
  const auto found =
      std::find_if(usable.begin(), usable.end(), [id](const Processor& p) { return p.id == id; });
  return found == usable.end() ? nullptr : &*found;
}

std::uint16_t core_of(const std::vector<Processor>& usable, std::uint16_t id) {
  const Processor* found = find(usable, id);
  return found == nullptr ? id : found->core;
}

}  // namespace

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

std::vector<Processor> usable_processors(const std::filesystem::path& root) {
  const std::filesystem::path folder = root / "sys/devices/system/cpu";
  const std::set<std::uint16_t> isolated = numbers_in(folder / "isolated");
  std::set<std::uint16_t> ids = affinity(), rest = numbers_in(folder / "online");
  for (const auto id : isolated) rest.erase(id);
  if (ids == rest) ids.merge(reachable(isolated));  // else somebody chose
  std::vector<Processor> processors;
  processors.reserve(ids.size());
  for (const auto id : ids) {
    const auto own = folder / fmt::format("cpu{}", id);
    const auto siblings = numbers_in(own / "topology/thread_siblings_list");
    processors.push_back({.id = id,
                          .core = siblings.empty() ? id : *siblings.begin(),
                          .node = node_of(own),
                          .isolated = isolated.contains(id)});
  }
  return processors;
}

void check_processors(const std::vector<std::uint16_t>& lcores, const std::vector<Processor>& usable) {
  if (usable.empty()) return;  // more processors than a cpu_set_t holds: EAL must judge
  for (const auto lcore : lcores) {
    if (find(usable, lcore) != nullptr) continue;
    std::set<std::uint16_t> ids;
    for (const Processor& processor : usable) ids.insert(processor.id);
    throw std::runtime_error(
        fmt::format("workers.lcores names lcore {}; the processors here are {}", lcore, ranges(ids)));
  }
}

std::vector<std::uint16_t> plan_workers(const std::vector<Processor>& usable, int node, std::size_t most) {
  constexpr std::uint16_t kHighest = 126;  // lcore: EAL has 128, and the control thread is one
  std::vector<Processor> nameable;
  std::copy_if(usable.begin(), usable.end(), std::back_inserter(nameable),
               [](const Processor& p) { return p.id <= kHighest; });
  if (nameable.empty())
    throw std::runtime_error(
        "no processor from 0 to 126 is there to work on: name lcores, and pin them with --lcores");
  std::vector<Processor> candidates = nameable;
  const auto keep = [&candidates](const auto& good) {  // those that are good, if there are any
    std::vector<Processor> kept;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(kept), good);
    if (!kept.empty()) candidates = std::move(kept);
  };
  std::set<std::uint16_t> cores;
  keep([&](const Processor& p) { return cores.insert(p.core).second; });
  const bool isolated =
      std::any_of(nameable.begin(), nameable.end(), [](const Processor& p) { return p.isolated; });
  if (isolated) {
    cores.clear();
    candidates = nameable;
    keep([&](const Processor& p) { return p.isolated && cores.insert(p.core).second; });
  } else {
    keep([&](const Processor& p) { return p.core != nameable.front().core; });
  }
  keep([&](const Processor& p) { return node < 0 || p.node == node; });
  std::vector<std::uint16_t> workers;
  for (const Processor& processor : candidates) {
    if (workers.size() < std::max<std::size_t>(most, 1)) workers.push_back(processor.id);
  }
  return workers;
}

std::uint16_t plan_control(const std::vector<Processor>& usable, const std::vector<std::uint16_t>& workers) {
  const auto has_worker = [&](std::uint16_t id) {
    return std::find(workers.begin(), workers.end(), id) != workers.end();
  };
  const auto shares_core = [&](const Processor& p) {
    return std::any_of(workers.begin(), workers.end(),
                       [&](std::uint16_t worker) { return core_of(usable, worker) == p.core; });
  };
  const auto first = [&](const auto& good) { return std::find_if(usable.begin(), usable.end(), good); };
  auto found = first([&](const Processor& p) { return !shares_core(p) && !p.isolated; });
  if (found == usable.end())
    found = first([&](const Processor& p) { return !has_worker(p.id) && !p.isolated; });
  if (found == usable.end()) found = first([&](const Processor& p) { return !has_worker(p.id); });
  return found == usable.end() ? workers.front() : found->id;
}

std::vector<std::string> core_warnings(const std::vector<Processor>& usable,
                                       const std::vector<std::uint16_t>& workers, std::uint16_t control,
                                       const std::vector<PortNode>& ports) {
  std::vector<std::string> warnings;
  for (auto worker = workers.begin(); worker != workers.end(); ++worker) {
    const std::uint16_t core = core_of(usable, *worker);
    const auto other = std::find_if(std::next(worker), workers.end(),
                                    [&](std::uint16_t id) { return core_of(usable, id) == core; });
    if (other != workers.end())
      warnings.push_back(
          fmt::format("workers on processors {} and {} share a physical core: together they do "
                      "little more than one",
                      *worker, *other));
    if (*worker == control) {
      warnings.push_back(
          fmt::format("the control thread shares processor {} with a worker, for none is left", control));
    } else if (core_of(usable, control) == core) {
      warnings.push_back(
          fmt::format("the control thread on processor {} shares a physical core with the worker on {}",
                      control, *worker));
    }
  }
  for (const PortNode& port : ports) {
    std::set<std::uint16_t> far;
    for (const auto worker : workers) {
      const Processor* own = find(usable, worker);
      if (own != nullptr && port.node >= 0 && own->node >= 0 && own->node != port.node) far.insert(worker);
    }
    if (!far.empty())
      warnings.push_back(
          fmt::format("port {} is on node {}, worker(s) on processor {} are not: each of its packets "
                      "goes from one node to another; give both NICs and all workers one node",
                      port.name, port.node, ranges(far)));
  }
  return warnings;
}

}  // namespace synward::control
