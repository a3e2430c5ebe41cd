#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <linux/capability.h>
#include <set>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/doctor/checks.hpp"
#include "control/memory_plan.hpp"
#include "control/mendable.hpp"
#include "control/sys_files.hpp"
#include "dataplane/core_state.hpp"

namespace synward::control::doctor {
namespace {

using Way = NicDevices::Way;
using Capabilities = std::set<unsigned>;

std::string_view name_of(unsigned capability) {
  switch (capability) {
    case CAP_DAC_OVERRIDE:
      return "cap_dac_override";
    case CAP_NET_ADMIN:
      return "cap_net_admin";
    case CAP_NET_RAW:
      return "cap_net_raw";
    case CAP_IPC_LOCK:
      return "cap_ipc_lock";
    case CAP_SYS_RAWIO:
      return "cap_sys_rawio";
    case CAP_SYS_ADMIN:
      return "cap_sys_admin";
    default:
      return "cap_bpf";
  }
}

std::string names_of(const Capabilities& capabilities) {
  std::vector<std::string_view> names;
  std::transform(capabilities.begin(), capabilities.end(), std::back_inserter(names), name_of);
  return fmt::format("{}", fmt::join(names, ","));
}

/// What `port` asks for, whose device is resolved.
Capabilities wanted_by(const config::Port& port, const NicDevices& devices) {
  if (port.device.starts_with("net_af_packet") || port.device.starts_with("net_tap"))
    return {CAP_NET_ADMIN, CAP_NET_RAW};
  if (port.device.starts_with("net_af_xdp")) return {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF};
  switch (devices.way_of(port)) {
    case Way::kShared:
      return {CAP_NET_ADMIN, CAP_NET_RAW};
    case Way::kAddresses:  // of memory, from /proc/self/pagemap; and of the device, from files of root's
      return {CAP_DAC_OVERRIDE, CAP_SYS_RAWIO, CAP_SYS_ADMIN};
    case Way::kIommu:
    case Way::kNone:
      return {};
  }
  return {};
}

/// A device that the IOMMU hands over is a file; whoever may open it has it.
Findings check_groups(const Subject& subject) {
  Findings findings;
  for (const config::Port& port : subject.config.ports) {
    if (subject.devices.way_of(port) != Way::kIommu) continue;
    const auto file = subject.root / "dev/vfio" / subject.devices.iommu_group_of(port);
    if (::access(file.c_str(), R_OK | W_OK) == 0) continue;
    const bool exists = std::filesystem::exists(file);
    findings.push_back(
        {"port " + port.name + " file", State::kFail,
         fmt::format("{} {}", file.string(), exists ? "is not for this user" : "is not there"),
         exists ? fmt::format("chown {} {}", ::geteuid(), quoted(file)) : "modprobe vfio-pci"});
  }
  return findings;
}

/// Bytes that the kernel must lock: for keys, and for devices that reach memory by themselves.
struct ToLock {
  std::size_t keys, devices;
};
ToLock to_lock(const Subject& subject) {
  constexpr std::size_t kPage = 4096;
  const std::size_t workers = subject.config.lcores.size();
  const auto& ports = subject.config.ports;
  const bool reach = std::any_of(ports.begin(), ports.end(), [&](const config::Port& port) {
    const Way way = subject.devices.way_of(port);
    return way == Way::kIommu || way == Way::kShared;
  });
  return {.keys = (workers + 1) * (sizeof(CoreState) + kPage),  // one more: the file's reader
          .devices = reach ? workers * worker_bytes(subject.config) : 0};
}

}  // namespace

Findings check_privileges(const Subject& subject, const std::string& program) {
  constexpr std::size_t kKib = 1024;
  const auto own = std::strtoull(value_of(subject.root / "proc/self/status", "CapEff:").c_str(), nullptr, 16);
  const auto has = [&](unsigned capability) { return (own >> capability & 1) != 0; };
  Capabilities wanted;
  for (const config::Port& port : subject.config.ports) wanted.merge(wanted_by(port, subject.devices));
  const ToLock lock = to_lock(subject);
  const std::string limit = value_of(subject.root / "proc/self/limits", "Max locked memory");
  const bool can_lock = has(CAP_IPC_LOCK) || limit.starts_with("unlimited") ||
                        std::strtoull(limit.c_str(), nullptr, 10) >= lock.keys + lock.devices;
  if (!can_lock) wanted.insert(CAP_IPC_LOCK);
  const std::string command = fmt::format("setcap {}=ep {}", names_of(wanted), quoted(program));

  Findings findings;
  Capabilities lacking = wanted;
  lacking.erase(CAP_IPC_LOCK);
  std::erase_if(lacking, has);
  if (lacking.empty()) {
    findings.push_back({"privileges", State::kOk, "this user has all that the ports ask for", ""});
  } else {
    findings.push_back(
        {"privileges", State::kFail,
         fmt::format("the ports ask for {}, and this user lacks it: start as root, or give it to the "
                     "program",
                     names_of(lacking)),
         command});
  }
  if (can_lock) {
    findings.push_back({"locked memory", State::kOk, "as much as is needed", ""});
  } else {
    findings.push_back(
        {"locked memory", lock.devices == 0 ? State::kWarn : State::kFail,
         fmt::format("{} KiB are to be locked and the limit is {} KiB (ulimit -l): {}",
                     (lock.keys + lock.devices) / kKib, std::strtoull(limit.c_str(), nullptr, 10) / kKib,
                     lock.devices == 0 ? "keys may be swapped" : "the NIC does not get its memory"),
         command});
  }
  append(findings, check_groups(subject));
  return findings;
}

}  // namespace synward::control::doctor
