// Whom this tool may load, and who it may pretend to be. It is for laboratories: targets are addresses that
// no Internet router forwards, private, link-local, loopback or set apart for benchmarks (198.18.0.0/15, RFC
// 2544 C.2.2; 2001:2::/48, RFC 5180 8), unless somebody names what else is his own; sources are those of the
// benchmark ranges, unless somebody names private space. A Target or a SourcePrefix is made by parse() alone,
// which refuses everything else.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <sys/socket.h>
#include <variant>

#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::load {

using IpAddress = std::variant<wire::Ipv4Address, wire::Ipv6Address>;

/// The end of the sentence in every refusal, and in --help.
inline constexpr const char* kAllowedTargets =
    "targets are private, link-local, loopback or benchmark addresses (198.18.0.0/15, 2001:2::/48); "
    "--allow-target names a network of your own beyond these";
inline constexpr const char* kAllowedSources =
    "sources are of the benchmark ranges 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180), or of private "
    "space (RFC 1918, RFC 4193)";

/// "198.18.0.0/15", "2001:2::/48", or an address alone; its host bits are forgotten. Throws
/// std::invalid_argument, one sentence.
[[nodiscard]] wire::Prefix parse_prefix(const std::string& text);
[[nodiscard]] bool contains(const wire::Prefix& prefix, const IpAddress& address);
/// "198.18.0.0/15"
[[nodiscard]] std::string text_of(const wire::Prefix& prefix);
[[nodiscard]] std::string text_of(const IpAddress& address);

/// Who is loaded: an address and a TCP port.
class Target {
 public:
  /// "198.18.0.10:443" or "[2001:2::10]:443"; `allowed` are networks beyond kAllowedTargets. Throws
  /// std::invalid_argument, one sentence.
  static Target parse(const std::string& text, std::span<const wire::Prefix> allowed = {});

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

/// Where segments claim to come from.
class SourcePrefix {
 public:
  /// "198.19.0.0/16" or "2001:2:0:1::/64". Throws std::invalid_argument, one sentence.
  static SourcePrefix parse(const std::string& text);
  /// The upper half of the range of `address`'s family, or, for IPv6, a network of its own: who takes targets
  /// and real clients from elsewhere in the ranges will not meet spoofed ones.
  static SourcePrefix default_for(const IpAddress& address);
  /// Where the load tester's own clients come from: apart from those, and from the addresses with which
  /// laboratories begin.
  static SourcePrefix clients_for(const IpAddress& address);

  [[nodiscard]] const IpAddress& address() const { return prefix_.address; }  ///< its host bits are zero
  [[nodiscard]] unsigned bits() const { return prefix_.bits; }
  [[nodiscard]] const wire::Prefix& prefix() const { return prefix_; }

 private:
  explicit SourcePrefix(const wire::Prefix& prefix) : prefix_{prefix} {}
  wire::Prefix prefix_;
};

}  // namespace synward::load
