// What an operator decides, checked: plain immutable values. load.hpp makes them from a file; nothing in the
// data plane sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::config {

enum class Poll : std::uint8_t { kAdaptive, kBusy };

struct Port {
  std::string name;
  /// DPDK vdev string, or a NIC: its PCI address with domain, MAC address or kernel interface, perhaps with
  /// arguments of its driver behind a comma.
  std::string device;
  std::uint32_t mtu = 0;           ///< bytes of an IP packet; 0: what the device has
  std::string take_default_route;  ///< the interface that may be taken although the default route goes by it
  friend bool operator==(const Port&, const Port&) = default;
};

struct Service {
  std::string name;
  std::variant<wire::Ipv4Address, wire::Ipv6Address> address;
  std::uint8_t prefix_bits;  ///< 32 or 128: one address
  std::uint16_t port;
  std::uint32_t idle_timeout_s = 7440;  ///< 2 h 4 min: RFC 5382 REQ-5
  std::uint32_t close_after_s = 0;      ///< of silence; 0: never. Endpoint mode only
  friend bool operator==(const Service&, const Service&) = default;
};

/// Clients that no service answers.
struct DropList {
  struct File {
    std::string path;  ///< absolute
    std::vector<wire::Prefix> sources;
    friend bool operator==(const File&, const File&) = default;
  };
  std::vector<wire::Prefix> sources;  ///< of the config itself
  std::vector<File> files;
  friend bool operator==(const DropList&, const DropList&) = default;
};

/// Where to listen for TCP connections of the machine's own kernel.
struct SocketAddress {
  std::variant<wire::Ipv4Address, wire::Ipv6Address> address;
  std::uint16_t port;
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

struct Config {
  std::vector<std::uint16_t> lcores;  ///< one worker each, ascending; none: as the machine suggests ("auto")
  Poll poll = Poll::kAdaptive;
  std::vector<Port> ports;  ///< one: endpoint mode; two, outside and inside in this order: inline mode
  std::vector<Service> services;
  std::uint32_t connections_per_core = 1u << 20;  ///< of each family that a service has
  std::uint32_t accept_backlog = 4096;            ///< a core. Endpoint mode only
  DropList drop_list;
  bool propagate_link = false;  ///< a port's link goes down with the other's. Inline mode only
  std::string key_file;         ///< absolute; empty: keys that die with the process
  std::string control_socket = "/run/synward/control.sock";
  std::optional<SocketAddress> metrics;  ///< where they are served over HTTP; nothing: nowhere
  bool telemetry = false;                ///< DPDK's own, with our commands
  friend bool operator==(const Config&, const Config&) = default;
};

/// A bump in the wire between two ports, which hands connections on ("proxy"); else synward itself is their
/// end ("accept").
[[nodiscard]] inline bool is_inline(const Config& config) { return config.ports.size() == 2; }

}  // namespace synward::config
