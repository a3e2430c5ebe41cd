// Neighbour discovery for IPv6 over Ethernet (RFC 4861, RFC 2464), as far as an address must be defended.
// A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

/// RFC 4861 4.3; options follow.
struct NeighborSolicitation {
  std::uint8_t type, code;
  Checksum checksum;
  BigEndian32 reserved;
  Ipv6Address target;
};
static_assert(sizeof(NeighborSolicitation) == 24 && WireLayout<NeighborSolicitation>);

/// RFC 4861 4.4; options follow.
struct NeighborAdvertisement {
  static constexpr std::uint32_t kRouter = 0x8000'0000, kSolicited = 0x4000'0000, kOverride = 0x2000'0000;

  std::uint8_t type, code;
  Checksum checksum;
  BigEndian32 flags;
  Ipv6Address target;
};
static_assert(sizeof(NeighborAdvertisement) == 24 && WireLayout<NeighborAdvertisement>);

/// RFC 4861 4.6.1, with the six bytes of an Ethernet address (RFC 2464 6).
struct LinkLayerOption {
  static constexpr std::uint8_t kSource = 1, kTarget = 2;

  std::uint8_t type, length;  // the length of every option counts units of 8 bytes: this one is 1
  MacAddress mac;
};
static_assert(sizeof(LinkLayerOption) == 8 && WireLayout<LinkLayerOption>);

/// A valid question: who has `target`?
struct Solicitation {
  Ipv6Address target;
  std::optional<MacAddress> source_mac;  // absent also when the asker knows that the frame tells
  bool duplicate_detection;              // the asker has no address yet: answer to all nodes (RFC 4861 7.2.4)
};

/// A solicitation has its source's address and, secured, four more (RFC 3971 5); whoever may send 1,500 bytes
/// could write 180.
inline constexpr int kMaxNdpOptions = 8;
inline constexpr std::uint8_t kNdpHopLimit = 255;  // whoever is not on the link cannot send this
inline constexpr Ipv6Address kAllNodes{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// ff02::1:ff00:0/104 with the last three bytes of `address` (RFC 4291 2.7.1).
[[nodiscard]] constexpr Ipv6Address solicited_node_multicast(const Ipv6Address& address) {
  const auto& last = address.bytes;
  return Ipv6Address{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, last[13], last[14], last[15]}};
}

/// Where Ethernet delivers an IPv6 multicast group: 33:33 and its last four bytes (RFC 2464 7).
[[nodiscard]] constexpr MacAddress multicast_mac(const Ipv6Address& group) {
  const auto& last = group.bytes;
  return MacAddress{{0x33, 0x33, last[12], last[13], last[14], last[15]}};
}

/// Every check of RFC 4861 7.1.1 but the checksum, which the caller verifies. `message` is the payload of the
/// packet that `ip` heads, from the ICMPv6 type to the last option; nullopt when it must be ignored, or is
/// something else, or has more than kMaxNdpOptions options. A source link-layer option of another length than
/// Ethernet's is skipped; of two, the first counts.
[[nodiscard]] inline std::optional<Solicitation> parse_neighbor_solicitation(
    const Ipv6Header& ip, std::span<const std::byte> message) {
  const auto* header = view_as<NeighborSolicitation>(message);
  if (header == nullptr || header->type != Icmpv6Type::kNeighborSolicitation || header->code != 0 ||
      ip.hop_limit != kNdpHopLimit || is_multicast(header->target))
    return std::nullopt;

  Solicitation solicitation{header->target, std::nullopt, is_unspecified(ip.source)};
  int walked = 0;
  for (auto options = message.subspan(sizeof *header); !options.empty(); ++walked) {
    if (options.size() < 2 || walked == kMaxNdpOptions) return std::nullopt;
    const auto type = std::to_integer<std::uint8_t>(options[0]);
    const std::size_t bytes = 8 * std::to_integer<std::size_t>(options[1]);
    if (bytes == 0 || bytes > options.size()) return std::nullopt;
    if (type == LinkLayerOption::kSource) {
      if (solicitation.duplicate_detection) return std::nullopt;
      if (bytes == sizeof(LinkLayerOption) && !solicitation.source_mac)
        solicitation.source_mac = overlay<LinkLayerOption>(options.data()).mac;
    }
    options = options.subspan(bytes);
  }
  const bool asked_of_the_group = ip.destination == solicited_node_multicast(header->target);
  if (solicitation.duplicate_detection && !asked_of_the_group) return std::nullopt;
  return solicitation;
}

}  // namespace synward::wire
