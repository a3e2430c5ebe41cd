#include <algorithm>
#include <cstdlib>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/doctor/checks.hpp"
#include "control/doctor/kernel_arguments.hpp"
#include "control/eal.hpp"
#include "control/memory_plan.hpp"
#include "control/ports.hpp"
#include "control/sys_files.hpp"

namespace synward::control::doctor {
namespace {

constexpr std::size_t kKib = 1024, kMib = kKib * 1024, kGib = kMib * 1024;
constexpr const char* kHugePages = "huge pages";

std::string size_text(std::size_t bytes) {
  if (bytes % kGib == 0) return fmt::format("{} GiB", bytes / kGib);
  return bytes % kMib == 0 ? fmt::format("{} MiB", bytes / kMib) : fmt::format("{} KiB", bytes / kKib);
}

std::size_t pages_of(std::size_t bytes, std::size_t page_bytes) {
  return (bytes + page_bytes - 1) / page_bytes;
}

/// The huge pages of one node, or of the machine, against `needed` bytes.
class Node {
 public:
  Node(int node, std::size_t needed, const std::filesystem::path& root)
      : node_{node}, needed_{needed}, sizes_{huge_pages(node, root)} {
    for (const HugePages& size : sizes_) free_ += size.free * size.page_bytes;
  }

  [[nodiscard]] bool is_enough() const { return free_ >= needed_; }
  /// "96 free of 2 MiB on node 0, 96 needed"
  [[nodiscard]] std::string text(const char* needed_for) const {
    std::vector<std::string> shown;
    const HugePages* only = &sizes_.front();
    for (const HugePages& size : sizes_) {
      if (size.reserved == 0 && &size != &sizes_.front()) continue;
      shown.push_back(fmt::format("{} free of {}", size.free, size_text(size.page_bytes)));
    }
    const std::string needed = shown.size() == 1 ? std::to_string(pages_of(needed_, only->page_bytes))
                                                 : fmt::format("{} MiB", pages_of(needed_, kMib));
    return fmt::format("{}{}, {} {}", fmt::join(shown, " and "),
                       node_ < 0 ? "" : fmt::format(" on node {}", node_), needed, needed_for);
  }
  /// So many more that it is enough, of the smallest size.
  [[nodiscard]] std::string reserve_command() const {
    const HugePages& size = sizes_.front();
    const std::size_t missing = is_enough() ? 0 : needed_ - free_;
    return fmt::format("echo {} > {}", size.reserved + pages_of(missing, size.page_bytes),
                       (size.folder / "nr_hugepages").string());
  }
  [[nodiscard]] bool has_sizes() const { return !sizes_.empty(); }

