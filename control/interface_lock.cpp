#include "control/interface_lock.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>

#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control {

namespace {
const std::string kPrefix = "synward/";
}  // namespace

std::string served_elsewhere(const std::string& interface) {
  return "interface " + interface + " is already served by another synward";
}

bool is_served(const std::string& interface, const std::filesystem::path& root) {
  const std::string name = " @" + kPrefix + interface;  // proc(5): the zero byte is shown as @
  std::ifstream sockets{root / "proc/net/unix"};
  for (std::string line; std::getline(sockets, line);) {
    if (line.ends_with(name)) return true;
  }
  return false;
}

InterfaceLock::InterfaceLock(const std::string& device) {
  const std::string interface = nic::device_argument(device, "iface");
  if (interface.empty()) return;
  if (socket_.bind('\0' + kPrefix + interface) == EADDRINUSE)
    throw std::runtime_error(served_elsewhere(interface));
}

}  // namespace synward::control
