// Services by prefix and port, each found by one probe: all of them are known before the first lookup, so the
// table is built such that no two want the same row ("hash and displace": Belazzougui, Botelho,
// Dietzfelbinger, ESA 2009). A lookup has no loop, and no branch that depends on what is looked up, so those
// of many packets overlap.
//
//   key -> hash, 64 bits -> its highest bits: a bucket, which a few keys share -> the bucket's multiplier
//                        -> its lower half, times the multiplier: a row, which no other key has
//
// A row is a key with its service in the 16 bits that a key leaves zero:
//
//   bits    63     48 47  32 31          0
//          +---------+------+-------------+
//   IPv4   | service | port | address     |     one word
//          +---------+------+-------------+
//   IPv6   | service | port | 0           |     behind two words of address; and 8 bytes of nothing, so that
//          +---------+------+-------------+     no row lies in two cache lines
//
// Immutable once built: the control thread builds it, any worker looks up.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/wire/net_types.hpp"

namespace synward::service {

/// Index of a service in the table; what lanes and connections carry.
using ServiceId = std::uint16_t;
inline constexpr ServiceId kNoService = 0xffff;

/// What a service is found by: an address, or the prefix of one, and a port, all as they lie on the wire, in
/// as few registers as possible. Also which of their bits count: a mask.
template <wire::Family kFamily>
struct ServiceKey {
  static constexpr bool kIpv4 = kFamily == wire::Family::kIpv4;
  static constexpr unsigned kPortBit = 32, kServiceBit = 48;  ///< of the last word; the service: of a row
  static constexpr std::size_t kWords = kIpv4 ? 1 : 3;

  ServiceKey() = default;
  ServiceKey(const wire::Address<kFamily>& address, wire::Port port) {
    if constexpr (kIpv4) {
      words[0] = std::bit_cast<std::uint32_t>(address);
    } else {
      const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(address);
      words = {halves[0], halves[1], 0};
    }
    words.back() |= std::uint64_t{std::bit_cast<std::uint16_t>(port)} << kPortBit;
  }
  [[nodiscard]] friend ServiceKey operator&(ServiceKey a, const ServiceKey& b) {
    for_each_word([&](std::size_t i) { a.words[i] &= b.words[i]; });
    return a;
  }
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;

  /// Without a loop: gcc 12 leaves one of three turns as it is, and then the words lie in memory.
  template <typename Run>
  static void for_each_word(Run&& run) {
    [&]<std::size_t... kIndices>(std::index_sequence<kIndices...>) { (run(kIndices), ...); }
    (std::make_index_sequence<kWords>{});
  }

  std::array<std::uint64_t, kWords> words;
};

template <wire::Family kFamily>
class RowTable {
 public:
  using Key = ServiceKey<kFamily>;
  struct Entry {
    Key key;
    ServiceId service;
  };
  class alignas(Key::kIpv4 ? 8 : 32) Row {
   public:
    Row() : Row{{.key = {{}, wire::Port{0}}, .service = kNoService}} {}  // free
    explicit Row(const Entry& entry) : key_{entry.key} {
      key_.words.back() |= std::uint64_t{entry.service} << Key::kServiceBit;
    }
    [[nodiscard]] bool is_free() const { return service() == kNoService; }
    /// Of the row for `wanted`: kNoService when that is in no table.
    [[nodiscard]] ServiceId service_of(const Key& wanted) const {
      std::uint64_t differs = 0;
      Key::for_each_word([&](std::size_t i) {
        const bool is_last = i + 1 == Key::kWords;
        differs |= (key_.words[i] ^ wanted.words[i]) << (is_last ? 64 - Key::kServiceBit : 0);
      });
      return differs == 0 ? service() : kNoService;
    }

   private:
    [[nodiscard]] ServiceId service() const {
      return static_cast<ServiceId>(key_.words.back() >> Key::kServiceBit);
    }
    Key key_;
  };

  /// Control thread. Of entries with the same key the first counts; none is for kNoService.
  explicit RowTable(std::vector<Entry> entries);

  /// The only row where `key` can be. Who looks up many gets all their rows first, and asks for their memory.
  [[nodiscard]] const Row& row_for(const Key& key) const {
    const std::uint64_t hash = hash_of(key);
    return rows_[row_of(hash, multipliers_[bucket_of(hash)])];
  }
  /// kNoService when there is none.
  [[nodiscard]] ServiceId find(const Key& key) const { return row_for(key).service_of(key); }

 private:
  /// The keys are the operator's, not an attacker's, and a probe is one, whatever is looked up: so the hash
  /// need not be secret.
  [[nodiscard]] std::uint64_t hash_of(const Key& key) const {
    std::uint64_t hash = 0;
    Key::for_each_word([&](std::size_t i) {
      hash = (hash ^ key.words[i]) * mix_[i];
      hash ^= hash >> 32;  // or upper halves would hardly matter
    });
    return hash;
  }
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const { return hash >> bucket_shift_; }
  [[nodiscard]] std::size_t row_of(std::uint64_t hash, std::uint32_t multiplier) const {
    return (static_cast<std::uint32_t>(hash) * multiplier) >> row_shift_;
  }
  /// Fills the table, or says that it cannot be done with this mix. Sorts the entries.
  [[nodiscard]] bool place_all(std::vector<Entry>& entries);
  /// The same for those of one bucket.
  [[nodiscard]] bool place(std::span<const Entry> bucket);

  decltype(Key::words) mix_;  // odd numbers, as random as it takes
  unsigned bucket_shift_ = 0, row_shift_ = 0;
  std::vector<std::uint8_t> multipliers_;  // of buckets, odd; a byte each: few cache lines
  std::vector<Row> rows_;                  // a third to three quarters full
};

}  // namespace synward::service
