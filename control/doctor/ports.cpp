#include "control/ports.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/doctor/checks.hpp"
#include "control/interface_lock.hpp"
#include "control/mendable.hpp"
#include "control/sys_files.hpp"
#include "dataplane/nic/kernel_interface.hpp"

namespace synward::control::doctor {
namespace {

namespace fs = std::filesystem;

bool is_shared_with_kernel(const config::Port& port) {
  return port.device.starts_with("net_af_packet") || port.device.starts_with("net_af_xdp");
}

/// The MTU that synward would use and the one that the kernel has; absent: nobody knows.
struct Mtu {
  std::optional<std::size_t> used, kernel;
};

Mtu mtu_of(const config::Port& port, const Subject& subject) {
  constexpr std::size_t kEthernet = 1500;  // what net_af_packet has unless told
  const std::string interface = subject.devices.interface_of(port);
  Mtu mtu;
  if (!interface.empty()) mtu.kernel = number_in(subject.root / "sys/class/net" / interface / "mtu");
  mtu.used = mtu.kernel;
  if (mtu.used && is_shared_with_kernel(port)) mtu.used = std::min(*mtu.used, kEthernet);
  if (port.mtu != 0) mtu.used = port.mtu;
  return mtu;
}

/// As a port over a kernel interface would complain at start.
Finding check_mtu(const std::string& check, const config::Port& port, const Subject& subject) {
  const auto [used, kernel] = mtu_of(port, subject);
  if (!used)
    return {check, State::kOk, "what the device has: the kernel does not know it, and none is asked for", ""};
  const std::string interface = subject.devices.interface_of(port);
  const auto set_to = [&](std::size_t mtu) {
    return fmt::format("ip link set {} mtu {}", quoted(interface), mtu);
  };
  if (is_shared_with_kernel(port)) {
    constexpr std::size_t kDriversOwn = 1496;  // net_af_packet sets no longer one by itself
    if (*used > kernel.value_or(0) && *used > kDriversOwn)
      return {check, State::kFail, nic::takes_no_mtu(port.device, *used), set_to(*used)};
    if (nic::packet_ring_frame(port.device) < nic::longest_frame(static_cast<std::uint16_t>(*used)))
      return {check, State::kFail, nic::would_cut_off(port.device, *used), ""};
    if (*used < kernel.value_or(0))
      return {check, State::kWarn,
              fmt::format("{} has {} and the port {}: longer frames may come than it takes", interface,
                          *kernel, *used),
              set_to(*used)};
  }
  if (!kernel || *kernel == *used) return {check, State::kOk, std::to_string(*used), ""};
  return {check, State::kOk, fmt::format("{}; {} has {}, and synward sets it", *used, interface, *kernel),
          ""};
}

/// What is known together: two ports must agree, and packets hold what comes.
Findings check_all_mtus(const Subject& subject) {
  const auto& ports = subject.config.ports;
  std::vector<PortInfo> found(ports.size());
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const auto own = mtu_of(ports[p], subject).used,
               other = mtu_of(ports[ports.size() - 1 - p], subject).used;
    if (!own && !other) return {};
    constexpr std::size_t kMost = std::numeric_limits<std::uint16_t>::max();  // loopback has more
    found[p].mtu = static_cast<std::uint16_t>(std::min(own ? *own : *other, kMost));
  }
  try {
    check_mtus(subject.config, found);
    return {};
  } catch (const std::runtime_error& error) {
    return {finding_of("MTU", State::kFail, error)};
  }
}

/// Opens nothing: what the device is, and whether it could be opened.
Finding check_device(const std::string& check, const config::Port& port, const Subject& subject) {
  if (!is_virtual(port)) return {check, State::kOk, subject.devices.describe(port), ""};
  const std::string interface = nic::device_argument(port.device, "iface");
  if (!subject.running && !interface.empty() && is_served(interface, subject.root))
    return {check, State::kFail, served_elsewhere(interface), ""};
  if (is_shared_with_kernel(port)) {
    if (interface.empty() || !fs::exists(subject.root / "sys/class/net" / interface))
      return {check, State::kFail, fmt::format("{}: {}", port.device, nic::why_it_cannot_open(port.device)),
              ""};
    return {check, State::kOk,
            fmt::format("{}, which stays the kernel's{}", interface,
                        port.take_default_route == interface ? ", also if the default route goes by it" : ""),
            ""};
  }
  if (port.device.starts_with("net_tap")) {
    if (!fs::exists(subject.root / "dev/net/tun"))
      return {check, State::kFail, "a TAP, and there is no /dev/net/tun", "modprobe tun"};
    return {check, State::kOk,
            "a TAP" + (interface.empty() ? "" : ", " + interface) + ", which synward makes", ""};
  }
  return {check, State::kOk, port.device + ", which DPDK makes", ""};
}

/// What the running synward found out about it.
Finding check_steering(const std::string& check, const nlohmann::json& port, std::size_t workers) {
  const auto word = [&](const char* family) { return port.at("rss").at(family).get<std::string>(); };
  const auto why = [&](const char* family) { return port.at("rss_text").at(family).get<std::string>(); };
  const auto queues = port.at("receive_queues").get<std::size_t>();
  const auto offloads = port.at("receive_offloads").get<std::vector<std::string>>();
  std::string text =
      fmt::format("{} queue(s) for {} worker(s), the NIC checks {}", queues, workers,
                  offloads.empty() ? "no checksums" : fmt::format("{}", fmt::join(offloads, ", ")));
  bool steers = true;
  for (const char* family : {"ipv4", "ipv6"}) {
    const bool good = word(family) == "verified" || word(family) == "programmed";
    steers = steers && good;
    if (family == std::string_view{"ipv6"} && word("ipv4") == word("ipv6") && why("ipv4") == why("ipv6"))
      continue;
    text += fmt::format(", RSS{} {}{}",
                        word("ipv4") == word("ipv6") ? ""
                        : family[3] == '4'           ? " over IPv4"
                                                     : " over IPv6",
                        word(family), why(family).empty() ? "" : " (" + why(family) + ")");
  }
  if (workers == 1 || (steers && queues >= workers)) return {check, State::kOk, text, ""};
  return {check, State::kWarn, text + ": segments move to their owners over rings, in software", ""};
}

Findings check_port(const config::Port& port, const Subject& subject, const ReadFeatures& features,
                    const nlohmann::json* running) {
  Findings findings{check_device("port " + port.name, port, subject)};
  if (findings.front().state == State::kFail) return findings;
  if (is_shared_with_kernel(port))
    append(findings,
           check_interface(port.name, nic::device_argument(port.device, "iface"), subject.root, features));
  findings.push_back(check_mtu(port.name + " MTU", port, subject));
  const std::size_t workers = subject.config.lcores.size();
  const std::size_t queues = nic::packet_ring_queues(port.device, workers);
  if (queues < workers)
    findings.push_back(
        {port.name + " queues", State::kFail, nic::has_too_few_queues(port.device, queues, workers), ""});
  const std::string check = port.name + " RSS";
  if (running == nullptr) {
    findings.push_back({check, State::kOk, "RSS and checksum offloads are known once synward runs", ""});
  } else if (running->at("link") == "up") {
    findings.push_back(check_steering(check, *running, workers));
  } else {
    findings.push_back({check, State::kWarn, "its link is down, says the synward that runs", ""});
  }
  return findings;
}

}  // namespace

