// Which NIC a config means, as this machine has it now, and whether DPDK can have it. Reads /sys and /proc;
// changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace synward::control {

/// The machine may be lost behind that port.
class CarriesDefaultRoute : public std::runtime_error {
 public:
  CarriesDefaultRoute(const std::string& sentence, std::string carrier)
      : std::runtime_error{sentence}, carrier_{std::move(carrier)} {}
  /// The kernel's interface.
  [[nodiscard]] const std::string& carrier() const { return carrier_; }

 private:
  std::string carrier_;
};

class NicDevices {
 public:
  /// `root`: where sys/ and proc/ are.
  explicit NicDevices(std::filesystem::path root = "/") : root_{std::move(root)} {}

  /// The device of `port` as DPDK names it: of a NIC that is named by its MAC address or by its interface the
  /// PCI address, with the arguments behind the comma; else as it stands. Throws std::runtime_error (Mendable
  /// where a command helps), one sentence that says what to do, when there is no such NIC, when the machine's
  /// default route goes by it and the port does not say that it may (CarriesDefaultRoute), or when DPDK
  /// cannot have it as it is bound.
  [[nodiscard]] std::string resolve(const config::Port& port) const;
  /// The same, for who says himself which port it is: the sentence does not.
  [[nodiscard]] std::string find(const config::Port& port) const;
  /// Throws std::runtime_error when a NIC of `config`, whose devices are resolved, wants the huge pages that
  /// there are not.
  void check_memory(const config::Config& config, bool huge_pages) const;
  /// The NUMA node of `port`, whose device is resolved; -1: not known, or it is no NIC.
  [[nodiscard]] int node_of(const config::Port& port) const;

  /// How DPDK gets at `port`, whose device is resolved.
  enum class Way : std::uint8_t {
    kNone,       ///< DPDK makes it, or the kernel has it
    kIommu,      ///< by vfio
    kAddresses,  ///< by uio, and the addresses of memory
    kShared,     ///< the kernel's driver stays
  };
  [[nodiscard]] Way way_of(const config::Port& port) const;
  /// A NIC whose device is resolved, by its names, its driver and its node.
  [[nodiscard]] std::string describe(const config::Port& port) const;
  /// What the kernel has for `port`, or will have; empty: nothing.
  [[nodiscard]] std::string interface_of(const config::Port& port) const;
  /// Its number, of a NIC whose device is resolved.
  [[nodiscard]] std::string iommu_group_of(const config::Port& port) const;
  /// PCI addresses of all NICs of this machine.
  [[nodiscard]] std::vector<std::string> all() const;
  /// How many the IOMMU makes; 0: it is off, or there is none.
  [[nodiscard]] std::size_t iommu_groups() const;

 private:
  [[nodiscard]] std::string pci_address(const std::string& name) const;
  [[nodiscard]] std::string pci_of_interface(const std::string& interface) const;
  [[nodiscard]] std::vector<std::string> interfaces_of(const std::string& pci) const;
  [[nodiscard]] std::vector<std::string> default_route_interfaces() const;
  [[nodiscard]] bool goes_by(const std::string& upper, const std::string& interface) const;
  struct Route {
    std::string interface, named;
  };
  [[nodiscard]] std::optional<Route> default_route_by(const std::vector<std::string>& interfaces) const;
  void refuse_default_route(const config::Port& port, std::vector<std::string> interfaces) const;
  void check_driver(const std::string& pci) const;
  void check_group(const std::string& pci) const;
  [[nodiscard]] std::string driver_of(const std::string& pci) const;
  [[nodiscard]] std::string called(const std::string& pci) const;

  std::filesystem::path root_;
};

/// Throws std::runtime_error when two ports of `config`, whose devices are resolved, are one NIC.
void check_distinct(const config::Config& config);

/// `config` with every device resolved. Throws std::runtime_error, also when two ports are one NIC.
[[nodiscard]] config::Config with_devices(config::Config config, const NicDevices& devices);

}  // namespace synward::control
