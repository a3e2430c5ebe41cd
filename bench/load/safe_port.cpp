#include "bench/load/safe_port.hpp"

#include <stdexcept>

#include "control/nic_devices.hpp"

namespace synward::load {

config::Port safe_port(const std::string& device) {
  config::Port port{.name = "load", .device = device};
  try {
    port.device = control::NicDevices{}.find(port);
  } catch (const control::CarriesDefaultRoute& refusal) {
    throw std::runtime_error("this machine's default route goes by " + refusal.carrier() +
                             ": no load leaves there, and the machine would be lost");
  }
  return port;
}

}  // namespace synward::load
