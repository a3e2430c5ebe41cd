// One synward for one kernel interface: the kernel gives every frame to all who listen, so a second would
// answer each SYN again.
#pragma once

#include <filesystem>
#include <string>

#include "control/unix_socket.hpp"

namespace synward::control {

/// Why there is no InterfaceLock to be had for `interface` while another process has it.
[[nodiscard]] std::string served_elsewhere(const std::string& interface);
/// Whether one is held, in this network namespace; takes none. `root`: where proc/ is.
[[nodiscard]] bool is_served(const std::string& interface, const std::filesystem::path& root = "/");

/// Holds the kernel interface that a device string names with iface=, if it names one, until it is destroyed
/// or the process ends, however it ends. It is an abstract unix socket, which lives in the network namespace
/// that the interface lives in and leaves no file.
class InterfaceLock {
 public:
  /// Throws std::runtime_error, one sentence, when another process holds it.
  explicit InterfaceLock(const std::string& device);

 private:
  UnixSocket socket_;
};

}  // namespace synward::control
