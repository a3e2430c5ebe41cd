// Values that a config writes as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::config {

/// "1-3,6" -> 1 2 3 6; empty when it is not such a list.
[[nodiscard]] std::vector<std::uint16_t> parse_lcores(std::string_view text);

/// What parse_prefix() takes.
inline constexpr const char* kListed =
    "an IPv4 or IPv6 address (no IPv4-mapped one), or a prefix like \"203.0.113.0/24\" of 1 bit and more "
    "whose host bits are zero";

/// Of any addresses; nothing when `text` is neither an address nor a prefix.
[[nodiscard]] std::optional<wire::Prefix> parse_prefix(const std::string& text);

/// Writes address and prefix length of `service`; false when `text` is not an address that a service can
/// have, nor a prefix.
[[nodiscard]] bool parse_address(const std::string& text, Service& service);

/// "127.0.0.1:9464" or "[::1]:9464".
[[nodiscard]] std::optional<SocketAddress> parse_socket_address(std::string_view text);

/// A NIC by its PCI address "[dddd:]bb:dd.f", its MAC address "xx:xx:xx:xx:xx:xx" or its kernel interface,
/// perhaps with arguments of its driver behind a comma: addresses in lower case, the PCI address with its
/// domain. Empty when it is none of these.
[[nodiscard]] std::string nic_device(std::string_view text);

/// Whether Linux allows it as the name of an interface.
[[nodiscard]] bool is_interface_name(std::string_view text);

/// Whether two device strings mean one device: the same to DPDK, by the name before the comma, or over the
/// same kernel interface, by iface=.
[[nodiscard]] bool same_device(std::string_view one, std::string_view other);

}  // namespace synward::config
