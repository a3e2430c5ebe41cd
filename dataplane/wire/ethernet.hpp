// Ethernet II with up to two VLAN tags (IEEE 802.3, 802.1Q, 802.1ad). A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

enum class EtherType : std::uint16_t {
  kIpv4 = 0x0800,
  kArp = 0x0806,
  kVlan = 0x8100,
  kIpv6 = 0x86dd,
  kQinQ = 0x88a8,
  kOldQinQ = 0x9100,  // what switches called an outer tag before 802.1ad
};

struct EthernetHeader {
  MacAddress destination, source;
  BigEndian16 ether_type;
};
static_assert(sizeof(EthernetHeader) == 14 && WireLayout<EthernetHeader>);

/// What follows an EtherType that announces a tag; its own ether_type announces what follows the tag.
struct VlanTag {
  BigEndian16 tci, ether_type;
};
static_assert(sizeof(VlanTag) == 4 && WireLayout<VlanTag>);

inline constexpr std::uint8_t kMaxVlanTags = 2;

/// Where the network layer begins, and which one it is.
struct Link {
  std::uint16_t network_offset;  // bytes from the start of the frame
  std::uint16_t ether_type;      // of the payload, host byte order; any value, not only those of EtherType
  std::uint8_t vlan_tags;
};

[[nodiscard]] constexpr bool announces_vlan_tag(std::uint16_t ether_type) {
  return ether_type == std::uint16_t(EtherType::kVlan) || ether_type == std::uint16_t(EtherType::kQinQ) ||
         ether_type == std::uint16_t(EtherType::kOldQinQ);
}

/// Looks behind at most two tags; behind them a third stays what it is, an EtherType that nobody here
/// understands. Nullopt only when the frame is shorter than its headers claim.
[[nodiscard]] inline std::optional<Link> parse_ethernet(std::span<const std::byte> frame) {
  const auto* ethernet = view_as<EthernetHeader>(frame);
  if (ethernet == nullptr) return std::nullopt;
  Link link{sizeof(EthernetHeader), ethernet->ether_type.host(), 0};
  while (announces_vlan_tag(link.ether_type) && link.vlan_tags < kMaxVlanTags) [[unlikely]] {
      const auto* tag = view_as<VlanTag>(frame.subspan(link.network_offset));
      if (tag == nullptr) return std::nullopt;
      link.ether_type = tag->ether_type.host();
      link.network_offset += sizeof(VlanTag);
      ++link.vlan_tags;
    }
  return link;
}

}  // namespace synward::wire