 private:
  int node_;
  std::size_t needed_, free_ = 0;
  std::vector<HugePages> sizes_;
};

/// What the workers take on each node, where their tables are.
std::vector<Node> nodes_of_workers(const Subject& subject) {
  std::map<int, std::size_t> workers;
  for (const auto lcore : subject.config.lcores) {
    const auto at = std::find_if(subject.processors.begin(), subject.processors.end(),
                                 [&](const Processor& processor) { return processor.id == lcore; });
    ++workers[at == subject.processors.end() ? -1 : at->node];
    if (subject.is_general) break;  // any number works
  }
  std::vector<Node> nodes;
  nodes.reserve(workers.size());
  for (const auto& [node, count] : workers)
    nodes.emplace_back(node, worker_bytes(subject.config) * count, subject.root);
  std::erase_if(nodes, [](const Node& node) { return !node.has_sizes(); });
  return nodes;
}

/// The node where there is no room for all the workers that there would be use for.
Finding too_few_workers(const Subject& subject) {
  const auto first =
      std::find_if(subject.processors.begin(), subject.processors.end(),
                   [&](const auto& processor) { return processor.id == subject.config.lcores.front(); });
  const Node node{first->node, worker_bytes(subject.config) * subject.wanted_workers, subject.root};
  return {"workers", State::kWarn, subject.shortage, node.reserve_command()};
}

const char* needed_for(const Subject& subject) { return subject.is_general ? "for each worker" : "needed"; }

/// What is used where no huge pages are free.
Finding ordinary_memory(const Subject& subject) {
  const std::size_t needed = ordinary_memory_mib(subject.config);
  const std::string available = value_of(subject.root / "proc/meminfo", "MemAvailable:");
  const std::size_t mib = std::strtoul(available.c_str(), nullptr, 10) / kKib;
  if (mib >= needed)
    return {"ordinary memory", State::kOk, fmt::format("{} MiB available, {} needed", mib, needed), ""};
  return {"ordinary memory", State::kFail,
          fmt::format("{} MiB available, {} needed: configure fewer connections_per_core, or fewer lcores",
                      mib, needed),
          ""};
}

Findings without_huge_pages(const Subject& subject, const std::vector<Node>& nodes) {
  Findings findings;
  const std::string command = nodes.empty() ? "" : nodes.front().reserve_command();
  try {
    subject.devices.check_memory(subject.config, false);
    findings.push_back({kHugePages, State::kWarn,
                        nodes.empty() ? "this kernel has none, so ordinary memory is used, which is slower"
                                      : nodes.front().text(needed_for(subject)) +
                                            ": ordinary memory is used, which is slower",
                        command});
  } catch (const std::runtime_error& error) {
    findings.push_back(finding_of(kHugePages, State::kFail, error));
    if (!command.empty()) findings.back().command = command;
  }
  findings.push_back(ordinary_memory(subject));
  return findings;
}

}  // namespace

Findings check_memory(const Subject& subject) {
  const std::vector<Node> nodes = nodes_of_workers(subject);
  if (subject.running) {
    std::vector<std::string> free;
    for (const HugePages& size : huge_pages(-1, subject.root)) {
      if (size.reserved != 0) free.push_back(fmt::format("{} of {}", size.free, size_text(size.page_bytes)));
    }
    return {{kHugePages, State::kOk,
             free.empty() ? "none, and a synward runs: on ordinary memory, which is slower"
                          : fmt::format("a synward runs and has what it needs; beside it {} are free",
                                        fmt::join(free, " and ")),
             ""}};
  }
  if (free_huge_page_bytes(-1, subject.root) == 0) return without_huge_pages(subject, nodes);
  Findings findings;
  for (const Node& node : nodes) {
    findings.push_back({kHugePages, node.is_enough() ? State::kOk : State::kFail,
                        node.text(needed_for(subject)), node.is_enough() ? "" : node.reserve_command()});
  }
  if (!subject.shortage.empty()) findings.push_back(too_few_workers(subject));
  return findings;
}

Findings check_iommu(const Subject& subject) {
  using Way = NicDevices::Way;
  const auto& ports = subject.config.ports;
  const auto some = [&](Way way) {
    return std::any_of(ports.begin(), ports.end(), [&](const config::Port& port) {
      return !is_virtual(port) && subject.devices.way_of(port) == way;
    });
  };
  const bool has_nic = subject.is_general ? !subject.devices.all().empty()
                                          : !std::all_of(ports.begin(), ports.end(), is_virtual);
  if (!has_nic) return {};
  if (const std::size_t groups = subject.devices.iommu_groups(); groups != 0)
    return {{"IOMMU", State::kOk, fmt::format("on, {} groups", groups), ""}};
  if (!some(Way::kIommu) && !some(Way::kNone))
    return {{"IOMMU", State::kOk,
             some(Way::kAddresses) ? "off; the NIC may write anywhere in memory, as under any kernel driver"
                                   : "off, and not needed: the kernel's driver stays",
             ""}};
  return {
      {"IOMMU", some(Way::kIommu) ? State::kFail : State::kWarn,
       "off, and vfio-pci wants one: switch on VT-d or AMD-Vi in the BIOS, tell the kernel, and reboot (a "
       "virtual machine may have none: bind to uio_pci_generic instead)",
       add_kernel_arguments("synward-iommu", "intel_iommu=on iommu=pt")}};
}

}  // namespace synward::control::doctor
