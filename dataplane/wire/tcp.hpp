// TCP's header (RFC 9293 3.1). A leaf: bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

struct TcpFlags {
  static constexpr std::uint8_t kFin = 0x01;
  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kRst = 0x04;
  static constexpr std::uint8_t kPsh = 0x08;
  static constexpr std::uint8_t kAck = 0x10;
  static constexpr std::uint8_t kUrg = 0x20;
  static constexpr std::uint8_t kEce = 0x40;
  static constexpr std::uint8_t kCwr = 0x80;
};

/// RFC 9293 3.1. Every field is bytes, so a view is legal at any alignment.
struct TcpHeader {
  Port src_port, dst_port;
  BigEndian32 seq, ack;
  std::uint8_t offset_and_reserved, flags;
  BigEndian16 window;
  Checksum checksum;
  BigEndian16 urgent;

  /// Options included: 20 to 60 in a header that parse_tcp() let in.
  [[nodiscard]] constexpr std::size_t header_bytes() const { return 4u * (offset_and_reserved >> 4); }
  /// What offset_and_reserved says of a header of that many bytes, a multiple of 4 up to 60; reserved bits 0.
  [[nodiscard]] static constexpr std::uint8_t offset_of(std::size_t header_bytes) {
    return static_cast<std::uint8_t>(header_bytes << 2);
  }
};
static_assert(sizeof(TcpHeader) == 20 && WireLayout<TcpHeader>);

inline constexpr std::size_t kMaxTcpOptionBytes = 40;  // 4 * 15 - 20

/// The only way in. Null unless the whole header, options included, lies inside `segment`.
[[nodiscard]] inline const TcpHeader* parse_tcp(std::span<const std::byte> segment) {
  const auto* tcp = view_as<TcpHeader>(segment);
  if (tcp == nullptr) return nullptr;
  const std::size_t bytes = tcp->header_bytes();
  return bytes >= sizeof(TcpHeader) && bytes <= segment.size() ? tcp : nullptr;
}

/// The options of a header that parse_tcp() let in; it lies in its segment, and they follow it.
[[nodiscard]] inline std::span<const std::byte> options(const TcpHeader& tcp) {
  return {reinterpret_cast<const std::byte*>(&tcp) + sizeof tcp, tcp.header_bytes() - sizeof tcp};
}

/// What `segment` carries behind `tcp`, the header that parse_tcp() found in it.
[[nodiscard]] inline std::span<const std::byte> payload(const TcpHeader& tcp,
                                                        std::span<const std::byte> segment) {
  return segment.subspan(tcp.header_bytes());
}

}  // namespace synward::wire
