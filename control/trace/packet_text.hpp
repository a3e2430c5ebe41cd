// A packet in a line, the way people know it from tcpdump.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "dataplane/wire/cut_frame.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::control {

/// Addresses, ports, flags, numbers and options of a frame, as far as `kept`, its beginning, shows them.
/// `bytes`: of the whole frame.
[[nodiscard]] std::string packet_text(std::span<const std::byte> kept, std::size_t bytes);

[[nodiscard]] std::string address_text(const wire::Ipv4Address& address);
[[nodiscard]] std::string address_text(const wire::Ipv6Address& address);
[[nodiscard]] std::string mac_text(const wire::MacAddress& mac);
/// A letter for each flag, in tcpdump's order: "S.", "FP."; "none".
[[nodiscard]] std::string flags_text(std::uint8_t flags);
/// "mss 1460,sackOK,TS val 1 ecr 0,wscale 7": those that synward knows, in an order of its own; of a SYN all
/// of them.
[[nodiscard]] std::string options_text(const wire::TcpOptions& options);

}  // namespace synward::control
