// Addresses that begin alike, as operators write them: 198.18.0.0/15.
#pragma once

#include <cstdint>
#include <variant>

#include "dataplane/wire/net_types.hpp"

namespace synward::wire {

struct Prefix {
  std::variant<Ipv4Address, Ipv6Address> address;
  std::uint8_t bits;  ///< of `address` that count; the others are zero
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

}  // namespace synward::wire
