// One synward for one kernel interface: the kernel gives every frame to all who listen, so a second would
// answer each SYN again.
#pragma once

#include <string>

#include "control/unix_socket.hpp"

namespace synward::control {

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
