// A machine of the test's own, as /sys, /proc and /dev would show it.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/doctor/checks.hpp"

namespace synward::control::doctor {

constexpr const char *kOne = "0000:3b:00.0", *kOther = "0000:3b:00.1";

class MadeUpMachine : public testing::Test {
 protected:
  MadeUpMachine() {
    std::string name = (std::filesystem::temp_directory_path() / "synward-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~MadeUpMachine() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file} << text << "\n";
  }
  void link(const std::string& from, const std::string& to) const {
    std::filesystem::create_directories((root_ / from).parent_path());
    std::filesystem::remove(root_ / from);
    std::filesystem::create_directory_symlink(to, root_ / from);
  }
  void nic(const std::string& pci, const std::string& driver, const std::string& node = "0") const {
    const std::string folder = "sys/bus/pci/devices/" + pci;
    write(folder + "/class", "0x020000");
    write(folder + "/numa_node", node);
    link(folder + "/driver", "../../../bus/pci/drivers/" + driver);
  }
  void interface(const std::string& name, const std::string& flags = "0x1083") const {
    const std::string folder = "sys/class/net/" + name;
    write(folder + "/flags", flags);
    write(folder + "/carrier", "1");
    write(folder + "/mtu", "1500");
  }
  void huge_pages(int free, int reserved, const std::string& kib = "2048", int node = 0) const {
    for (const std::string& folder :
         {"sys/kernel/mm/hugepages/hugepages-" + kib + "kB/",
          "sys/devices/system/node/node" + std::to_string(node) + "/hugepages/hugepages-" + kib + "kB/"}) {
      write(folder + "nr_hugepages", std::to_string(reserved));
      write(folder + "free_hugepages", std::to_string(free));
    }
  }

  /// Over `ports`, with worker(s) on `lcores`, of a machine with `processors`, each a core of its own.
  Subject subject(const std::vector<config::Port>& ports, const std::vector<std::uint16_t>& lcores = {1},
                  std::uint16_t processors = 4) const {
    Subject subject;
    subject.config.ports = subject.ports_as_written = ports;
    subject.config.lcores = lcores;
    subject.config.services.push_back(
        {.name = "web", .address = wire::Ipv4Address{}, .prefix_bits = 32, .port = 443});
    for (std::uint16_t id = 0; id < processors; ++id)
      subject.processors.push_back({.id = id, .core = id, .node = 0, .isolated = false});
    subject.devices = NicDevices{root_};
    subject.root = root_;
    return subject;
  }

  /// The finding called `check`; one that says so when there is none.
  static Finding of(const Findings& findings, const std::string& check) {
    const auto found = std::find_if(findings.begin(), findings.end(),
                                    [&](const Finding& finding) { return finding.check == check; });
    return found == findings.end() ? Finding{"", State::kFail, "no such finding", ""} : *found;
  }

  std::filesystem::path root_;
};

}  // namespace synward::control::doctor
