// Whether an address lies in any of many prefixes, at a cost that does not depend on how many there are.
//
//   address -> 20 bits: its first, or over IPv6 a hash of its first 32 -> a bit: may it be in the set?
//           -> its first 12 bits: all addresses that begin so, or a node of a trie
//           -> six bits, and six more, ...: a slot of a node. None of the prefixes begins so; or one does:
//              the address is compared with it; or several do: a node further
//
// Nearly all addresses, also those of a flood, end at the first bit: 128 KiB, which stay in L2. Those of whom
// the set is made pass a node or two, and all of a burst take a step before any takes the next one, so that
// none waits alone for its memory. (The nodes are those of "Poptrie": Asai, Ohara, SIGCOMM 2015; but they
// have no next hops, and no chain of them leads to one prefix.)
//
// Immutable once built: the control thread builds it, any worker looks up.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::service {

template <wire::Family kFamily>
class PrefixSet {
 public:
  using Address = wire::Address<kFamily>;
  struct Prefix {
    Address address;    ///< zero behind `bits`
    std::uint8_t bits;  ///< 0: every address
  };
  static constexpr unsigned kRootBits = 12;  ///< of the first step
  static constexpr unsigned kStride = 6;     ///< bits of the others: 64 slots, a word
  /// Nodes on the longest way.
  static constexpr unsigned kMostNodes = (8 * sizeof(Address) - kRootBits + kStride - 1) / kStride;
  static constexpr std::size_t kMostAtOnce = 64;

  /// Control thread. In any order; one may cover another.
  explicit PrefixSet(std::vector<Prefix> prefixes);

  [[nodiscard]] bool empty() const { return filter_.empty(); }
  /// Any worker. False: the address is not in the set, which is not empty.
  [[nodiscard]] bool may_have(const Address& address) const {
    const bool filtered = has_bit(filter_, filter_bit(address));
    return filtered || (asks_whole_ && has_bit(whole_, Bits{address}.take(kRootBits)));
  }
  /// Any worker. Of the addresses whose bits are set in `candidates`, bit 0 for the first, those in the set,
  /// which is not empty.
  [[nodiscard]] std::uint64_t find(std::uint64_t candidates,
                                   const std::array<const Address*, kMostAtOnce>& addresses) const;
  /// Memory that lookups read, bytes.
  [[nodiscard]] std::size_t bytes() const {
    return (filter_.size() + whole_.size()) * sizeof filter_[0] + nodes_.size() * sizeof nodes_[0] +
           entries_.size() * sizeof entries_[0];
  }

 private:
  static constexpr bool kIpv4 = kFamily == wire::Family::kIpv4;
  static constexpr unsigned kFilterBits = 20;             ///< of the index into the filter
  static constexpr unsigned kFiltered = kIpv4 ? 20 : 32;  ///< bits of an address that choose its bit

  /// A slot is in `one` or in `several`, or in neither. Entries and nodes stand in the order of their slots.
  struct Node {
    std::uint64_t one = 0, several = 0;
    std::uint32_t first_entry = 0, first_node = 0;
  };

  /// A prefix, as addresses are compared with it.
  struct Entry {
    using Words = std::array<std::uint32_t, sizeof(Address) / 4>;
    explicit Entry(const Prefix& prefix)
        : wanted{std::bit_cast<Words>(prefix.address)},
          mask{std::bit_cast<Words>(wire::prefix_mask<Address>(prefix.bits))} {}
    [[nodiscard]] bool covers(const Address& address) const {
      const auto words = std::bit_cast<Words>(address);
      std::uint32_t differs = 0;
      for (std::size_t i = 0; i < words.size(); ++i) differs |= (words[i] ^ wanted[i]) & mask[i];
      return differs == 0;
    }
    Words wanted, mask;  // as on the wire
  };

  /// An address in host byte order, from its first bit on; behind its last one come zeros.
  class Bits {
   public:
    Bits() = default;
    explicit Bits(const Address& address) {
      const auto words = std::bit_cast<std::array<wire::BigEndian32, sizeof address / 4>>(address);
      high_ = std::uint64_t{words[0].host()} << 32;
      low_ = 0;
      if constexpr (!kIpv4) {
        high_ |= words[1].host();
        low_ = std::uint64_t{words[2].host()} << 32 | words[3].host();
      }
    }
    /// The next `count`, 1 to 31.
    unsigned take(unsigned count) {
      const auto taken = static_cast<unsigned>(high_ >> (64 - count));
      high_ <<= count;
      if constexpr (!kIpv4) {
        high_ |= low_ >> (64 - count);
        low_ <<= count;
      }
      return taken;
    }

   private:
    std::uint64_t high_, low_;
  };

  [[nodiscard]] static bool has_bit(const std::vector<std::uint64_t>& words, std::uint32_t bit) {
    return (words[bit / 64] >> bit % 64 & 1) != 0;
  }
  [[nodiscard]] static std::uint32_t filter_bit(const Address& address) {
    using Words = std::array<wire::BigEndian32, sizeof address / 4>;
    return filter_bit(std::bit_cast<Words>(address)[0].host());
  }
  /// Of the first 32 bits of an address, host byte order.
  [[nodiscard]] static std::uint32_t filter_bit(std::uint32_t first) {
    return (kIpv4 ? first : first * 0x9e37'79b9u) >> (32 - kFilterBits);
  }
  /// Sets the bit of every address that one of the prefixes, which do not overlap, covers. Over IPv6 those of
  /// kRootBits and fewer, which would set most bits, are left to `whole_`.
  void fill_filter(const std::vector<Prefix>& prefixes);
  /// Makes the nodes for these, which are in order and do not overlap.
  void make_nodes(const std::vector<Prefix>& prefixes);

  bool asks_whole_ = false;  // may_have(): the filter is not all
  std::vector<std::uint64_t> filter_;
  std::vector<std::uint64_t> whole_;  // of each value of the first 12 bits a bit: all these are in the set
  std::vector<Node> nodes_;           // one for each such value, and then the others
  std::vector<Entry> entries_;
};

}  // namespace synward::service
