// The connections of one core: 64-byte buckets of 16 slots beside an array of entries, entry 16 * b + s
// belonging to slot s of bucket b.
//
// A flow has two buckets, drawn from its hash and always different. It lives in the first, or in the second
// when the first was full; a bucket counts how many of its own live elsewhere, so a lookup reads the second
// only when that count is not zero.
//   Lookup: at most two buckets, and one entry for each slot whose 16-bit tag matches: the right one, and on
//   average fewer than 32 / 65,536 others. Nothing is ever longer, whatever the fill and the history.
//   Insert: at most 34 buckets and 32 entries read, one entry moved to its other bucket, one evicted.
//   Memory: (44 + 64 / 16) / 0.75 = 64 bytes for an IPv4 connection, everything included; IPv6 takes 96.
//
// Pointers. insert() may move one entry and may evict one; erase() and sweep() end entries. A Connection* is
// therefore valid until version() changes, and must be looked up again after that. (A lookup that found
// nothing says nothing any more after any insert().)
//
// One writer, the lcore that owns it, and no other reader. No allocation, no clock, no exception but the
// constructor's.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/table/bucket.hpp"
#include "dataplane/table/connection.hpp"
#include "dataplane/table/flow_key.hpp"
#include "dataplane/table/prefetch.hpp"

namespace synward::table {

/// What had to go for a newcomer.
enum class Evicted : std::uint8_t {
  kNothing,
  kPredecessor,  ///< the entry of the same flow, whatever its phase
  kTombstone,    ///< its cookie may open the connection a second time
  kUnfinished,
};

template <wire::Family kFamily>
struct Insertion {
  Connection<kFamily>& connection;  ///< all zero but for what insert() was given
  Evicted evicted;
};

template <wire::Family kFamily>
class ConnectionTable {
 public:
  using Key = FlowKey<kFamily>;
  using Entry = Connection<kFamily>;
  static constexpr std::size_t kBulkMax = 64;
  /// Configured connections per bucket: 75 % of its slots.
  static constexpr std::size_t kConnectionsPerBucket = kBucketSlots * 3 / 4;

  /// Buckets are as many as `connections` fill to 75 %, and at least two. All of `connections` can be stored,
  /// and 25 % more, before anything is refused or evicted.
  [[nodiscard]] static constexpr std::size_t bucket_count(std::size_t connections) {
    return std::max<std::size_t>(2, (connections + kConnectionsPerBucket - 1) / kConnectionsPerBucket);
  }
  [[nodiscard]] static constexpr std::size_t bytes_needed(std::size_t connections) {
    return bucket_count(connections) * (sizeof(Bucket) + kBucketSlots * sizeof(Entry));
  }
  /// `memory` must be zeroed, aligned to 64, hold bytes_needed(connections), and outlive this. Throws
  /// std::invalid_argument when it is too small or misaligned, or `connections` above kMaxConnections.
  static constexpr std::size_t kMaxConnections = std::size_t{1} << 31;
  ConnectionTable(std::span<std::byte> memory, std::size_t connections, const HashSecret& secret, Tick now);
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  /// The two buckets of a flow, and its tag: what its hash says. Of this table only, and for ever.
  struct Place {
    std::uint32_t first, second;
    std::uint16_t tag;
  };
  [[nodiscard]] Place place_of(const Key& key) const { return place_of(hash(key, secret_)); }
  /// `hash`: of the flow, under this table's secret.
  [[nodiscard]] Place place_of(std::uint64_t hash) const;

  /// Null when there is none. Tombstones are found as well. `place`: of this key.
  [[nodiscard]] Entry* find(const Key& key) { return find(key, place_of(key)); }
  [[nodiscard]] Entry* find(const Key& key, const Place& place);
  /// out[i] = find(keys[i]) for i < n <= kBulkMax, with the cache misses of all of them at once. Leaves in
  /// `places`, unless that is null, where they were looked for.
  void find_bulk(const Key* keys, std::size_t n, Entry** out, Place* places = nullptr);
  /// The same for the flows key_of(i), of which hashes[i] are the hashes. A key is asked for only where one
  /// may be found.
  template <typename KeyOf>
  void find_bulk(const std::uint64_t* hashes, std::size_t n, const KeyOf& key_of, Entry** out,
                 Place* places = nullptr);
  /// Fetches what a lookup reads first, so that it need not wait.
  void expect_lookup(std::uint64_t hash) const { __builtin_prefetch(&buckets_[place_of(hash).first]); }

  /// A new connection under `key`, in place of what was there under the same key. When there is no room the
  /// oldest tombstone makes some, then the oldest unfinished connection: the oldest in the flow's two
  /// buckets, or else in the first of their neighbours (the other buckets of those who live there) that has
  /// one. Every other phase stays, and when all are such: nothing, the table is full and unchanged.
  [[nodiscard]] std::optional<Insertion<kFamily>> insert(const Key& key, ConnectionPhase phase,
                                                         Tick deadline) {
    return insert(key, place_of(key), phase, deadline);
  }
  [[nodiscard]] std::optional<Insertion<kFamily>> insert(const Key& key, const Place& place,
                                                         ConnectionPhase phase, Tick deadline);
  /// Fetches the entry that a newcomer will get, so that insert() need not wait for it: to be called some
  /// insertions ahead, and when its buckets were just read. Nothing changes.
  void expect(const Place& place) const;
  void erase(const Entry& entry);

