#include "dataplane/steering.hpp"

#include <bit>

namespace synward {
namespace {

/// The 32 key bits that begin at `bit`: what input bit number `bit` adds to the hash.
std::uint32_t key_window(const Steering::Key& key, std::size_t bit) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 5; ++i) bits = bits << 8 | key[bit / 8 + i];
  return static_cast<std::uint32_t>(bits >> (8 - bit % 8));
}

}  // namespace

Steering::Steering(const Key& key, std::uint16_t cores) : key_(key) {
  for (std::size_t i = 0; i < kEntries; ++i) table_[i] = static_cast<std::uint16_t>(i % cores);
  for (std::size_t byte = 0; byte < kInputBytes; ++byte) {
    for (std::size_t value = 0; value < 256; ++value) {
      std::uint32_t sum = 0;
      for (std::size_t bit = 0; bit < 8; ++bit) {
        if ((value & (0x80u >> bit)) != 0) sum ^= key_window(key, 8 * byte + bit);
      }
      contribution_[byte][value] = sum;
    }
  }
}

std::uint32_t Steering::toeplitz(std::span<const std::uint8_t> input) const {
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < input.size(); ++i) hash ^= contribution_[i][input[i]];
  return hash;
}

template <wire::Family kFamily>
std::uint16_t Steering::owner(const wire::Address<kFamily>& a, const wire::Address<kFamily>& b,
                              wire::Port a_port, wire::Port b_port) const {
  constexpr std::size_t kAddressBytes = sizeof a.bytes;
  // RSS hashes source and destination one after the other; the symmetric function hashes their XOR in both
  // places.
  std::array<std::uint8_t, 2 * kAddressBytes + 4> input;
  for (std::size_t i = 0; i < kAddressBytes; ++i) {
    input[i] = input[kAddressBytes + i] = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
  }
  const auto ports = std::bit_cast<std::array<std::uint8_t, 2>>(static_cast<std::uint16_t>(
      std::bit_cast<std::uint16_t>(a_port) ^ std::bit_cast<std::uint16_t>(b_port)));
  for (std::size_t i = 0; i < 4; ++i) input[2 * kAddressBytes + i] = ports[i % 2];
  return table_[toeplitz(input) & (kEntries - 1)];
}

template std::uint16_t Steering::owner<wire::Family::kIpv4>(const wire::Ipv4Address&,
                                                            const wire::Ipv4Address&, wire::Port,
                                                            wire::Port) const;
template std::uint16_t Steering::owner<wire::Family::kIpv6>(const wire::Ipv6Address&,
                                                            const wire::Ipv6Address&, wire::Port,
                                                            wire::Port) const;

}  // namespace synward
