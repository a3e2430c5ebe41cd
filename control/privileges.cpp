#include "control/privileges.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "control/descriptor.hpp"

namespace synward::control {
namespace {

using Way = NicDevices::Way;

/// What systemd/synward.service.in leaves it, too: interfaces, locked memory, memory of other nodes, and the
/// control socket's group.
const Capabilities kAlways{CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_SYS_NICE, CAP_CHOWN};

/// As the kernel takes them: two words of 32 for each set.
struct Sets {
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> words{};
};

__user_cap_header_struct this_thread() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

Sets read_sets() {
  Sets sets;
  auto header = this_thread();
  if (::syscall(SYS_capget, &header, sets.words.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "capget");
  return sets;
}

void write_sets(const Sets& sets) {
  auto header = this_thread();
  if (::syscall(SYS_capset, &header, sets.words.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "capset");
}

std::array<std::uint32_t, 2> bits_of(const Capabilities& capabilities) {
  std::array<std::uint32_t, 2> bits{};
  for (const unsigned capability : capabilities) bits[CAP_TO_INDEX(capability)] |= CAP_TO_MASK(capability);
  return bits;
}

/// Those of `sets` that the thread may use, no others than `kept`.
Sets with_effective(Sets sets, const Capabilities& kept) {
  const auto bits = bits_of(kept);
  for (std::size_t n = 0; n < bits.size(); ++n) sets.words[n].effective = sets.words[n].permitted & bits[n];
  return sets;
}

bool is_denied(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) != 0 && errno == EACCES;
}

/// Read by opening: faccessat() asks older kernels for what the user might do, and root might do all.
bool cannot_read(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  return file.get() < 0 && errno == EACCES;
}

/// The folder itself may have to be made: what is there of its path.
std::string folder_there(const std::filesystem::path& file) {
  std::error_code error;
  auto folder = file.parent_path();
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  return folder.empty() ? "." : folder.string();
}

/// What the files ask for of somebody with root's number and none of root's powers.
Capabilities wanted_by_files(const config::Config& config, const NicDevices& devices,
                             const std::string& path) {
  Capabilities wanted;
  std::vector<std::string> to_read{path};
  if (!config.key_file.empty()) to_read.push_back(config.key_file);
  for (const auto& file : config.drop_list.files) to_read.push_back(file.path);
  if (std::ranges::any_of(to_read, cannot_read)) wanted.insert(CAP_DAC_READ_SEARCH);
  bool overrides = is_denied(folder_there(config.control_socket), W_OK | X_OK);
  for (const config::Port& port : config.ports) {
    if (devices.way_of(port) == Way::kIommu)
      overrides = overrides || is_denied("/dev/vfio/" + devices.iommu_group_of(port), R_OK | W_OK);
  }
  if (overrides) wanted.insert(CAP_DAC_OVERRIDE);
  return wanted;
}

Capabilities permitted(const Sets& sets) {
  Capabilities found;
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if ((sets.words[CAP_TO_INDEX(capability)].permitted & CAP_TO_MASK(capability)) != 0)
      found.insert(capability);
  return found;
}

}  // namespace

std::string names_of(const Capabilities& capabilities) {
  const auto name_of = [](unsigned capability) -> std::string {
    switch (capability) {
      case CAP_CHOWN:
        return "cap_chown";
      case CAP_DAC_OVERRIDE:
        return "cap_dac_override";
      case CAP_DAC_READ_SEARCH:
        return "cap_dac_read_search";
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
      case CAP_SYS_NICE:
        return "cap_sys_nice";
      case CAP_BPF:
        return "cap_bpf";
      default:
        return std::to_string(capability);
    }
  };
  std::vector<std::string> names;
  std::ranges::transform(capabilities, std::back_inserter(names), name_of);
  return fmt::format("{}", fmt::join(names, ","));
}

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

Capabilities give_up_privileges(const config::Config& config, const NicDevices& devices,
                                const std::string& path) {
  Capabilities kept = kAlways;
  for (const config::Port& port : config.ports) {
    kept.merge(wanted_by(port, devices));
    if (port.device.starts_with("net_af_xdp")) kept.insert(CAP_SYS_ADMIN);  // to find its own program again
  }
  Sets sets = read_sets();
  const Capabilities had = permitted(sets);
  write_sets(with_effective(sets, kept));
  kept.merge(wanted_by_files(config, devices, path));
  write_sets(sets);
  // First what programs could get that it starts; without CAP_SETPCAP that stays as it is.
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if (!kept.contains(capability)) static_cast<void>(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "PR_SET_NO_NEW_PRIVS");
  sets = with_effective(sets, kept);
  for (auto& word : sets.words) {
    word.permitted = word.effective;
    word.inheritable = 0;
  }
  write_sets(sets);
  Capabilities left = permitted(read_sets());
  if (left != had)
    spdlog::info("privileges: {} capabilities given up; left are {}", had.size() - left.size(),
                 left.empty() ? "none" : names_of(left));
  return left;
}

}  // namespace synward::control
