// The network that a client counts as, where clients are counted by networks.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/wire/net_types.hpp"

namespace synward {

/// The first 64 bits of an IPv6 address. An IPv4 /24 stands behind 0xff: an IPv6 multicast prefix, of which
/// no SYN comes.
enum class ClientPrefix : std::uint64_t {};

[[nodiscard]] inline ClientPrefix client_prefix(const wire::Ipv4Address& client) {
  const auto& b = client.bytes;
  return std::bit_cast<ClientPrefix>(std::array<std::uint8_t, 8>{0xff, 0, 0, 0, 0, b[0], b[1], b[2]});
}
[[nodiscard]] inline ClientPrefix client_prefix(const wire::Ipv6Address& client) {
  return std::bit_cast<std::array<ClientPrefix, 2>>(client)[0];
}

}  // namespace synward