  /// What insert() leaves open, and who inserts says at once: the service, whose live() it is in from here
  /// on.
  void set_service(Entry& entry, std::uint16_t service);
  /// Any thread: how many entries of this service there are, without tombstones; perhaps as a moment ago.
  [[nodiscard]] std::size_t live(std::uint16_t service) const;

  /// Cheap when the deadline moves away, as it does on every packet: the bucket is not written.
  void set_deadline(Entry& entry, Tick deadline);
  void set_phase(Entry& entry, ConnectionPhase phase);
  /// Closed: from here on a tombstone, until `cookie_expires`.
  void bury(Entry& entry, Tick cookie_expires);

  /// Goes on through `buckets` buckets, and hands every connection whose deadline is not after `now` to
  /// `policy(Entry&) -> std::optional<Tick>`: its next deadline, or nothing to erase it. The policy may call
  /// set_phase() on that entry, nothing else that changes the table. `now` never goes back. Call it once per
  /// loop turn, and go round at least once in kMaxTurnTicks, or expiry may come as much later again.
  template <typename Policy>
  void sweep(Tick now, std::size_t buckets, Policy&& policy);
  static constexpr std::uint32_t kMaxTurnTicks = 127;

  /// Changes when an entry moved or ended, and with it all pointers to entries.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// Changes with every insert() that made an entry: what was not there may be there now.
  [[nodiscard]] std::uint64_t insertions() const { return insertions_; }
  [[nodiscard]] std::size_t buckets() const { return bucket_count_; }
  [[nodiscard]] std::size_t slots() const { return bucket_count_ * kBucketSlots; }
  /// Entries of every phase, tombstones included.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t size(ConnectionPhase phase) const {
    return by_phase_[static_cast<std::size_t>(phase)];
  }
  [[nodiscard]] std::size_t live() const { return size_ - size(ConnectionPhase::kTombstone); }

 private:
  [[nodiscard]] Entry* find_in(std::size_t bucket, const Key& key, std::uint16_t tag);
  [[nodiscard]] Entry* free_in(std::size_t bucket) const;
  [[nodiscard]] std::size_t available(Room room) const;
  [[nodiscard]] Entry* oldest_in(std::size_t bucket, Room room);
  [[nodiscard]] Entry* make_room(const Place& place, Room room);
  [[nodiscard]] Entry* displace(const Place& place, Room room);
  [[nodiscard]] Entry* displace(const Place& place, Room room, std::size_t begin, std::size_t end);
  Entry& put(Entry& slot, const Key& key, const Place& place, ConnectionPhase phase, Tick deadline);
  void occupy(Entry& entry, const Place& place);
  void move(const Entry& from, Entry& to);
  void enter_phase(const Entry& entry);
  void leave_phase(const Entry& entry);

  [[nodiscard]] std::size_t index_of(const Entry& entry) const {
    return static_cast<std::size_t>(&entry - entries_);
  }
  [[nodiscard]] std::size_t slot_of(const Entry& entry) const { return index_of(entry) % kBucketSlots; }
  [[nodiscard]] Bucket& bucket_of(const Entry& entry) { return buckets_[index_of(entry) / kBucketSlots]; }
  [[nodiscard]] Entry& entry_at(std::size_t bucket, std::size_t slot) const {
    return entries_[bucket * kBucketSlots + slot];
  }
  /// It may lie across two cache lines; whoever finds or gets it writes to it.
  static void prefetch(const Entry& entry) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&entry);
    prefetch_to_write(bytes);
    prefetch_to_write(bytes + sizeof(Entry) - 1);
  }
  /// One byte cannot hold a far deadline: the sweep then looks earlier, and sets it anew.
  void set_look_at(Bucket& bucket, std::size_t slot, Tick deadline) const {
    bucket.look_at[slot] = static_cast<std::uint8_t>(
        std::clamp(deadline.number, swept_at_.number, swept_at_.number + kMaxTurnTicks));
  }

  Bucket* buckets_;
  Entry* entries_;
  std::size_t bucket_count_;
  HashSecret secret_;
  Tick swept_at_;               ///< tick of the last sweep(), at most one loop turn ago
  std::size_t sweep_next_ = 0;  ///< bucket
  std::uint64_t version_ = 0, insertions_ = 0;
  std::size_t size_ = 0;
  std::array<std::size_t, static_cast<std::size_t>(ConnectionPhase::kCount)> by_phase_{};
  static constexpr std::uint16_t kNoService = 0xffff;  ///< until set_service()
  /// By service. Where nobody looks, the last one counts what has none.
  std::vector<std::uint32_t> live_by_service_ = std::vector<std::uint32_t>(std::size_t{kNoService} + 1);
};

