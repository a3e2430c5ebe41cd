// Addresses and networks at random, as floods and blocklists have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "dataplane/wire/prefix.hpp"

namespace synward::bench {

/// So many bits of `first`, and behind them those of `rest`.
template <typename Address>
[[nodiscard]] Address address_in(const Address& first, std::uint8_t bits, const Address& rest) {
  const auto mask = wire::prefix_mask<Address>(bits);
  Address mixed;
  for (std::size_t i = 0; i < mixed.bytes.size(); ++i)
    mixed.bytes[i] =
        static_cast<std::uint8_t>((first.bytes[i] & mask.bytes[i]) | (rest.bytes[i] & ~mask.bytes[i]));
  return mixed;
}
/// The network of so many bits that `address` is in.
template <typename Address>
[[nodiscard]] wire::Prefix network_of(const Address& address, unsigned bits) {
  const auto count = static_cast<std::uint8_t>(bits);
  return {address_in(address, count, Address{}), count};
}
/// Global unicast, if IPv6.
template <wire::Family kFamily>
[[nodiscard]] wire::Address<kFamily> any_address(std::mt19937& random) {
  wire::Address<kFamily> address;
  for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
  if (kFamily == wire::Family::kIpv6)
    address.bytes[0] = static_cast<std::uint8_t>(0x20 | (address.bytes[0] & 0x1f));
  return address;
}
/// Of 20 to 32 bits, or 32 to 64.
template <wire::Family kFamily>
[[nodiscard]] wire::Prefix any_network(std::mt19937& random) {
  constexpr unsigned kLeast = kFamily == wire::Family::kIpv4 ? 20 : 32,
                     kMost = kFamily == wire::Family::kIpv4 ? 32 : 64;
  const auto address = any_address<kFamily>(random);
  return network_of(address, kLeast + static_cast<unsigned>(random() % (kMost - kLeast + 1)));
}

}  // namespace synward::bench
