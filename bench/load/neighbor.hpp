// Which station of a link has an address.
#pragma once

#include "bench/load/rails.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::load {

/// The MAC address of a neighbour, resolved by the kernel: ARP or neighbour discovery. Takes up to three
/// seconds; wants CAP_NET_ADMIN. Throws std::runtime_error, one sentence, when nobody there has the address.
[[nodiscard]] wire::MacAddress resolve_neighbor(int interface_index, const IpAddress& address);

/// "02:00:00:00:00:0a". Throws std::invalid_argument, one sentence.
[[nodiscard]] wire::MacAddress parse_mac(const std::string& text);

}  // namespace synward::load
