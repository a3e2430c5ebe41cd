// Which of root's powers synward needs, as capabilities(7), and giving up the others.
#pragma once

#include <set>
#include <string>

#include "config/config.hpp"
#include "control/nic_devices.hpp"

namespace synward::control {

/// By their numbers in linux/capability.h.
using Capabilities = std::set<unsigned>;

/// "cap_net_admin,cap_net_raw"; by number those that synward has no use for.
[[nodiscard]] std::string names_of(const Capabilities& capabilities);

/// What `port` asks for, whose device is resolved.
[[nodiscard]] Capabilities wanted_by(const config::Port& port, const NicDevices& devices);

/// For good: this thread, and those that it starts, have no capability any more but those that the ports and
/// files of `config` ask for, and no program that they start gets one (PR_SET_NO_NEW_PRIVS). What a restart
/// would need, a reload may not get: files whose owner is somebody else are readable as they are now. Main
/// thread, before any other, with devices resolved; `path`: the config's. Returns what is left.
Capabilities give_up_privileges(const config::Config& config, const NicDevices& devices,
                                const std::string& path);

}  // namespace synward::control
