#include "dataplane/steering.hpp"

#include <algorithm>
#include <bit>
#include <random>

namespace synward {
namespace {

constexpr std::size_t kKeyBits = 8 * Toeplitz::kKeyBytes, kIndexBits = 7;
static_assert(Steering::kEntries == 1u << kIndexBits);

/// Which bits of the two keys are equal: each has the number of the first of its set. Those of the client's
/// key come first, then the backend's; in each the most significant of a byte is first.
class EqualBits {
 public:
  constexpr EqualBits() {
    for (std::size_t bit = 0; bit < first_.size(); ++bit) first_[bit] = static_cast<std::uint16_t>(bit);
    both_ways(32, 0);  // IPv4: addresses, then ports
    both_ways(16, 64);
    both_ways(128, 0);  // IPv6
    both_ways(16, 256);
    for (std::size_t bit = 0; bit < first_.size(); ++bit) first_[bit] = of(bit);
  }
  [[nodiscard]] constexpr std::uint16_t of(std::size_t bit) const {
    while (first_[bit] != bit) bit = first_[bit];
    return static_cast<std::uint16_t>(bit);
  }

 private:
  /// A field of `bits` bits and its counterpart, one after the other from bit `at` of the input, change
  /// places.
  constexpr void both_ways(std::size_t bits, std::size_t at) {
    agree(bits, at, at + bits);
    agree(bits, at + bits, at);
  }
  /// Bit number i of the hash gets from bit number b of the input that of the key which has the number b + 31
  /// - i.
  constexpr void agree(std::size_t bits, std::size_t at_clients, std::size_t at_backends) {
    for (std::size_t bit = 0; bit < bits; ++bit) {
      for (std::size_t i = 0; i < kIndexBits; ++i)
        unite(at_clients + bit + 31 - i, kKeyBits + at_backends + bit + 31 - i);
    }
  }
  constexpr void unite(std::size_t a, std::size_t b) {
    const std::uint16_t of_a = of(a), of_b = of(b);
    first_[std::max(of_a, of_b)] = std::min(of_a, of_b);
  }
  std::array<std::uint16_t, 2 * kKeyBits> first_{};
};

/// The 32 key bits that begin at `bit`: what input bit number `bit` adds to the hash.
std::uint32_t key_window(const Toeplitz::Key& key, std::size_t bit) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 5; ++i) bits = bits << 8 | key[bit / 8 + i];
  return static_cast<std::uint32_t>(bits >> (8 - bit % 8));
}

}  // namespace

Toeplitz::Toeplitz(const Key& key) {
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

Steering::Keys::Keys(const Seed& seed) {
  static constexpr EqualBits kEqualBits;
  const auto copy_bit = [&](std::size_t number, Toeplitz::Key& key, std::size_t bit) {
    const std::uint16_t from = kEqualBits.of(number);
    const unsigned value = seed[from / 8] >> (7 - from % 8) & 1u;
    key[bit / 8] = static_cast<std::uint8_t>(key[bit / 8] | value << (7 - bit % 8));
  };
  for (std::size_t bit = 0; bit < kKeyBits; ++bit) {
    copy_bit(bit, client, bit);
    copy_bit(kKeyBits + bit, backend, bit);
  }
}

Steering::Steering(const Seed& seed, std::uint16_t cores) : keys_{seed} {
  for (std::size_t i = 0; i < kEntries; ++i) table_[i] = static_cast<std::uint16_t>(i % cores);
  std::uint64_t number = 0;
  for (std::size_t byte = 0; byte < sizeof number; ++byte)
    number = number << 8 | seed[2 * Toeplitz::kKeyBytes + byte];
  std::mt19937_64 random{number};
  std::shuffle(table_.begin(), table_.end(), random);
}

template <wire::Family kFamily>
std::uint16_t Steering::owner(const wire::Address<kFamily>& client, const wire::Address<kFamily>& service,
                              wire::Port client_port, wire::Port service_port) const {
  struct Input {
    wire::Address<kFamily> client, service;
    wire::Port client_port, service_port;
  };
  const auto input = std::bit_cast<std::array<std::uint8_t, sizeof(Input)>>(
      Input{client, service, client_port, service_port});
  return table_[toeplitz_(input) & (kEntries - 1)];
}

template std::uint16_t Steering::owner<wire::Family::kIpv4>(const wire::Ipv4Address&,
                                                            const wire::Ipv4Address&, wire::Port,
                                                            wire::Port) const;
template std::uint16_t Steering::owner<wire::Family::kIpv6>(const wire::Ipv6Address&,
                                                            const wire::Ipv6Address&, wire::Port,
                                                            wire::Port) const;

}  // namespace synward
