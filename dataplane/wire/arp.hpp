// ARP for IPv4 over Ethernet (RFC 826). A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

inline constexpr BigEndian16 kArpEthernet{1};  // hardware_type
inline constexpr BigEndian16 kArpIpv4{std::uint16_t(EtherType::kIpv4)};
inline constexpr BigEndian16 kArpRequest{1};  // operation
inline constexpr BigEndian16 kArpReply{2};

struct ArpPacket {
  BigEndian16 hardware_type, protocol_type;
  std::uint8_t hardware_bytes, protocol_bytes;
  BigEndian16 operation;
  MacAddress sender_mac;
  Ipv4Address sender_address;
  MacAddress target_mac;
  Ipv4Address target_address;
};
static_assert(sizeof(ArpPacket) == 28 && WireLayout<ArpPacket>);

/// Null unless `payload`, what follows the Ethernet header, begins with ARP between Ethernet and IPv4
/// addresses; any operation. Padding behind the 28 bytes is ignored.
[[nodiscard]] inline const ArpPacket* parse_arp(std::span<const std::byte> payload) {
  const auto* arp = view_as<ArpPacket>(payload);
  if (arp == nullptr) return nullptr;
  const bool ipv4_over_ethernet = arp->hardware_type == kArpEthernet && arp->protocol_type == kArpIpv4 &&
                                  arp->hardware_bytes == sizeof(MacAddress) &&
                                  arp->protocol_bytes == sizeof(Ipv4Address);
  return ipv4_over_ethernet ? arp : nullptr;
}

}  // namespace synward::wire
