#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace synward::control {

/// EAL's arguments for `config`: lcores with a core for the control thread, memory with or without huge
/// pages, of PCI devices none but the one that the config names. What `extra` sets by itself (after -- on the
/// command line) is left to it.
[[nodiscard]] std::vector<std::string> eal_arguments(const config::Config& config,
                                                     const std::vector<std::string>& extra, bool huge_pages);

/// Throws nic::SetupError when the packets of `config` do not hold the frames of a port of this MTU, bytes of
/// an IP packet: an MSS would be announced that nobody can use, and what it invites be dropped.
void check_mtu(const config::Config& config, std::uint16_t port_mtu);

/// Main thread. Starts everything, serves until SIGINT, SIGTERM or SIGHUP, stops cleanly and prints a
/// summary. Throws std::runtime_error, one sentence, when the machine does not let it start. A second signal
/// ends the process at once.
void run(const config::Config& config, const std::vector<std::string>& extra_eal_arguments);

}  // namespace synward::control
