#include "control/placement.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "control/memory_plan.hpp"
#include "control/ports.hpp"
#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control {
namespace {

/// Of those that the plan makes. A NIC is opened after the workers are there, so how many queues it has is
/// not known yet; what DPDK makes has as many as its arguments say.
std::size_t most_workers(const config::Config& config) {
  std::size_t most = 16;  // RSS of common 10 Gb/s NICs has no more
  for (const config::Port& port : config.ports) {
    if (!is_virtual(port)) continue;
    const std::string pairs = nic::device_argument(port.device, "qpairs");
    most = std::min<std::size_t>(most, pairs.empty() ? 1 : std::strtoul(pairs.c_str(), nullptr, 10));
  }
  return most;
}

}  // namespace

std::vector<PortNode> nodes_of(const config::Config& config, const NicDevices& devices) {
  std::vector<PortNode> nodes;
  nodes.reserve(config.ports.size());
  for (const config::Port& port : config.ports) nodes.push_back({port.name, devices.node_of(port)});
  return nodes;
}

int first_known(const std::vector<PortNode>& ports) {
  const auto known =
      std::find_if(ports.begin(), ports.end(), [](const PortNode& port) { return port.node >= 0; });
  return known == ports.end() ? -1 : known->node;
}

LcorePlan plan_lcores(const config::Config& config, const std::vector<Processor>& processors, int node,
                      const std::function<std::size_t(int)>& free_bytes_on) {
  std::vector<std::uint16_t> all = plan_workers(processors, node, most_workers(config));
  if (!free_bytes_on) return {.lcores = all, .shortage = {}};
  const auto first = std::find_if(processors.begin(), processors.end(),
                                  [&](const Processor& processor) { return processor.id == all.front(); });
  const int at =
      first->node;  // where the tables will be: on another node than the NIC, if no processor is on its
  const std::size_t free_bytes = free_bytes_on(at), each = worker_bytes(config);
  std::vector<std::uint16_t> some = plan_workers(processors, node, std::min(all.size(), free_bytes / each));
  if (some.size() == all.size()) return {.lcores = all, .shortage = {}};
  constexpr std::size_t kMib = std::size_t{1} << 20;
  std::string shortage = fmt::format(
      "{} worker(s), not {}: {} MiB of huge pages are free{}, and each takes about {}", some.size(),
      all.size(), free_bytes / kMib, at < 0 ? "" : fmt::format(" on node {}", at), each / kMib);
  return {.lcores = std::move(some), .shortage = std::move(shortage)};
}

}  // namespace synward::control
