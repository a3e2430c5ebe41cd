// Addresses that begin alike, as operators write them: 198.18.0.0/15.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "dataplane/wire/net_types.hpp"

namespace synward::wire {

struct Prefix {
  std::variant<Ipv4Address, Ipv6Address> address;
  std::uint8_t bits;  ///< of `address` that count; the others are zero
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// An address whose first `bits` are ones, the others zeros.
template <typename Address>
[[nodiscard]] constexpr Address prefix_mask(std::uint8_t bits) {
  Address mask{};
  for (std::size_t i = 0; i < mask.bytes.size(); ++i) {
    const int ones = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    mask.bytes[i] = static_cast<std::uint8_t>(0xff00u >> ones);
  }
  return mask;
}

}  // namespace synward::wire
