#include "bench/load/benchmark_range.hpp"

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

struct Range {
  std::array<std::uint8_t, 6> prefix;
  unsigned bits;
};
constexpr Range kRange4{{198, 18}, 15}, kRange6{{0x20, 0x01, 0x00, 0x02, 0x00, 0x00}, 48};

std::span<const std::uint8_t> bytes_of(const IpAddress& address) {
  return std::visit([](const auto& a) { return std::span<const std::uint8_t>{a.bytes}; }, address);
}

bool same_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  for (unsigned bit = 0; bit < bits; ++bit) {
    if (((a[bit / 8] ^ b[bit / 8]) & (0x80u >> bit % 8)) != 0) return false;
  }
  return true;
}

/// `bits` of the address are fixed, so everything under such a prefix is in the range, or some of it is not.
bool is_for_benchmarks(const IpAddress& address, unsigned bits) {
  const Range& range = address.index() == 0 ? kRange4 : kRange6;
  return bits >= range.bits && same_bits(bytes_of(address), range.prefix, range.bits);
}

std::optional<IpAddress> parse_address(const std::string& text) {
  wire::Ipv4Address ip4{};
  if (inet_pton(AF_INET, text.c_str(), ip4.bytes.data()) == 1) return ip4;
  wire::Ipv6Address ip6{};
  if (inet_pton(AF_INET6, text.c_str(), ip6.bytes.data()) == 1) return ip6;
  return std::nullopt;
}

/// The whole of `text` as a number from `least` to `most`.
std::optional<unsigned> parse_number(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
    return std::nullopt;
  return number;
}

std::string text_of(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.index() == 0 ? AF_INET : AF_INET6, bytes_of(address).data(), text.data(), text.size());
  return text.data();
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw std::invalid_argument(text + ": " + why);
}

}  // namespace

Target Target::parse(const std::string& text) {
  const auto colon = std::min(text.rfind(':'), text.size());
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  const auto port = parse_number(std::string_view{text}.substr(std::min(colon + 1, text.size())), 1, 65535);
  if (!address || !port || bracketed != (address->index() == 1))
    refuse(text, "a target is ADDRESS:PORT, like 198.18.0.10:443 or [2001:2::10]:443");
  if (!is_for_benchmarks(*address, 128)) refuse(text, kOnlyBenchmarkRanges);
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
  const auto slash = std::min(text.find('/'), text.size());
  auto address = parse_address(text.substr(0, slash));
  const unsigned most = address && address->index() == 1 ? 128 : 32;
  const auto bits =
      slash == text.size() ? most : parse_number(std::string_view{text}.substr(slash + 1), 0, most);
  if (!address || !bits) refuse(text, "a source is ADDRESS/BITS, like 198.19.0.0/16 or 2001:2:0:1::/64");
  if (!is_for_benchmarks(*address, *bits)) refuse(text, kOnlyBenchmarkRanges);
  std::visit(
      [&](auto& a) {
        for (unsigned bit = *bits; bit < 8 * a.bytes.size(); ++bit)
          a.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
      },
      *address);
  return SourcePrefix{*address, *bits};
}

SourcePrefix SourcePrefix::default_for(const IpAddress& address) {
  return parse(address.index() == 0 ? "198.19.0.0/16" : "2001:2:0:8000::/49");
}

}  // namespace synward::load
