// ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, and the types synward tells apart. A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

struct IcmpType {
  static constexpr std::uint8_t kEchoReply = 0;
  static constexpr std::uint8_t kDestinationUnreachable = 3;
  static constexpr std::uint8_t kEchoRequest = 8;
  static constexpr std::uint8_t kTimeExceeded = 11;
  static constexpr std::uint8_t kParameterProblem = 12;
};

struct Icmpv6Type {
  static constexpr std::uint8_t kDestinationUnreachable = 1;
  static constexpr std::uint8_t kPacketTooBig = 2;
  static constexpr std::uint8_t kTimeExceeded = 3;
  static constexpr std::uint8_t kParameterProblem = 4;
  static constexpr std::uint8_t kEchoRequest = 128;
  static constexpr std::uint8_t kEchoReply = 129;
  static constexpr std::uint8_t kNeighborSolicitation = 135;
  static constexpr std::uint8_t kNeighborAdvertisement = 136;
};

/// The same for code that is written once for both families.
template <Family kFamily>
inline constexpr std::uint8_t kEchoRequest =
    kFamily == Family::kIpv4 ? IcmpType::kEchoRequest : Icmpv6Type::kEchoRequest;
template <Family kFamily>
inline constexpr std::uint8_t kEchoReply =
    kFamily == Family::kIpv4 ? IcmpType::kEchoReply : Icmpv6Type::kEchoReply;

/// What every message of both families begins with. ICMP's checksum covers the message alone, ICMPv6's the
/// pseudo-header as well (RFC 4443 2.3).
struct IcmpHeader {
  std::uint8_t type, code;
  Checksum checksum;
};
static_assert(sizeof(IcmpHeader) == 4 && WireLayout<IcmpHeader>);

/// Echo request and reply, both families; the data to be returned follows.
struct IcmpEcho {
  std::uint8_t type, code;
  Checksum checksum;
  BigEndian16 id, sequence;
};
static_assert(sizeof(IcmpEcho) == 8 && WireLayout<IcmpEcho>);

/// Null unless the header lies inside `message`, the payload of the IP packet; any type.
[[nodiscard]] inline const IcmpHeader* parse_icmp(std::span<const std::byte> message) {
  return view_as<IcmpHeader>(message);
}

/// Null unless `message` is an echo request of this family. Its code, 0 by RFC 792 and RFC 4443 4.1, is not
/// looked at: Linux and the BSDs answer all of them.
template <Family kFamily>
[[nodiscard]] inline const IcmpEcho* parse_echo_request(std::span<const std::byte> message) {
  const auto* echo = view_as<IcmpEcho>(message);
  return echo != nullptr && echo->type == kEchoRequest<kFamily> ? echo : nullptr;
}

}  // namespace synward::wire
