#include "control/nic_devices.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/mendable.hpp"
#include "control/sys_files.hpp"
#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control {
namespace {

namespace fs = std::filesystem;

/// Kernel drivers that keep the NIC while DPDK has its queues.
constexpr std::array<std::string_view, 1> kShared{"mlx5_core"};
/// Those that hand a whole NIC to a process: by the IOMMU, and by the addresses of memory.
constexpr std::string_view kVfio = "vfio-pci";
constexpr std::array<std::string_view, 2> kUio{"uio_pci_generic", "igb_uio"};
/// Beside kVfio, what vfio lets a device of the same IOMMU group be bound to.
constexpr std::array<std::string_view, 2> kHarmless{"pcieport", "pci-stub"};
constexpr std::string_view kNetwork = "0x02";  // the class of PCI, as /sys begins it

bool has(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_mac(std::string_view name) { return name.size() == 17 && name[2] == ':' && name[5] == ':'; }
bool is_pci(std::string_view name) {
  return name.size() == 12 && name[4] == ':' && name[7] == ':' && name[10] == '.';
}

/// Of what a config calls `device`: without the arguments behind the comma.
std::string name_of(const config::Port& port) { return port.device.substr(0, port.device.find(',')); }

std::string bind_command(const std::string& pci, std::string_view driver) {
  return fmt::format("modprobe {} && driverctl set-override {} {}", driver, pci, driver);
}

std::string how_to_bind(const std::string& pci) {
  return fmt::format(
      "give it to DPDK with \"driverctl set-override {} vfio-pci\", which lasts, or with "
      "\"dpdk-devbind.py --bind=vfio-pci {}\", which does not",
      pci, pci);
}

}  // namespace

/// Between an interface and its PCI device there may be one of another bus: virtio's, or a part of an mlx5.
std::string NicDevices::pci_of_interface(const std::string& interface) const {
  std::error_code error;
  fs::path device = fs::canonical(root_ / "sys/class/net" / interface / "device", error);
  while (!error && device.has_relative_path()) {
    if (std::string name = device.filename(); is_pci(name)) return name;
    device = device.parent_path();
  }
  return {};
}

std::vector<std::string> NicDevices::interfaces_of(const std::string& pci) const {
  std::vector<std::string> interfaces = names_in(root_ / "sys/class/net");
  std::erase_if(interfaces, [&](const std::string& name) { return pci_of_interface(name) != pci; });
  return interfaces;
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
    std::set<std::string> found;
    for (const auto& interface : names_in(interfaces)) {
      // Bonds, bridges and VLANs have the address of a NIC, too, and the NICs of a bond that of each other.
      if (first_line(interfaces / interface / "address") == name) found.insert(pci_of_interface(interface));
    }
    found.erase("");
    if (found.size() == 1) return *found.begin();
    if (!found.empty())
      throw std::runtime_error(
          fmt::format("more than one NIC has the MAC address {}: give the PCI address, one of {}", name,
                      fmt::join(found, ", ")));
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

/// The first of `interfaces` by which the default route goes, and the interface that the route names.
std::optional<NicDevices::Route> NicDevices::default_route_by(
    const std::vector<std::string>& interfaces) const {
  for (const auto& route : default_route_interfaces()) {
    for (const auto& interface : interfaces) {
      if (goes_by(route, interface)) return Route{interface, route};
    }
  }
  return {};
}

void NicDevices::refuse_default_route(const config::Port& port, std::vector<std::string> interfaces) const {
  std::erase(interfaces, port.take_default_route);
  const auto route = default_route_by(interfaces);
  if (!route) return;
  throw CarriesDefaultRoute{
      fmt::format(
          "this machine's default route goes by {}{}: with synward there you may lose the machine; use "
          "another NIC, or, if you reach it some other way, write take_default_route = \"{}\" below its "
          "device",
          route->interface,
          route->named == route->interface ? "" : fmt::format(" (through {})", route->named),
          route->interface),
      route->interface};
}

/// vfio hands over groups, not single devices. Only what is a NIC, and none that the machine needs, is one to
/// give away.
void NicDevices::check_group(const std::string& pci) const {
  const fs::path devices = root_ / "sys/bus/pci/devices";
  for (const auto& member : names_in(devices / pci / "iommu_group/devices")) {
    const std::string driver = driver_of(member);
    if (driver.empty() || driver == kVfio || has(kHarmless, driver)) continue;
    const bool spare = first_line(devices / member / "class").starts_with(kNetwork) &&
                       !default_route_by(interfaces_of(member));
    std::string problem = fmt::format(
        "it shares its IOMMU group with {}, which the kernel's {} has, and vfio hands over only whole groups",
        called(member), driver);
    if (spare) throw Mendable{std::move(problem), how_to_bind(member), bind_command(member, kVfio)};
    throw std::runtime_error(problem + ": move the NIC to another slot, or take another");
  }
}

void NicDevices::check_driver(const std::string& pci) const {
  const std::string driver = driver_of(pci);
  if (driver == kVfio) return check_group(pci);
  if (has(kUio, driver) || has(kShared, driver)) return;
  const bool has_iommu = fs::exists(root_ / "sys/bus/pci/devices" / pci / "iommu_group");
  throw Mendable{
      fmt::format("{} is {}", called(pci),
                  driver.empty() ? "bound to no driver" : fmt::format("driven by the kernel's {}", driver)),
      how_to_bind(pci) + (has_iommu ? ""
                                    : "; vfio-pci wants an IOMMU, and this machine shows none: switch it on "
                                      "in the BIOS and boot with intel_iommu=on, or "
                                      "bind to uio_pci_generic instead"),
      bind_command(pci, has_iommu ? kVfio : kUio.front())};
}

std::string NicDevices::find(const config::Port& port) const {
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
}

std::string NicDevices::resolve(const config::Port& port) const {
  try {
    return find(port);
  } catch (const Mendable& error) {
    throw error.of(fmt::format("port \"{}\"", port.name));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("port \"{}\": {}", port.name, error.what()));
  }
}

void NicDevices::check_memory(const config::Config& config, bool huge_pages) const {
  for (const auto& port : config.ports) {
    if (huge_pages || way_of(port) != Way::kAddresses) continue;
    const std::string command = "dpdk-hugepages.py --setup 1G";
    throw Mendable{
        fmt::format(
            "port \"{}\": {} works by the addresses of memory, which only huge pages have, and none are free",
            port.name, driver_of(name_of(port))),
        fmt::format("\"{}\" reserves some", command), command};
  }
}

int NicDevices::node_of(const config::Port& port) const {
  const std::string name = name_of(port);
  if (!is_pci(name)) return -1;
  const std::string node = first_line(root_ / "sys/bus/pci/devices" / name / "numa_node");
  return node.empty() ? -1 : static_cast<int>(std::strtol(node.c_str(), nullptr, 10));
}

NicDevices::Way NicDevices::way_of(const config::Port& port) const {
  const std::string name = name_of(port);
  const std::string driver = is_pci(name) ? driver_of(name) : "";
  if (driver == kVfio) return Way::kIommu;
  if (has(kUio, driver)) return Way::kAddresses;
  return has(kShared, driver) ? Way::kShared : Way::kNone;
}

std::string NicDevices::describe(const config::Port& port) const {
  const std::string name = name_of(port);
  const std::string driver = driver_of(name);
  const int node = node_of(port);
  return fmt::format("{}, {}{}", called(name), driver.empty() ? "no driver" : "driver " + driver,
                     node < 0 ? "" : fmt::format(", node {}", node));
}

std::string NicDevices::interface_of(const config::Port& port) const {
  const std::string name = name_of(port);
  if (!is_pci(name)) return nic::device_argument(port.device, "iface");
  const auto interfaces = interfaces_of(name);
  return interfaces.empty() ? "" : interfaces.front();
}

std::string NicDevices::iommu_group_of(const config::Port& port) const {
  return target(root_ / "sys/bus/pci/devices" / name_of(port) / "iommu_group");
}

std::vector<std::string> NicDevices::all() const {
  const fs::path devices = root_ / "sys/bus/pci/devices";
  std::vector<std::string> nics = names_in(devices);
  std::erase_if(nics,
                [&](const auto& pci) { return !first_line(devices / pci / "class").starts_with(kNetwork); });
  return nics;
}

std::size_t NicDevices::iommu_groups() const {
  const fs::path groups = root_ / "sys/kernel/iommu_groups";
  std::vector<std::string> found = names_in(groups);
  std::erase_if(found,
                [&](const auto& group) { return first_line(groups / group / "name") == "vfio-noiommu"; });
  return found.size();
}

void check_distinct(const config::Config& config) {
  if (config.ports.size() == 2 && name_of(config.ports[0]) == name_of(config.ports[1]))
    throw std::runtime_error(
        fmt::format("both ports are {}: each wants a NIC of its own", name_of(config.ports[0])));
}

config::Config with_devices(config::Config config, const NicDevices& devices) {
  for (auto& port : config.ports) port.device = devices.resolve(port);
  check_distinct(config);
  return config;
}

}  // namespace synward::control
