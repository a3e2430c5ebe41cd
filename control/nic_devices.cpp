#include "control/nic_devices.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control {
namespace {

namespace fs = std::filesystem;

/// Kernel drivers that keep the NIC while DPDK has its queues.
constexpr std::array<std::string_view, 3> kShared{"mlx4_core", "mlx5_core", "mana"};
/// Those that hand a whole NIC to a process.
constexpr std::array<std::string_view, 3> kHandedOver{"vfio-pci", "uio_pci_generic", "igb_uio"};

bool has(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_mac(std::string_view name) { return name.size() == 17 && name[2] == ':' && name[5] == ':'; }
bool is_pci(std::string_view name) { return name.size() == 12 && name[4] == ':'; }

std::string first_line(const fs::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

/// Nothing where it is not there.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder, error}) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// What the link leads to, by its last name; nothing where there is none.
std::string target(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename();
}

std::string how_to_bind(const std::string& pci) {
  return fmt::format(
      "give it to DPDK with \"driverctl set-override {} vfio-pci\", which lasts, or with "
      "\"dpdk-devbind.py --bind=vfio-pci {}\", which does not",
      pci, pci);
}

}  // namespace

std::string NicDevices::pci_of_interface(const std::string& interface) const {
  std::string pci = target(root_ / "sys/class/net" / interface / "device");
  return is_pci(pci) ? pci : "";
}

std::vector<std::string> NicDevices::interfaces_of(const std::string& pci) const {
  return names_in(root_ / "sys/bus/pci/devices" / pci / "net");
}

std::string NicDevices::driver_of(const std::string& pci) const {
  return target(root_ / "sys/bus/pci/devices" / pci / "driver");
}

/// With the names that the kernel has for it.
std::string NicDevices::called(const std::string& pci) const {
  const auto interfaces = interfaces_of(pci);
  return interfaces.empty() ? pci : fmt::format("{} ({})", pci, fmt::join(interfaces, ", "));
}

/// Of a NIC by any of its names.
std::string NicDevices::pci_address(const std::string& name) const {
  const fs::path interfaces = root_ / "sys/class/net";
  if (is_pci(name)) {
    if (fs::exists(root_ / "sys/bus/pci/devices" / name)) return name;
    throw std::runtime_error(fmt::format(
        "there is no PCI device {}; \"dpdk-devbind.py --status-dev net\" lists the NICs there are", name));
  }
  if (is_mac(name)) {
    for (const auto& interface : names_in(interfaces)) {
      // Bonds, bridges and VLANs have the address of a NIC, too.
      std::string pci = pci_of_interface(interface);
      if (!pci.empty() && first_line(interfaces / interface / "address") == name) return pci;
    }
    throw std::runtime_error(fmt::format(
        "no NIC of the kernel has the MAC address {}; of one that is bound to vfio-pci it knows none: "
        "give its PCI address",
        name));
  }
  if (!fs::exists(interfaces / name)) {
    throw std::runtime_error(fmt::format(
        "there is no interface \"{}\"; a NIC that is bound to vfio-pci has none: give its PCI address; "
        "a device that DPDK makes begins with net_",
        name));
  }
  std::string pci = pci_of_interface(name);
  if (pci.empty())
    throw std::runtime_error(fmt::format(
        "interface \"{}\" is no PCI device; to use it through the kernel, write \"net_af_packet0,iface={}\"",
        name, name));
  return pci;
}

/// Interfaces with a route to everywhere, of either family.
std::vector<std::string> NicDevices::default_route_interfaces() const {
  std::vector<std::string> found;
  constexpr unsigned kUp = 0x1, kReject = 0x200;  // RTF_* of linux/route.h
  std::ifstream ipv4{root_ / "proc/net/route"}, ipv6{root_ / "proc/net/ipv6_route"};
  const auto flags_of = [](const std::string& hex) { return std::stoul("0" + hex, nullptr, 16); };
  for (std::string line; std::getline(ipv4, line);) {
    std::istringstream words{line};
    std::string interface, destination, gateway, flags, references, use, metric, mask;
    words >> interface >> destination >> gateway >> flags >> references >> use >> metric >> mask;
    if (destination == "00000000" && mask == "00000000" && (flags_of(flags) & kUp) != 0)
      found.push_back(interface);
  }
  for (std::string line; std::getline(ipv6, line);) {
    std::istringstream words{line};
    std::array<std::string, 10> column;
    for (auto& word : column) words >> word;
    const bool everywhere = column[0] == std::string(32, '0') && column[1] == "00";
    const auto flags = flags_of(column[8]);
    if (everywhere && (flags & kUp) != 0 && (flags & kReject) == 0) found.push_back(column[9]);
  }
  return found;
}

/// Whether what `upper` sends leaves by `interface`: a VLAN, a bridge or a bond over it does.
bool NicDevices::goes_by(const std::string& upper, const std::string& interface) const {
  if (upper == interface) return true;
  constexpr std::string_view kLower = "lower_";
  for (const auto& name : names_in(root_ / "sys/class/net" / upper)) {
    if (name.starts_with(kLower) && goes_by(name.substr(kLower.size()), interface)) return true;
  }
  return false;
}

void NicDevices::refuse_default_route(const config::Port& port,
                                      const std::vector<std::string>& interfaces) const {
  for (const auto& route : default_route_interfaces()) {
    for (const auto& interface : interfaces) {
      if (!goes_by(route, interface) || port.take_default_route == interface) continue;
      throw std::runtime_error(
          fmt::format("this machine's default route goes by {}{}: with synward there you may lose the "
                      "machine; use another "
                      "NIC, or, if you reach it some other way, "
                      "write take_default_route = \"{}\" below its device",
                      interface, route == interface ? "" : fmt::format(" (through {})", route), interface));
    }
  }
}

/// vfio hands over groups, not single devices.
void NicDevices::check_group(const std::string& pci) const {
  for (const auto& member : names_in(root_ / "sys/bus/pci/devices" / pci / "iommu_group/devices")) {
    const std::string driver = driver_of(member);
    if (driver.empty() || driver == "vfio-pci" || driver == "pcieport") continue;
    throw std::runtime_error(fmt::format(
        "it shares its IOMMU group with {}, which the kernel's {} has; vfio hands over only whole groups: {}",
        called(member), driver, how_to_bind(member)));
  }
}

void NicDevices::check_driver(const std::string& pci) const {
  const std::string driver = driver_of(pci);
  if (driver == "vfio-pci") return check_group(pci);
  if (has(kHandedOver, driver) || has(kShared, driver)) return;
  const bool has_iommu = fs::exists(root_ / "sys/bus/pci/devices" / pci / "iommu_group");
  throw std::runtime_error(
      fmt::format("{} is {}: {}{}", called(pci),
                  driver.empty() ? "bound to no driver" : fmt::format("driven by the kernel's {}", driver),
                  how_to_bind(pci),
                  has_iommu ? ""
                            : "; vfio-pci wants an IOMMU, and this machine shows none: switch it on in the "
                              "BIOS and boot with intel_iommu=on, or "
                              "bind to uio_pci_generic instead"));
}

std::string NicDevices::resolve(const config::Port& port) const {
  try {
    if (port.device.starts_with("net_")) {
      const std::string interface = nic::device_argument(port.device, "iface");
      if (!port.device.starts_with("net_tap") && !interface.empty()) refuse_default_route(port, {interface});
      return port.device;
    }
    const auto comma = std::min(port.device.find(','), port.device.size());
    const std::string pci = pci_address(port.device.substr(0, comma));
    refuse_default_route(port, interfaces_of(pci));
    check_driver(pci);
    return pci + port.device.substr(comma);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("port \"{}\": {}", port.name, error.what()));
  }
}

int NicDevices::node_of(const config::Config& config) const {
  for (const auto& port : config.ports) {
    const std::string name = port.device.substr(0, port.device.find(','));
    if (!is_pci(name)) continue;
    const std::string node = first_line(root_ / "sys/bus/pci/devices" / name / "numa_node");
    return node.empty() ? -1 : static_cast<int>(std::strtol(node.c_str(), nullptr, 10));
  }
  return -1;
}

config::Config with_devices(config::Config config, const NicDevices& devices) {
  for (auto& port : config.ports) port.device = devices.resolve(port);
  const auto name = [](const config::Port& port) { return port.device.substr(0, port.device.find(',')); };
  if (config.ports.size() == 2 && name(config.ports[0]) == name(config.ports[1]))
    throw std::runtime_error(
        fmt::format("both ports are {}: each wants a NIC of its own", name(config.ports[0])));
  return config;
}

}  // namespace synward::control
