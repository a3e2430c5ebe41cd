#include "bench/load/rails.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <charconv>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <stdexcept>

namespace synward::load {
namespace {

using wire::Prefix;

std::span<const std::uint8_t> bytes_of(const IpAddress& address) {
  return std::visit([](const auto& a) { return std::span<const std::uint8_t>{a.bytes}; }, address);
}

constexpr wire::Ipv6Address v6(std::uint8_t first, std::uint8_t second, std::uint8_t fourth = 0,
                               std::uint8_t last = 0) {
  return {{first, second, 0, fourth, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
}
constexpr std::array<Prefix, 2> kBenchmarks{{
    {wire::Ipv4Address{{198, 18, 0, 0}}, 15},  // RFC 2544 C.2.2, RFC 6890
    {v6(0x20, 0x01, 2), 48},                   // RFC 5180 8
}};
constexpr std::array<Prefix, 4> kPrivate{{
    {wire::Ipv4Address{{10, 0, 0, 0}}, 8},  // RFC 1918
    {wire::Ipv4Address{{172, 16, 0, 0}}, 12},
    {wire::Ipv4Address{{192, 168, 0, 0}}, 16},
    {v6(0xfc, 0), 7},  // RFC 4193
}};
constexpr std::array<Prefix, 4> kLocal{{
    {wire::Ipv4Address{{169, 254, 0, 0}}, 16},  // link-local: RFC 3927
    {wire::Ipv4Address{{127, 0, 0, 0}}, 8},
    {v6(0xfe, 0x80), 10},  // link-local: RFC 4291 2.5.6
    {v6(0, 0, 0, 1), 128},
}};

/// Whether all of `inner` lies in one of `outer`.
bool lies_in(const Prefix& inner, std::span<const Prefix> outer) {
  return std::ranges::any_of(
      outer, [&](const Prefix& p) { return p.bits <= inner.bits && contains(p, inner.address); });
}

std::optional<IpAddress> parse_address(const std::string& text) {
  wire::Ipv4Address ip4{};
  if (inet_pton(AF_INET, text.c_str(), ip4.bytes.data()) == 1) return ip4;
  wire::Ipv6Address ip6{};
  if (inet_pton(AF_INET6, text.c_str(), ip6.bytes.data()) == 1) return ip6;
  return std::nullopt;
}

/// Multicast or broadcast, or reserved beside them.
bool is_group(const IpAddress& address) {
  return bytes_of(address)[0] >= (address.index() == 0 ? 224 : 0xff);
}

/// The whole of `text` as a number from `least` to `most`.
std::optional<unsigned> parse_number(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
    return std::nullopt;
  return number;
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw std::invalid_argument(text + ": " + why);
}

}  // namespace

Prefix parse_prefix(const std::string& text) {
  const auto slash = std::min(text.find('/'), text.size());
  auto address = parse_address(text.substr(0, slash));
  const unsigned most = address && address->index() == 1 ? 128 : 32;
  const auto bits =
      slash == text.size() ? most : parse_number(std::string_view{text}.substr(slash + 1), 0, most);
  if (!address || !bits) refuse(text, "a prefix is ADDRESS/BITS, like 198.19.0.0/16 or 2001:2:0:1::/64");
  const auto length = static_cast<std::uint8_t>(*bits);
  std::visit(
      [&]<typename A>(A& a) {
        const A mask = wire::prefix_mask<A>(length);
        for (std::size_t i = 0; i < a.bytes.size(); ++i) a.bytes[i] &= mask.bytes[i];
      },
      *address);
  return {*address, length};
}

bool contains(const Prefix& prefix, const IpAddress& address) {
  if (prefix.address.index() != address.index()) return false;
  const auto a = bytes_of(prefix.address), b = bytes_of(address);
  for (unsigned bit = 0; bit < prefix.bits; ++bit) {
    if (((a[bit / 8] ^ b[bit / 8]) & (0x80u >> bit % 8)) != 0) return false;
  }
  return true;
}

std::string text_of(const Prefix& prefix) {
  return text_of(prefix.address) + "/" + std::to_string(prefix.bits);
}

std::string text_of(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.index() == 0 ? AF_INET : AF_INET6, bytes_of(address).data(), text.data(), text.size());
  return text.data();
}

Target Target::parse(const std::string& text, std::span<const Prefix> allowed) {
  const auto colon = std::min(text.rfind(':'), text.size());
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  const auto port = parse_number(std::string_view{text}.substr(std::min(colon + 1, text.size())), 1, 65535);
  if (!address || !port || bracketed != (address->index() == 1))
    refuse(text, "a target is ADDRESS:PORT, like 198.18.0.10:443 or [2001:2::10]:443");
  if (is_group(*address)) refuse(text, "TCP has no group addresses (RFC 9293 3.9.2.3)");
  const Prefix alone{*address, static_cast<std::uint8_t>(address->index() == 0 ? 32 : 128)};
  if (!lies_in(alone, kBenchmarks) && !lies_in(alone, kPrivate) && !lies_in(alone, kLocal) &&
      !lies_in(alone, allowed))
    refuse(text, kAllowedTargets);
  return Target{*address, wire::Port{static_cast<std::uint16_t>(*port)}};
}

std::string Target::text() const {
  const std::string host = text_of(address_);
  return (address_.index() == 0 ? host : "[" + host + "]") + ":" + std::to_string(port_.host());
}

socklen_t Target::to_sockaddr(sockaddr_storage& out) const {
  out = {};
  if (const auto* ip4 = std::get_if<wire::Ipv4Address>(&address_)) {
    auto& in = reinterpret_cast<sockaddr_in&>(out);
    in.sin_family = AF_INET;
    in.sin_port = std::bit_cast<in_port_t>(port_);
    in.sin_addr = std::bit_cast<in_addr>(*ip4);
    return sizeof in;
  }
  auto& in6 = reinterpret_cast<sockaddr_in6&>(out);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = std::bit_cast<in_port_t>(port_);
  in6.sin6_addr = std::bit_cast<in6_addr>(std::get<wire::Ipv6Address>(address_));
  return sizeof in6;
}

SourcePrefix SourcePrefix::parse(const std::string& text) {
  const Prefix prefix = parse_prefix(text);
  if (!lies_in(prefix, kBenchmarks) && !lies_in(prefix, kPrivate)) refuse(text, kAllowedSources);
  return SourcePrefix{prefix};
}

SourcePrefix SourcePrefix::default_for(const IpAddress& address) {
  return parse(address.index() == 0 ? "198.19.0.0/16" : "2001:2:0:8000::/49");
}

SourcePrefix SourcePrefix::clients_for(const IpAddress& address) {
  return parse(address.index() == 0 ? "198.18.64.0/24" : "2001:2:0:4000::/64");
}

}  // namespace synward::load
