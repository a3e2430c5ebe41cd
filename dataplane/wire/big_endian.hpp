// Integers as they lie on the wire. A leaf: bytes only.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>

namespace synward::wire {

/// An integer as it lies on the wire (network byte order, RFC 791 appendix B). It becomes a number only
/// through host(). It is made of bytes, so a struct of these is legal at any address.
template <std::unsigned_integral T>
requires(sizeof(T) == 2 || sizeof(T) == 4) class BigEndian {
 public:
  BigEndian() = default;
  constexpr explicit BigEndian(T host) : bytes_{std::bit_cast<decltype(bytes_)>(swapped(host))} {}
  [[nodiscard]] constexpr T host() const { return swapped(std::bit_cast<T>(bytes_)); }
  friend constexpr bool operator==(BigEndian, BigEndian) = default;  // no <: compare host()

 private:
  // One load and one bswap on gcc 12 and clang 14; a byte loop compiles to several instructions on one of
  // them.
  static constexpr T swapped(T v) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
    if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(v));
  }
  static_assert(std::endian::native == std::endian::little);  // swapped() always swaps
  std::array<std::uint8_t, sizeof(T)> bytes_;
};

using BigEndian16 = BigEndian<std::uint16_t>;
using BigEndian32 = BigEndian<std::uint32_t>;
static_assert(sizeof(BigEndian16) == 2 && alignof(BigEndian16) == 1);
static_assert(sizeof(BigEndian32) == 4 && alignof(BigEndian32) == 1);

}  // namespace synward::wire
