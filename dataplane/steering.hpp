// Which core a flow belongs to: owner(flow) = table[toeplitz(client, service) & (size - 1)], the same for
// both directions of a connection, in software and, where a NIC can be programmed with these keys and this
// table, in hardware.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/net_types.hpp"

namespace synward {

/// Microsoft's hash of RSS, as NICs compute it, by one key. Immutable; any thread.
class Toeplitz {
 public:
  static constexpr std::size_t kKeyBytes = 40, kInputBytes = 36;
  using Key = std::array<std::uint8_t, kKeyBytes>;

  explicit Toeplitz(const Key& key);
  /// `input`: at most kInputBytes.
  [[nodiscard]] std::uint32_t operator()(std::span<const std::uint8_t> input) const {
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < input.size(); ++i) hash ^= contribution_[i][input[i]];
    return hash;
  }

 private:
  // What each value of each input byte adds to the hash: 36 lookups instead of 288 conditional XORs. 36 KiB;
  // IPv4 touches 12.
  std::array<std::array<std::uint32_t, 256>, kInputBytes> contribution_;
};

/// RSS (Microsoft's Toeplitz hash over both addresses, then both ports) for ports that face each other. A
/// segment of a client has the client first; its answer has it second, so it needs another key to get the
/// same hash. The usual way, one key of a 16-bit word again and again, sees only the XOR of all 16-bit words,
/// and whoever knows that fills one queue. Here each port has a key of its own, and only those bits of the
/// two are equal on which the same bits of a flow meet in the low bits of the hash, those that choose an
/// entry: all other bits are drawn at random at start, and so is the order of the table, so that nobody
/// outside knows flows that share a core. (But for one flow, and those to a service that is an IPv6 prefix:
/// bits 64 to 95 of both addresses count alike.) Immutable once built; any worker reads it.
class Steering {
 public:
  static constexpr std::size_t kEntries = 128;
  /// Bytes at random, of which both keys and the table are made.
  using Seed = std::array<std::uint8_t, 2 * Toeplitz::kKeyBytes + 8>;

  /// `cores` from 1 to 65535: the table deals them out evenly, in an order at random. In turn, with a power
  /// of two of them, only the lowest bits of the hash would choose, and there are flows that differ in none
  /// of these whatever the keys: their addresses and ports differ by the same in the same low bits.
  Steering(const Seed& seed, std::uint16_t cores);

  template <wire::Family kFamily>
  [[nodiscard]] std::uint16_t owner(const wire::Address<kFamily>& client,
                                    const wire::Address<kFamily>& service, wire::Port client_port,
                                    wire::Port service_port) const;

  /// For ports at which segments of clients come in, and for those of backends.
  [[nodiscard]] const Toeplitz::Key& client_key() const { return keys_.client; }
  [[nodiscard]] const Toeplitz::Key& backend_key() const { return keys_.backend; }
  [[nodiscard]] const std::array<std::uint16_t, kEntries>& table() const { return table_; }

 private:
  struct Keys {
    explicit Keys(const Seed& seed);
    Toeplitz::Key client{}, backend{};
  };
  Keys keys_;
  Toeplitz toeplitz_{keys_.client};
  std::array<std::uint16_t, kEntries> table_;
};

}  // namespace synward
