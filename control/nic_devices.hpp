// Which NIC a config means, as this machine has it now, and whether DPDK can have it. Reads /sys and /proc;
// changes nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace synward::control {

class NicDevices {
 public:
  /// `root`: where sys/ and proc/ are.
  explicit NicDevices(std::filesystem::path root = "/") : root_{std::move(root)} {}

  /// The device of `port` as DPDK names it: of a NIC that is named by its MAC address or by its interface the
  /// PCI address, with the arguments behind the comma; else as it stands. Throws std::runtime_error, one
  /// sentence that says what to do, when there is no such NIC, when the machine's default route goes by it
  /// and the port does not say that it may, or when DPDK cannot have it as it is bound.
  [[nodiscard]] std::string resolve(const config::Port& port) const;
  /// Throws std::runtime_error when a NIC of `config`, whose devices are resolved, wants the huge pages that
  /// there are not.
  void check_memory(const config::Config& config, bool huge_pages) const;
  /// The NUMA node of `port`, whose device is resolved; -1: not known, or it is no NIC.
  [[nodiscard]] int node_of(const config::Port& port) const;

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

/// `config` with every device resolved. Throws std::runtime_error, also when two ports are one NIC.
[[nodiscard]] config::Config with_devices(config::Config config, const NicDevices& devices);

}  // namespace synward::control
