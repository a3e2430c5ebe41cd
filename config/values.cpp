#include "config/values.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>

#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace synward::config {
namespace {

constexpr std::uint16_t kMaxLcore = 126;  // DPDK has 128, and the control thread needs one

template <typename Integer>
bool read_number(std::string_view& text, Integer& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

template <typename Address>
bool host_bits_are_zero(const Address& address, std::uint8_t prefix_bits) {
  for (std::size_t bit = prefix_bits; bit < 8 * sizeof address.bytes; ++bit) {
    if ((address.bytes[bit / 8] & (0x80u >> bit % 8)) != 0) return false;
  }
  return true;
}

/// ::ffff:0:0/96 never is an address on the wire (RFC 4291 2.5.5.2).
constexpr std::uint8_t kMappedBits = 96;
bool is_ipv4_mapped(const wire::Ipv6Address& address) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
}
bool is_ipv4_mapped(const wire::Ipv4Address&) { return false; }

/// The kernel interface of a device string, or nothing.
std::string_view interface_of(std::string_view device) {
  constexpr std::string_view kMark = ",iface=";
  const auto at = device.find(kMark);
  if (at == std::string_view::npos) return {};
  const auto rest = device.substr(at + kMark.size());
  return rest.substr(0, rest.find(','));
}

/// Nothing when `host` is no address of this family, or has not so many bits.
template <typename Address>
std::optional<wire::Prefix> parse_prefix(int family, const std::string& host,
                                         std::optional<std::uint8_t> bits) {
  Address address{};
  constexpr std::uint8_t kAll = 8 * sizeof address.bytes;
  if (inet_pton(family, host.c_str(), address.bytes.data()) != 1 || bits.value_or(kAll) > kAll) return {};
  if (!host_bits_are_zero(address, bits.value_or(kAll))) return {};
  if (is_ipv4_mapped(address) && bits.value_or(kAll) >= kMappedBits) return {};
  return wire::Prefix{address, bits.value_or(kAll)};
}

}  // namespace

std::vector<std::uint16_t> parse_lcores(std::string_view text) {
  std::set<std::uint16_t> lcores;
  std::size_t named = 0;
  while (true) {
    std::uint16_t first = 0, last = 0;
    if (!read_number(text, first)) return {};
    last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!read_number(text, last)) return {};
    }
    if (first > last || last > kMaxLcore) return {};
    for (std::uint16_t lcore = first; lcore <= last; ++lcore, ++named) lcores.insert(lcore);
    if (text.empty()) break;
    if (!text.starts_with(',')) return {};
    text.remove_prefix(1);
  }
  if (named != lcores.size()) return {};
  return {lcores.begin(), lcores.end()};
}

std::optional<wire::Prefix> parse_prefix(const std::string& text) {
  const auto slash = text.find('/');
  std::optional<std::uint8_t> bits;
  if (slash != std::string::npos) {
    std::string_view rest{text};
    rest.remove_prefix(slash + 1);
    std::uint8_t number = 0;
    if (!read_number(rest, number) || !rest.empty() || number == 0) return {};
    bits = number;
  }
  const std::string host = text.substr(0, slash);
  if (host.find('\0') != std::string::npos) return {};  // where inet_pton() would stop reading
  const auto prefix = parse_prefix<wire::Ipv4Address>(AF_INET, host, bits);
  return prefix ? prefix : parse_prefix<wire::Ipv6Address>(AF_INET6, host, bits);
}

bool parse_address(const std::string& text, Service& service) {
  const auto prefix = parse_prefix(text);
  if (!prefix) return false;
  service.address = prefix->address;
  service.prefix_bits = prefix->bits;
  return std::visit(
      [](const auto& address) {
        return !is_multicast(address) && !is_broadcast(address) && !is_loopback(address) &&
               !is_unspecified(address);
      },
      prefix->address);
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = text.substr(0, colon), rest = text.substr(colon + 1);
  SocketAddress made{};
  if (!read_number(rest, made.port) || !rest.empty() || made.port == 0) return {};
  const bool six = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (six) host = host.substr(1, host.size() - 2);
  if (host.find('\0') != std::string_view::npos) return {};  // where inet_pton() would stop reading
  if (six) made.address = wire::Ipv6Address{};
  const bool good = std::visit(
      [&](auto& address) {
        return inet_pton(six ? AF_INET6 : AF_INET, std::string{host}.c_str(), address.bytes.data()) == 1;
      },
      made.address);
  return good ? std::optional{made} : std::nullopt;
}

bool is_interface_name(std::string_view text) {
  constexpr std::size_t kLongest = 15;
  return !text.empty() && text.size() <= kLongest && text != "." && text != ".." &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return c == '/' || c == ':' || c == ',' || std::isgraph(static_cast<unsigned char>(c)) == 0;
         });
}

std::string nic_device(std::string_view text) {
  const auto comma = std::min(text.find(','), text.size());
  const std::string_view name = text.substr(0, comma), arguments = text.substr(comma);
  if (is_interface_name(name) && !name.starts_with("net_")) return std::string{text};
  std::string address;
  for (const char c : name) address += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto fits = [&address](std::string_view shape) {
    return std::equal(address.begin(), address.end(), shape.begin(), shape.end(), [](char c, char as) {
      return as == 'x' ? std::isxdigit(static_cast<unsigned char>(c)) != 0 : c == as;
    });
  };
  if (fits("xx:xx:xx:xx:xx:xx")) return address.append(arguments);
  if (fits("xx:xx.x")) address.insert(0, "0000:");
  if (!fits("xxxx:xx:xx.x") || address.back() > '7') return {};
  return address.append(arguments);
}

bool same_device(std::string_view one, std::string_view other) {
  const auto interface = interface_of(one);
  return one.substr(0, one.find(',')) == other.substr(0, other.find(',')) ||
         (!interface.empty() && interface == interface_of(other));
}

}  // namespace synward::config
