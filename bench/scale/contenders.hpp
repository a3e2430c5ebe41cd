// The connection table and DPDK's rte_hash, as contenders of one interface. Both read one field of the
// connection that they find, which is 1 in each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <string>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>

#include "bench/micro/huge_memory.hpp"
#include "dataplane/table/connection_table.hpp"

namespace synward::bench {

inline constexpr std::size_t kBulk = 64;

/// rte_malloc's memory, for what rte_hash allocates, in pages as large as those of the other contender.
class DpdkHeap {
 public:
  /// Throws std::runtime_error when rte_malloc refuses it.
  explicit DpdkHeap(std::size_t bytes) : bytes_{bytes / kHugePage * kHugePage}, memory_{bytes_} {
    const auto pages = static_cast<unsigned>(bytes_ / kHugePage);
    if (rte_malloc_heap_create(kName) != 0 ||
        rte_malloc_heap_memory_add(kName, memory_.data(), bytes_, nullptr, pages, kHugePage) != 0)
      throw std::runtime_error{std::string{"rte_malloc_heap: "} + rte_strerror(rte_errno)};
  }
  DpdkHeap(const DpdkHeap&) = delete;
  DpdkHeap& operator=(const DpdkHeap&) = delete;
  ~DpdkHeap() {
    rte_malloc_heap_memory_remove(kName, memory_.data(), bytes_);
    rte_malloc_heap_destroy(kName);
  }
  [[nodiscard]] static int socket() { return rte_malloc_heap_get_socket(kName); }
  [[nodiscard]] static std::size_t allocated() {
    rte_malloc_socket_stats stats{};
    return rte_malloc_get_socket_stats(socket(), &stats) == 0 ? stats.heap_allocsz_bytes : 0;
  }
  [[nodiscard]] const std::byte* data() const { return memory_.data(); }

 private:
  static constexpr const char* kName = "bench";
  std::size_t bytes_;
  HugeMemory memory_;
};

template <wire::Family kFamily>
class SynwardTable {
 public:
  using Key = table::FlowKey<kFamily>;
  using Table = table::ConnectionTable<kFamily>;
  using Entry = typename Table::Entry;
  static constexpr const char* kName = "synward";
  /// Further than the sweep can see in one round, as the idle timeout is: 2 h 4 min.
  static constexpr table::Tick kFar = table::after(table::Tick{1}, 124 * 60 * 1000);

  SynwardTable(std::size_t connections, Pages pages)
      : bytes_{bytes(connections)},
        memory_{bytes_, pages},
        table_{{memory_.data(), bytes_}, connections, secret(), table::Tick{1}} {}

  [[nodiscard]] static std::size_t bytes(std::size_t connections) { return Table::bytes_needed(connections); }
  [[nodiscard]] static std::size_t slots(std::size_t connections) {
    return Table::bucket_count(connections) * table::kBucketSlots;
  }

  /// 1 or, when there is none, 0.
  std::uint32_t find(const Key& key) {
    auto* const entry = table_.find(key);
    return entry == nullptr ? 0 : entry->state.half.ts_recent;
  }
  /// How many of kBulk are there.
  std::uint32_t find_bulk(const Key* keys) {
    std::array<Entry*, kBulk> found;
    table_.find_bulk(keys, kBulk, found.data());
    std::uint32_t sum = 0;
    for (auto* const entry : found) sum += entry == nullptr ? 0 : entry->state.half.ts_recent;
    return sum;
  }
  /// False when it is refused, or somebody had to go.
  bool insert(const Key& key) { return insert(key, table_.place_of(key)); }
  /// As in the pipeline: looked up, not found, inserted one after the other. How many of kBulk are in now.
  std::size_t promote_bulk(const Key* keys) {
    std::array<Entry*, kBulk> found;
    std::array<typename Table::Place, kBulk> places;
    table_.find_bulk(keys, kBulk, found.data(), places.data());
    for (std::size_t i = 0; i < kAhead; ++i) table_.expect(places[i]);
    std::size_t inserted = 0;
    for (std::size_t i = 0; i < kBulk; ++i) {
      if (i + kAhead < kBulk) table_.expect(places[i + kAhead]);
      inserted += insert(keys[i], places[i]);
    }
    return inserted;
  }
  /// False when it is not there.
  bool erase(const Key& key) {
    auto* const entry = table_.find(key);
    if (entry != nullptr) table_.erase(*entry);
    return entry != nullptr;
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::byte* memory() const { return memory_.data(); }
  [[nodiscard]] Table& table() { return table_; }
  /// The first part of the table's memory (connection_table.hpp).
  [[nodiscard]] std::span<const table::Bucket> buckets() const {
    return {reinterpret_cast<const table::Bucket*>(memory_.data()), table_.buckets()};
  }

 private:
  static constexpr std::size_t kAhead = 8;  // admit_ack's
  bool insert(const Key& key, const typename Table::Place& place) {
    const auto insertion = table_.insert(key, place, table::ConnectionPhase::kEstablished, kFar);
    if (!insertion) return false;
    insertion->connection.state.half.ts_recent = 1;
    return insertion->evicted == table::Evicted::kNothing;
  }
  static table::HashSecret secret() {
    std::mt19937_64 random{3};
    table::HashSecret secret{};
    for (auto& row : secret.multipliers)
      for (auto& multiplier : row) multiplier = random();
    for (auto& addend : secret.addends) addend = random();
    secret.mixer = random();
    return secret;
  }

  std::size_t bytes_;
  HugeMemory memory_;
  Table table_;
};

/// rte_hash gives a position; the connections lie in an array beside it. It rounds its slots up to a power of
/// two: of a million, of four and of sixteen half are free.
template <wire::Family kFamily>
class RteHashTable {
 public:
  using Key = table::FlowKey<kFamily>;
  static constexpr const char* kName = "rte_hash";

