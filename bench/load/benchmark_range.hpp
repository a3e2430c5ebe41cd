// The only addresses that this tool ever sends to, or pretends to send from: those set apart for benchmarks,
// 198.18.0.0/15 (RFC 2544 C.2.2, RFC 6890) and 2001:2::/48 (RFC 5180 8). No network routes them, so no flag,
// no typing error and no bad intention makes it a weapon. A Target or a SourcePrefix cannot be made in any
// other way than by parse(), which refuses everything else.
#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <variant>

#include "dataplane/wire/net_types.hpp"

namespace synward::load {

using IpAddress = std::variant<wire::Ipv4Address, wire::Ipv6Address>;

/// The end of the sentence in every refusal, and in --help.
inline constexpr const char* kOnlyBenchmarkRanges =
    "only the benchmark ranges 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180) are allowed";

/// Who is loaded: an address and a TCP port.
class Target {
 public:
  /// "198.18.0.10:443" or "[2001:2::10]:443". Throws std::invalid_argument, one sentence.
  static Target parse(const std::string& text);

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] wire::Port port() const { return port_; }
  [[nodiscard]] std::string text() const;
  /// The same station, another port.
  [[nodiscard]] Target with_port(wire::Port port) const { return Target{address_, port}; }
  /// For connect(): the length of `out` that counts.
  socklen_t to_sockaddr(sockaddr_storage& out) const;

 private:
  Target(const IpAddress& address, wire::Port port) : address_{address}, port_{port} {}
  IpAddress address_;
  wire::Port port_;
};

/// Where spoofed segments claim to come from.
class SourcePrefix {
 public:
  /// "198.19.0.0/16" or "2001:2:0:1::/64". Throws std::invalid_argument, one sentence.
  static SourcePrefix parse(const std::string& text);
  /// The upper half of the range of `address`'s family, or, for IPv6, a network of its own: who takes targets
  /// and real clients from elsewhere in the ranges will not meet spoofed ones.
  static SourcePrefix default_for(const IpAddress& address);

  [[nodiscard]] const IpAddress& address() const { return address_; }  ///< its host bits are zero
  [[nodiscard]] unsigned bits() const { return bits_; }

 private:
  SourcePrefix(const IpAddress& address, unsigned bits) : address_{address}, bits_{bits} {}
  IpAddress address_;
  unsigned bits_;
};

}  // namespace synward::load