Findings check_ports(const Subject& subject, const ReadFeatures& features) {
  Findings findings;
  bool all_there = true;
  for (std::size_t p = 0; p < subject.config.ports.size(); ++p) {
    const config::Port& written = subject.ports_as_written[p];
    try {
      config::Port port = written;
      port.device = subject.devices.find(written);
      const nlohmann::json* running = subject.running ? &subject.running->at("ports").at(p) : nullptr;
      append(findings, check_port(port, subject, features, running));
    } catch (const std::runtime_error& error) {
      findings.push_back(finding_of("port " + written.name, State::kFail, error));
      all_there = false;
    }
  }
  if (!all_there) return findings;
  try {
    check_distinct(subject.config);
  } catch (const std::runtime_error& error) {
    findings.push_back(finding_of("ports", State::kFail, error));
  }
  append(findings, check_all_mtus(subject));
  return findings;
}

Findings check_nics(const Subject& subject) {
  Findings findings;
  for (const auto& pci : subject.devices.all()) {
    const std::string check = "NIC " + pci;
    config::Port port{.name = pci, .device = pci};
    try {
      port.device = subject.devices.find(port);
      findings.push_back({check, State::kOk, subject.devices.describe(port) + ": synward can have it", ""});
    } catch (const std::runtime_error& error) {
      findings.push_back(finding_of(check, State::kWarn, error));
    }
  }
  if (findings.empty())
    findings.push_back(
        {"NICs", State::kOk,
         "none on PCI: synward can work over interfaces of the kernel, \"net_af_packet0,iface=NAME\"", ""});
  return findings;
}

}  // namespace synward::control::doctor
