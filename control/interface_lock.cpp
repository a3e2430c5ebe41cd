#include "control/interface_lock.hpp"

#include <cerrno>
#include <stdexcept>

#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control {

InterfaceLock::InterfaceLock(const std::string& device) {
  const std::string interface = nic::device_argument(device, "iface");
  if (interface.empty()) return;
  using namespace std::string_literals;
  if (socket_.bind("\0synward/"s + interface) == EADDRINUSE)
    throw std::runtime_error("interface " + interface + " is already served by another synward");
}

}  // namespace synward::control
