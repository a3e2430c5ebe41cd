// Addresses as people write them.
#pragma once

#include <arpa/inet.h>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "dataplane/wire/net_types.hpp"

namespace synward::test {

/// Throws on anything inet_pton does not take, so a typo fails its test by name.
inline wire::Ipv4Address ip4(const std::string& text) {
  wire::Ipv4Address address{};
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) != 1) throw std::invalid_argument{text};
  return address;
}

inline wire::Ipv6Address ip6(const std::string& text) {
  wire::Ipv6Address address{};
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) != 1) throw std::invalid_argument{text};
  return address;
}

/// Six pairs of hexadecimal digits with colons between them.
inline wire::MacAddress mac(const std::string& text) {
  wire::MacAddress address{};
  auto& b = address.bytes;
  char behind = 0;
  // NOLINTNEXTLINE(cert-err34-c): two digits cannot overflow, and anything else is counted
  const int fields = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &b[0], &b[1], &b[2],
                                 &b[3], &b[4], &b[5], &behind);
  if (fields != 6) throw std::invalid_argument{text};
  return address;
}

}  // namespace synward::test
