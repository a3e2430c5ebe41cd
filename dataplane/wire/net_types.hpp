// Addresses and sequence numbers as types: none converts into another, or into a number, by itself.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/big_endian.hpp"

namespace synward::wire {

/// Equality of the bytes, a word at a time, without a branch. (gcc 12 calls memcmp() for the default
/// comparison of an array.)
template <typename Word, typename T>
[[nodiscard]] constexpr bool same_words(const T& a, const T& b) {
  using Words = std::array<Word, sizeof(T) / sizeof(Word)>;
  static_assert(sizeof(Words) == sizeof(T));
  const auto x = std::bit_cast<Words>(a), y = std::bit_cast<Words>(b);
  Word difference = 0;
  for (std::size_t i = 0; i < x.size(); ++i) difference = static_cast<Word>(difference | (x[i] ^ y[i]));
  return difference == 0;
}

struct MacAddress {
  std::array<std::uint8_t, 6> bytes;
  /// Broadcast and multicast: the I/G bit (IEEE 802-2014 8.2).
  [[nodiscard]] constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) {
    return same_words<std::uint16_t>(a, b);
  }
};
static_assert(sizeof(MacAddress) == 6 && alignof(MacAddress) == 1);

/// In the order of the wire: bytes[0] is the first of the dotted quad.
struct Ipv4Address {
  std::array<std::uint8_t, 4> bytes;
  friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;
  friend constexpr bool operator==(const Ipv4Address& a, const Ipv4Address& b) {
    return same_words<std::uint32_t>(a, b);
  }
};
static_assert(sizeof(Ipv4Address) == 4 && alignof(Ipv4Address) == 1);

struct Ipv6Address {
  std::array<std::uint8_t, 16> bytes;
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
  friend constexpr bool operator==(const Ipv6Address& a, const Ipv6Address& b) {
    return same_words<std::uint64_t>(a, b);
  }
};
static_assert(sizeof(Ipv6Address) == 16 && alignof(Ipv6Address) == 1);

/// A TCP port as it lies on the wire.
struct Port {
  BigEndian16 wire;
  Port() = default;
  constexpr explicit Port(std::uint16_t host) : wire{host} {}
  [[nodiscard]] constexpr std::uint16_t host() const { return wire.host(); }
  friend constexpr bool operator==(Port, Port) = default;
};
static_assert(sizeof(Port) == 2 && alignof(Port) == 1);

/// A point in TCP's sequence space, host byte order (RFC 9293 3.4). Order exists only within half the space,
/// so it has names instead of `<`.
class SeqNum {
 public:
  SeqNum() = default;
  constexpr explicit SeqNum(std::uint32_t value) : value_{value} {}
  constexpr explicit SeqNum(BigEndian32 wire) : value_{wire.host()} {}
  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  [[nodiscard]] constexpr BigEndian32 wire() const { return BigEndian32{value_}; }
  friend constexpr bool operator==(SeqNum, SeqNum) = default;
  friend constexpr SeqNum operator+(SeqNum s, std::uint32_t n) { return SeqNum{s.value_ + n}; }
  friend constexpr SeqNum operator-(SeqNum s, std::uint32_t n) { return SeqNum{s.value_ - n}; }
  constexpr SeqNum& operator+=(std::uint32_t n) { return value_ += n, *this; }

 private:
  std::uint32_t value_;
};

/// How far `to` lies behind `from`, in bytes, modulo 2^32; negative when it lies before it.
[[nodiscard]] constexpr std::int32_t distance(SeqNum from, SeqNum to) {
  return static_cast<std::int32_t>(to.value() - from.value());
}
[[nodiscard]] constexpr bool before(SeqNum a, SeqNum b) { return distance(a, b) > 0; }
[[nodiscard]] constexpr bool at_or_before(SeqNum a, SeqNum b) { return distance(a, b) >= 0; }
/// start <= s < start + bytes, in sequence space: RFC 9293's "in the window".
[[nodiscard]] constexpr bool in_window(SeqNum s, SeqNum start, std::uint32_t bytes) {
  return s.value() - start.value() < bytes;
}

enum class Family : std::uint8_t { kIpv4, kIpv6 };

template <Family>
struct AddressOf;
template <>
struct AddressOf<Family::kIpv4> {
  using Type = Ipv4Address;
};
template <>
struct AddressOf<Family::kIpv6> {
  using Type = Ipv6Address;
};
/// Ipv4Address or Ipv6Address: what code that is written once for both families calls its address.
template <Family kFamily>
using Address = typename AddressOf<kFamily>::Type;

}  // namespace synward::wire
