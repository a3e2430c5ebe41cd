#include "control/privileges.hpp"

#include <algorithm>
#include <cstdlib>
#include <linux/capability.h>
#include <unistd.h>

#include <fmt/format.h>

#include "control/doctor/checks.hpp"
#include "control/memory_plan.hpp"
#include "control/mendable.hpp"
#include "control/sys_files.hpp"
#include "dataplane/core_state.hpp"

namespace synward::control::doctor {
namespace {

using Way = NicDevices::Way;

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
