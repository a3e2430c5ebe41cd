// The Internet checksum (RFC 1071) and its incremental update (RFC 1624): the reference of the kernels'
// sums (simd/).
//
// A sum here is a std::uint64_t: the one's complement sum, modulo 2^64 - 1, of the data read as little-endian
// integers. 2^16 is 1 modulo 2^16 - 1, which divides 2^64 - 1, so words of 2, 4 and 8 bytes may be mixed and
// folded in any order; and reading every word byte-swapped only swaps the bytes of the result (RFC 1071
// 2(B)), so nothing is swapped until a number is wanted: the bytes of the folded sum already lie in wire
// order. A sum is zero only when everything summed was zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::wire {

/// A checksum field as it lies on the wire: the complement of a sum.
struct Checksum {
  BigEndian16 wire;
  friend constexpr bool operator==(Checksum, Checksum) = default;
};
static_assert(sizeof(Checksum) == 2 && alignof(Checksum) == 1);

/// The one's complement sum of two sums.
[[nodiscard]] constexpr std::uint64_t add_sums(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum + (sum < a ? 1 : 0);
}

/// `sum` plus that of `bytes`: any length, any address. Data may be summed in pieces as long as every piece
/// but the last is of even length; an odd last byte counts as if a zero followed (RFC 1071 1).
[[nodiscard]] std::uint64_t add_bytes(std::uint64_t sum, std::span<const std::byte> bytes);

/// The sum of one field, for data of which every field is at hand: reading back what was just written stalls.
/// Up to 2^32 of them can be added up without add_sums().
[[nodiscard]] constexpr std::uint64_t sum_of(BigEndian16 field) {
  return std::bit_cast<std::uint16_t>(field);
}
[[nodiscard]] constexpr std::uint64_t sum_of(BigEndian32 field) {
  return std::bit_cast<std::uint32_t>(field);
}

/// The sum in 16 bits, its bytes in wire order. Zero stays zero, and nothing else becomes zero.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) {
  // Adding the halves crosswise leaves their sum in the upper half, with the carry of the lower one in it.
  const auto half = static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<std::uint16_t>((half + std::rotl(half, 16)) >> 16);
}

/// The field to write: over data in which the field itself was zero.
[[nodiscard]] constexpr Checksum finish(std::uint64_t sum) {
  return std::bit_cast<Checksum>(static_cast<std::uint16_t>(~fold(sum)));
}

/// True when data that was summed with its checksum field in it, and with its pseudo-header where there is
/// one, is as it was sent: all bits of the sum are one (RFC 1071 1), so its complement is zero.
[[nodiscard]] constexpr bool verifies(std::uint64_t sum) { return fold(sum) == 0xffff; }

/// The pseudo-header of TCP over IPv4 (RFC 9293 3.1). `length` is that of the segment in bytes, header
/// included.
[[nodiscard]] constexpr std::uint64_t pseudo_header_sum(Ipv4Address source, Ipv4Address destination,
                                                        std::uint8_t protocol, std::uint16_t length) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(source)} + std::bit_cast<std::uint32_t>(destination) +
         std::bit_cast<std::uint16_t>(BigEndian16{protocol}) +
         std::bit_cast<std::uint16_t>(BigEndian16{length});
}

/// The same over IPv6 (RFC 8200 8.1), for `protocol` the upper layer's, whatever extension headers lie before
/// it. Jumbograms are not understood, so `length` has 16 bits.
[[nodiscard]] constexpr std::uint64_t pseudo_header_sum(const Ipv6Address& source,
                                                        const Ipv6Address& destination, std::uint8_t protocol,
                                                        std::uint16_t length) {
  struct Halves {
    std::uint64_t first, second;
  };
  const auto from = std::bit_cast<Halves>(source);
  const auto to = std::bit_cast<Halves>(destination);
  const std::uint64_t rest = std::uint64_t{std::bit_cast<std::uint16_t>(BigEndian16{protocol})} +
                             std::bit_cast<std::uint16_t>(BigEndian16{length});
  return add_sums(add_sums(add_sums(from.first, from.second), add_sums(to.first, to.second)), rest);
}

/// What a checksum becomes when a field under it changes from `from` to `to`: HC' = ~(~HC + ~m + m'),
/// RFC 1624 equation 3. Data that was corrupt stays exactly as corrupt. The field must begin at an even
/// offset in the data; one that does not is changed as part of a longer span, below.
/// Where the data are not all zero, and below a TCP or IP header they never are, the result is bit for bit
/// that of summing anew (RFC 1624 3: equation 2 of RFC 1141 errs at 0xffff).
[[nodiscard]] constexpr Checksum update(Checksum old, BigEndian16 from, BigEndian16 to) {
  return finish(std::uint64_t{static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(old))} +
                static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(from)) +
                std::bit_cast<std::uint16_t>(to));
}
[[nodiscard]] constexpr Checksum update(Checksum old, BigEndian32 from, BigEndian32 to) {
  return finish(std::uint64_t{static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(old))} +
                ~std::bit_cast<std::uint32_t>(from) + std::bit_cast<std::uint32_t>(to));
}
/// A span in exchange for another, both from an even offset; when they differ in length, both are even, or
/// the last of the data. (A length in the pseudo-header that changes with it is a field of its own.)
[[nodiscard]] inline Checksum update(Checksum old, std::span<const std::byte> from,
                                     std::span<const std::byte> to) {
  const std::uint64_t rest =
      add_sums(static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(old)), ~add_bytes(0, from));
  return finish(add_bytes(rest, to));
}

}  // namespace synward::wire
