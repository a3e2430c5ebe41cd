// Which service a frame belongs to. Immutable once built: the control thread builds it, every worker reads
// it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/service/row_table.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::service {

/// What our SYN-ACK promises, when the client asks for it. It must hold until the cookie that promised it has
/// expired.
struct Profile {
  std::uint16_t mss = 1460;         ///< the largest segment we take, bytes (RFC 9293 3.7.1)
  std::uint32_t window = 1u << 20;  ///< receive window, bytes
  std::uint8_t window_scale = 7;    ///< our shift (RFC 7323 2.2), used only when the client offers one
  bool sack = true, timestamps = true;
};

/// What the operator wants of a service. One that he takes out of the config keeps its ServiceId, which
/// connections have.
enum class Standing : std::uint8_t {
  kServed,
  kRetired,  ///< its connections and the handshakes under way go on; its SYNs are those of no service
  kGone,     ///< what is addressed to it belongs to no service
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
  /// Since when these timeouts are in force, on the clock of CoreState::now.mono_ms: deadlines from before
  /// were set by others.
  std::uint64_t timeouts_since_ms = 0;
  Standing standing = Standing::kServed;
};

/// Lookup by address and port in one probe per distinct prefix length of the family, however many services
/// there are.
class ServiceTable {
 public:
  /// The services whose prefixes have one length.
  template <wire::Family kFamily>
  struct Level {
    ServiceKey<kFamily> mask;    ///< one bits where the prefix and the port are
    RowTable<kFamily> services;  ///< by prefix and port
    RowTable<kFamily> owned;     ///< by prefix and kAnyPort: one of the prefix's services, whichever
  };
  static constexpr wire::Port kAnyPort{0};

  /// Control thread. `services`, by ServiceId, have distinct (prefix, port) pairs: config validation has seen
  /// to that.
  explicit ServiceTable(std::vector<Service> services);

  /// Any worker. The service of the longest prefix that covers `address` with this port; kNoService when
  /// there is none.
  template <wire::Family kFamily>
  [[nodiscard]] ServiceId find(const wire::Address<kFamily>& address, wire::Port port) const {
    const ServiceKey<kFamily> key{address, port};
    for (const auto& level : levels<kFamily>()) {
      const auto service = level.services.find(key & level.mask);
      if (service != kNoService) return service;
    }
    return kNoService;
  }
  /// Any worker. Whether `address` belongs to any service, whatever the port: the addresses that an endpoint
  /// answers for.
  template <wire::Family kFamily>
  [[nodiscard]] bool owns(const wire::Address<kFamily>& address) const {
    if (!neighborhoods<kFamily>().has(address)) return false;
    const ServiceKey<kFamily> key{address, kAnyPort};
    for (const auto& level : levels<kFamily>()) {
      if (level.owned.find(key & level.mask) != kNoService) return true;
    }
    return false;
  }

  /// Any worker, to do what find() does for many keys at once. Longest prefix first: the first level that has
  /// a service for a key decides.
  template <wire::Family kFamily>
  [[nodiscard]] const std::vector<Level<kFamily>>& levels() const {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return levels4_;
    } else {
      return levels6_;
    }
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
  /// Whether any is kRetired.
  [[nodiscard]] bool has_retired() const { return has_retired_; }
  [[nodiscard]] bool is_retired(ServiceId id) const {
    return has_retired_ && services_[id].standing == Standing::kRetired;
  }

 private:
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
  /// Of one family; longest prefix first.
  template <wire::Family kFamily>
  void make_levels(std::vector<Level<kFamily>>& levels, Neighborhoods<kFamily>& near) const;

  std::vector<Service> services_;
  bool has_retired_;
  std::vector<Level<wire::Family::kIpv4>> levels4_;
  std::vector<Level<wire::Family::kIpv6>> levels6_;
  Neighborhoods<wire::Family::kIpv4> near4_;
  Neighborhoods<wire::Family::kIpv6> near6_;
};

}  // namespace synward::service
