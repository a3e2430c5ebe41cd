// The ports of a config, from names to the two ends of a wire.
#pragma once

#include <memory>
#include <vector>

#include "config/config.hpp"
#include "dataplane/core_state.hpp"
#include "dataplane/nic/packet_pool.hpp"
#include "dataplane/nic/port.hpp"
#include "dataplane/steering.hpp"

namespace synward::control {

/// Not a PCI device: DPDK makes it, as the string says.
[[nodiscard]] bool is_virtual(const config::Port& port);

/// Control thread, with EAL up. Every port of `config` in its order, with a queue for each worker over
/// `packets`, into which a NIC that can puts flows by `steering`; drivers of virtual devices keep silent
/// meanwhile when `quiet`. Throws nic::SetupError.
[[nodiscard]] std::vector<std::unique_ptr<nic::Port>> open_ports(const config::Config& config,
                                                                 const nic::PacketPool& packets,
                                                                 const Steering& steering, bool quiet);

/// Throws nic::SetupError when the packets of `config` do not hold the frames of a port of `found`, which has
/// what each port really has: an MSS would be announced that nobody can use, and what it invites be dropped.
/// And when the MTUs of two ports differ: what comes in at the one could not leave at the other.
void check_mtus(const config::Config& config, const std::vector<PortInfo>& found);

/// `ports` as stages know them: one is an endpoint's, of two the first is outside and the second inside.
[[nodiscard]] std::vector<PortInfo> with_sides(std::vector<PortInfo> ports);

}  // namespace synward::control
