// Which core a flow belongs to: owner(flow) = reta[toeplitz(4-tuple) & (size - 1)], the same for both
// directions of a connection, in software and, where a NIC can be programmed with this key and table, in
// hardware.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/net_types.hpp"

namespace synward {

/// The Toeplitz hash over the XOR of both addresses and both ports, as
/// RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ has it: turning a flow round changes nothing. The key is drawn at
/// random at start, so nobody outside can aim flows at one core; but the XOR means that whoever sends many
/// tuples of the same XOR has them all on one core, whatever the key. Immutable once built; any worker reads
/// it.
class Steering {
 public:
  static constexpr std::size_t kKeyBytes = 40, kEntries = 128;
  using Key = std::array<std::uint8_t, kKeyBytes>;

  /// `cores` from 1 to 65535: the table deals them out in turn.
  Steering(const Key& key, std::uint16_t cores);

  /// `a` and `b` are the two ends, in either order.
  template <wire::Family kFamily>
  [[nodiscard]] std::uint16_t owner(const wire::Address<kFamily>& a, const wire::Address<kFamily>& b,
                                    wire::Port a_port, wire::Port b_port) const;
  /// The hash of `input`, at most 36 bytes: what a NIC computes with this key.
  [[nodiscard]] std::uint32_t toeplitz(std::span<const std::uint8_t> input) const;

  [[nodiscard]] const Key& key() const { return key_; }
  [[nodiscard]] const std::array<std::uint16_t, kEntries>& table() const { return table_; }

 private:
  static constexpr std::size_t kInputBytes = 36;
  Key key_;
  std::array<std::uint16_t, kEntries> table_;
  // What each value of each input byte adds to the hash: 36 lookups instead of 288 conditional XORs. 36 KiB;
  // IPv4 touches 12.
  std::array<std::array<std::uint32_t, 256>, kInputBytes> contribution_;
};

}  // namespace synward
