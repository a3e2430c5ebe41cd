#include "control/interface_lock.hpp"

#include <cerrno>
#include <stdexcept>
#include <string_view>

namespace synward::control {

InterfaceLock::InterfaceLock(const std::string& device) {
  constexpr std::string_view kMark = ",iface=";
  const auto mark = device.find(kMark);
  if (mark == std::string::npos) return;
  const auto begin = mark + kMark.size();
  const std::string interface = device.substr(begin, device.find(',', begin) - begin);
  using namespace std::string_literals;
  if (socket_.bind("\0synward/"s + interface) == EADDRINUSE)
    throw std::runtime_error("interface " + interface + " is already served by another synward");
}

}  // namespace synward::control
