#include "control/ports.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "control/eal.hpp"
#include "control/memory_plan.hpp"
#include "dataplane/nic/setup_error.hpp"

namespace synward::control {

bool is_virtual(const config::Port& port) { return port.device.starts_with("net_"); }

std::vector<std::unique_ptr<nic::Port>> open_ports(const config::Config& config,
                                                   const nic::PacketPool& packets, const Steering& steering,
                                                   bool quiet) {
  using Accept = nic::Port::Accept;
  const Accept accept = config::is_inline(config) ? Accept::kAll : Accept::kOwnMac;
  std::vector<std::unique_ptr<nic::Port>> ports;
  for (const config::Port& port : config.ports) {
    const QuietDrivers quiet_drivers{quiet && is_virtual(port)};
    const bool is_inside = !ports.empty();  // the first of two is outside
    const nic::Rss rss{is_inside ? steering.backend_key() : steering.client_key(), steering.table()};
    ports.push_back(std::make_unique<nic::Port>(port.device, static_cast<std::uint16_t>(config.lcores.size()),
                                                packets, static_cast<std::uint16_t>(port.mtu), accept, &rss));
  }
  return ports;
}

void check_mtus(const config::Config& config, const std::vector<PortInfo>& found) {
  for (std::size_t p = 0; p < found.size(); ++p) {
    const std::uint16_t mtu = found[p].mtu;
    if (nic::longest_frame(mtu) <= frame_bytes(config)) continue;
    throw nic::SetupError(
        fmt::format("port \"{}\" has an MTU of {}, more than packets here hold: "
                    "write mtu = {} below its device, or lower it",
                    config.ports[p].device, mtu, mtu));
  }
  if (!config::is_inline(config) || found[0].mtu == found[1].mtu) return;
  throw nic::SetupError(
      fmt::format("port \"{}\" has an MTU of {} and port \"{}\" one of {}, and what comes in at one must fit "
                  "the other: write mtu = {} below both devices",
                  config.ports[0].name, found[0].mtu, config.ports[1].name, found[1].mtu,
                  std::min(found[0].mtu, found[1].mtu)));
}

std::vector<PortInfo> with_sides(std::vector<PortInfo> ports) {
  if (ports.size() != 2) return ports;
  ports[0].side = Side::kOutside;
  ports[0].other = 1;
  ports[1].side = Side::kInside;
  ports[1].other = 0;
  return ports;
}

}  // namespace synward::control
