// `synward handshake`: the three-way handshake, from both sides, on paper.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/handshake/simulation.hpp"

namespace CLI {
class App;
}

namespace synward::control {

struct HandshakeOptions {
  Scenario scenario;
  std::optional<std::uint16_t> mss;   ///< the client's; 1500 minus headers when not given
  std::optional<std::uint64_t> seed;  ///< drawn when not given
  bool no_window_scale = false, no_timestamps = false, no_sack = false, ipv6 = false;
  std::uint32_t latency_ms = 10;
  std::vector<std::string> drop;  ///< KIND or KIND:N
  bool bytes = false;
  std::string pcap;  ///< a file to write; empty: none
};

/// Adds the subcommand, which fills `options`; that must live as long as `app` parses.
CLI::App& add_handshake_command(CLI::App& app, HandshakeOptions& options);

/// Draws on stdout. The exit code: 0 when both ends are established, 1 when they are not. Throws
/// std::system_error when the capture cannot be written.
int run_handshake_command(const HandshakeOptions& options);

}  // namespace synward::control
