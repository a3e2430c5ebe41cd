// Which service a frame belongs to. Immutable once built: the control thread builds it, every worker reads
// it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "dataplane/wire/net_types.hpp"

namespace synward::service {

/// Index of a service in the table; what lanes and connections carry.
using ServiceId = std::uint16_t;
inline constexpr ServiceId kNoService = 0xffff;

/// What our SYN-ACK promises, when the client asks for it. It must hold until the cookie that promised it has
/// expired.
struct Profile {
  std::uint16_t mss = 1460;         ///< the largest segment we take, bytes (RFC 9293 3.7.1)
  std::uint32_t window = 1u << 20;  ///< receive window, bytes
  std::uint8_t window_scale = 7;    ///< our shift (RFC 7323 2.2), used only when the client offers one
  bool sack = true, timestamps = true;
};

struct Service {
  std::string name;
  std::variant<wire::Ipv4Address, wire::Ipv6Address> address;
  std::uint8_t prefix_bits = 32;  ///< of `address`; 32 or 128: one address
  wire::Port port{0};
  Profile profile;
  std::uint32_t idle_timeout_ms =
      7'440'000;                     ///< of an open connection, then an RST; 2 h 4 min: RFC 5382 REQ-5
  std::uint32_t close_after_ms = 0;  ///< of silence, then our FIN; 0: only when the client closes
};

/// Lookup by address and port in one probe per distinct prefix length of the family, however many services
/// there are.
class ServiceTable {
 public:
  /// Control thread. `services` have distinct (prefix, port) pairs: config validation has seen to that.
  explicit ServiceTable(std::vector<Service> services);

  /// Any worker. The service of the longest prefix that covers `address` with this port; kNoService when
  /// there is none.
  template <wire::Family kFamily>
  [[nodiscard]] ServiceId find(const wire::Address<kFamily>& address, wire::Port port) const {
    if (port.host() == kAnyPort) return kNoService;
    for (const auto& level : levels<kFamily>()) {
      if (const auto* row = level.probe(address, port.host()); row != nullptr) return row->id;
    }
    return kNoService;
  }
  /// Any worker. Whether `address` belongs to any service, whatever the port: the addresses that an endpoint
  /// answers for.
  template <wire::Family kFamily>
  [[nodiscard]] bool owns(const wire::Address<kFamily>& address) const {
    if (!neighborhoods<kFamily>().has(address)) return false;
    for (const auto& level : levels<kFamily>()) {
      if (level.probe(address, kAnyPort) != nullptr) return true;
    }
    return false;
  }

  /// For kernels (simd/kernels.hpp): the bits that owns() looks at first, 4096 of them, in words of 32.
  /// The bit of an address is the upper 12 of its first 32 bits, as they lie on the wire, times 0x9e3779b9;
  /// of an IPv4 address its first 16 bits, shifted up by 16.
  template <wire::Family kFamily>
  [[nodiscard]] const std::uint32_t* neighborhood_words() const {
    return neighborhoods<kFamily>().words();
  }
  [[nodiscard]] const Service& operator[](ServiceId id) const { return services_[id]; }
  [[nodiscard]] std::size_t size() const { return services_.size(); }

 private:
  /// The rows of this port stand for "owned, whatever the port".
  static constexpr std::uint16_t kAnyPort = 0;

  /// One probed hash table for all prefixes of one length. Three probes a SYN: so all of it can be inlined.
  template <wire::Family kFamily>
  struct Level {
    static constexpr bool kIpv4 = kFamily == wire::Family::kIpv4;
    /// An address as it lies on the wire, in as few registers as possible.
    using Words = std::conditional_t<kIpv4, std::array<std::uint32_t, 1>, std::array<std::uint64_t, 2>>;
    struct Row {
      Words prefix;
      std::uint16_t port;
      ServiceId id;
      bool used;
    };
    std::uint8_t prefix_bits;
    Words mask;             // one bits where the prefix is
    std::vector<Row> rows;  // power of two, at most half full

    [[nodiscard]] Words masked(const wire::Address<kFamily>& address) const {
      auto words = std::bit_cast<Words>(address);
      for (std::size_t i = 0; i < words.size(); ++i) words[i] &= mask[i];
      return words;
    }
    /// Where `prefix` is, or the free row where it would go. The rows are the operator's, not an attacker's,
    /// and every probe is bounded by the longest run of used rows: an unkeyed mix will do.
    [[nodiscard]] std::size_t place(const Words& prefix, std::uint16_t port) const {
      std::uint64_t hash = port;
      for (const auto word : prefix) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
      }
      const std::size_t last = rows.size() - 1;
      std::size_t at = hash & last;
      const auto differs = [&](const Row& row) {
        return row.port != port || !wire::same_words<typename Words::value_type>(row.prefix, prefix);
      };
      while (rows[at].used && differs(rows[at])) at = (at + 1) & last;
      return at;
    }
    [[nodiscard]] const Row* probe(const wire::Address<kFamily>& address, std::uint16_t port) const {
      const Row& row = rows[place(masked(address), port)];
      return row.used ? &row : nullptr;
    }
  };
  template <wire::Family kFamily>
  [[nodiscard]] const std::vector<Level<kFamily>>& levels() const {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return levels4_;
    } else {
      return levels6_;
    }
  }
  /// Which /16 of IPv4, or /32 of IPv6, may have an address of any service: strangers, and nearly all clients
  /// are strangers, cost one load from a table that stays in L1, and a branch that is nearly always the same.
  template <wire::Family kFamily>
  class Neighborhoods {
   public:
    [[nodiscard]] bool has(const wire::Address<kFamily>& address) const {
      const std::uint32_t bit = index_of(address);
      return (words_[bit / 32] >> bit % 32 & 1) != 0;
    }
    [[nodiscard]] const std::uint32_t* words() const { return words_.data(); }
    /// All that a prefix of so many bits touches.
    void add(const wire::Address<kFamily>& address, unsigned prefix_bits);

   private:
    static constexpr bool kIpv4 = kFamily == wire::Family::kIpv4;
    static constexpr unsigned kPrefixBits = kIpv4 ? 16 : 32, kIndexBits = 12;
    /// Several neighborhoods may share a bit.
    [[nodiscard]] static std::uint32_t index_of(const wire::Address<kFamily>& address) {
      using Words = std::array<std::uint32_t, sizeof address / 4>;
      const std::uint32_t first = std::bit_cast<Words>(address)[0];
      return (kIpv4 ? first << 16 : first) * 0x9e37'79b9u >> (32 - kIndexBits);
    }
    std::array<std::uint32_t, (1u << kIndexBits) / 32> words_{};
  };
  template <wire::Family kFamily>
  [[nodiscard]] const Neighborhoods<kFamily>& neighborhoods() const {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return near4_;
    } else {
      return near6_;
    }
  }
  template <wire::Family kFamily>
  void add(const wire::Address<kFamily>& address, const Service& service, ServiceId id,
           std::vector<Level<kFamily>>& levels, Neighborhoods<kFamily>& near);

  std::vector<Service> services_;
  std::vector<Level<wire::Family::kIpv4>> levels4_;  // longest prefix first
  std::vector<Level<wire::Family::kIpv6>> levels6_;
  Neighborhoods<wire::Family::kIpv4> near4_;
  Neighborhoods<wire::Family::kIpv6> near6_;
};

}  // namespace synward::service