  /// Always in large pages.
  RteHashTable(std::size_t connections, Pages) : heap_{bytes(connections)} {
    rte_hash_parameters parameters{};
    parameters.name = "bench";
    parameters.entries = static_cast<std::uint32_t>(connections * 4 / 3);  // at most 75 % full, as ours
    parameters.key_len = sizeof(Key);
    parameters.socket_id = DpdkHeap::socket();
    hash_ = rte_hash_create(&parameters);
    if (hash_ == nullptr) throw std::runtime_error{std::string{"rte_hash: "} + rte_strerror(rte_errno)};
    const auto positions = static_cast<std::size_t>(rte_hash_max_key_id(hash_)) + 1;
    states_ = static_cast<table::ConnectionState*>(
        rte_zmalloc_socket(nullptr, positions * sizeof *states_, 64, DpdkHeap::socket()));
    if (states_ == nullptr) {
      rte_hash_free(hash_);
      throw std::runtime_error{"rte_hash: no memory for the connections"};
    }
  }
  RteHashTable(const RteHashTable&) = delete;
  RteHashTable& operator=(const RteHashTable&) = delete;
  ~RteHashTable() {
    rte_hash_free(hash_);
    rte_free(states_);
  }

  /// Of the heap; bytes() is what was taken from it.
  [[nodiscard]] static std::size_t bytes(std::size_t connections) {
    return connections * 160 + (std::size_t{64} << 20);
  }

  std::uint32_t find(const Key& key) {
    const std::int32_t at = rte_hash_lookup(hash_, &key);
    return at < 0 ? 0 : states_[at].half.ts_recent;
  }
  std::uint32_t find_bulk(const Key* keys) {
    std::array<const void*, kBulk> pointers;
    std::array<std::int32_t, kBulk> positions;
    for (std::size_t i = 0; i < kBulk; ++i) pointers[i] = &keys[i];
    rte_hash_lookup_bulk(hash_, pointers.data(), kBulk, positions.data());
    std::uint32_t sum = 0;
    for (const std::int32_t at : positions) sum += at < 0 ? 0 : states_[at].half.ts_recent;
    return sum;
  }
  bool insert(const Key& key) { return take(rte_hash_add_key(hash_, &key)); }
  /// It has no insertion in bulk; but the hash of the lookup serves again, as it does ours.
  std::size_t promote_bulk(const Key* keys) {
    std::array<const void*, kBulk> pointers;
    std::array<hash_sig_t, kBulk> hashes;
    std::array<std::int32_t, kBulk> positions;
    for (std::size_t i = 0; i < kBulk; ++i) {
      pointers[i] = &keys[i];
      hashes[i] = rte_hash_hash(hash_, &keys[i]);
    }
    rte_hash_lookup_with_hash_bulk(hash_, pointers.data(), hashes.data(), kBulk, positions.data());
    std::size_t inserted = 0;
    for (std::size_t i = 0; i < kBulk; ++i)
      inserted += take(rte_hash_add_key_with_hash(hash_, &keys[i], hashes[i]));
    return inserted;
  }
  bool erase(const Key& key) { return rte_hash_del_key(hash_, &key) >= 0; }

  [[nodiscard]] std::size_t bytes() const { return DpdkHeap::allocated(); }
  [[nodiscard]] const std::byte* memory() const { return heap_.data(); }

 private:
  bool take(std::int32_t position) {
    if (position < 0) return false;
    states_[position].half.ts_recent = 1;
    return true;
  }

  DpdkHeap heap_;
  rte_hash* hash_;
  table::ConnectionState* states_;
};

}  // namespace synward::bench
