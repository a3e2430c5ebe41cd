// RFC 1071 byte by byte, as one would do it with a pencil: what the fast code is compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/net_types.hpp"
#include "tests/support/bytes.hpp"

namespace synward::test {

/// The checksum of `data`, in which its own field is zero.
inline wire::Checksum reference_checksum(std::span<const std::byte> data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto value = std::to_integer<std::uint32_t>(data[i]);
    sum += i % 2 == 0 ? value << 8 : value;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return {wire::BigEndian16{static_cast<std::uint16_t>(~sum)}};
}

/// The pseudo-header of RFC 9293 3.1 or RFC 8200 8.1, written out.
inline Bytes pseudo_header(const wire::Ipv4Address& source, const wire::Ipv4Address& destination,
                           std::uint8_t protocol, std::size_t length) {
  Bytes out = bytes_of(source);
  append(out, bytes_of(destination));
  append(out, bytes_of({0, protocol}));
  append(out, bytes_of(wire::BigEndian16{static_cast<std::uint16_t>(length)}));
  return out;
}
inline Bytes pseudo_header(const wire::Ipv6Address& source, const wire::Ipv6Address& destination,
                           std::uint8_t protocol, std::size_t length) {
  Bytes out = bytes_of(source);
  append(out, bytes_of(destination));
  append(out, bytes_of(wire::BigEndian32{static_cast<std::uint32_t>(length)}));
  append(out, bytes_of({0, 0, 0, protocol}));
  return out;
}

}  // namespace synward::test