// Inlined everywhere: returned from a call, the halves of a Place are stored one by one and loaded together,
// which no store buffer forwards; the load waits for every older one, and lookups no longer overlap.
template <wire::Family kFamily>
[[gnu::always_inline]] inline auto ConnectionTable<kFamily>::place_of(std::uint64_t hash) const -> Place {
  const auto spread = [](std::uint64_t bits, std::size_t n) {  // 32 of them, evenly over [0, n)
    return static_cast<std::uint32_t>(bits * n >> 32);
  };
  const std::uint32_t first = spread(hash >> 32, bucket_count_);
  const std::size_t second = first + std::size_t{1} + spread(hash & 0xffffffff, bucket_count_ - 1);
  return {.first = first,
          .second = static_cast<std::uint32_t>(second < bucket_count_ ? second : second - bucket_count_),
          .tag = static_cast<std::uint16_t>(hash)};
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline auto ConnectionTable<kFamily>::find_in(std::size_t bucket, const Key& key,
                                                                     std::uint16_t tag) -> Entry* {
  for (SlotSet maybe = buckets_[bucket].with_tag(tag); !maybe.empty(); maybe.remove_first()) {
    Entry& entry = entry_at(bucket, maybe.first());
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline auto ConnectionTable<kFamily>::find(const Key& key, const Place& place)
    -> Entry* {
  if (Entry* const entry = find_in(place.first, key, place.tag)) return entry;
  return buckets_[place.first].overflow == 0 ? nullptr : find_in(place.second, key, place.tag);
}

// Each pass asks for what the next one reads; by then it has come.
template <wire::Family kFamily>
template <typename KeyOf>
inline void ConnectionTable<kFamily>::find_bulk(const std::uint64_t* hashes, std::size_t n,
                                                const KeyOf& key_of, Entry** out, Place* places) {
  assert(n <= kBulkMax);
  std::array<Place, kBulkMax> ours;
  if (places == nullptr) places = ours.data();
  for (std::size_t i = 0; i < n; ++i) {
    places[i] = place_of(hashes[i]);
    __builtin_prefetch(&buckets_[places[i].first]);
  }
  std::array<std::uint8_t, kBulkMax> elsewhere;
  std::size_t elsewhere_count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Bucket& first = buckets_[places[i].first];
    const SlotSet maybe = first.with_tag(places[i].tag);
    out[i] = maybe.empty() ? nullptr : &entry_at(places[i].first, maybe.first());
    if (out[i] != nullptr) {
      prefetch(*out[i]);
    } else if (first.overflow != 0) {
      __builtin_prefetch(&buckets_[places[i].second]);
      elsewhere[elsewhere_count++] = static_cast<std::uint8_t>(i);
    }
  }
  for (std::size_t e = 0; e < elsewhere_count; ++e) {
    const std::size_t i = elsewhere[e];
    const SlotSet maybe = buckets_[places[i].second].with_tag(places[i].tag);
    if (maybe.empty()) continue;
    out[i] = &entry_at(places[i].second, maybe.first());
    prefetch(*out[i]);
  }
  for (std::size_t i = 0; i < n; ++i)
    if (out[i] != nullptr && !(out[i]->key == key_of(i))) out[i] = find(key_of(i), places[i]);
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline void ConnectionTable<kFamily>::expect(const Place& place) const {
  const bool full = buckets_[place.first].offering(Room::kFree).empty();
  if (const Entry* const slot = free_in(full ? place.second : place.first)) prefetch(*slot);
}

/// Null when there is none.
template <wire::Family kFamily>
[[gnu::always_inline]] inline auto ConnectionTable<kFamily>::free_in(std::size_t bucket) const -> Entry* {
  const SlotSet free = buckets_[bucket].offering(Room::kFree);
  return free.empty() ? nullptr : &entry_at(bucket, free.first());
}

template <wire::Family kFamily>
template <typename Policy>
void ConnectionTable<kFamily>::sweep(Tick now, std::size_t buckets, Policy&& policy) {
  swept_at_ = now;
  for (std::size_t n = std::min(buckets, bucket_count_); n > 0; --n) {
    Bucket& bucket = buckets_[sweep_next_];
    for (SlotSet due = bucket.due(now.number); !due.empty(); due.remove_first()) {
      Entry& entry = entry_at(sweep_next_, due.first());
      std::optional<Tick> next = entry.state.deadline.get();
      if (*next <= now) next = policy(entry);
      if (next)
        entry.state.deadline.value_ = *next, set_look_at(bucket, due.first(), *next);
      else
        erase(entry);
    }
    sweep_next_ = sweep_next_ + 1 == bucket_count_ ? 0 : sweep_next_ + 1;
  }
}

extern template class ConnectionTable<wire::Family::kIpv4>;
extern template class ConnectionTable<wire::Family::kIpv6>;

}  // namespace synward::table
