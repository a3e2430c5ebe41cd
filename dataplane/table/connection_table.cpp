#include "dataplane/table/connection_table.hpp"

#include <atomic>
#include <bit>
#include <cassert>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace synward::table {
namespace {

void assign(std::uint16_t& mask, std::size_t slot, bool value) {
  const auto bit = static_cast<std::uint16_t>(1u << slot);
  mask = static_cast<std::uint16_t>(value ? mask | bit : mask & ~bit);
}

/// Of one writer, as in Counter.
void count(std::uint32_t& value, std::int32_t change) {
  const std::atomic_ref shared{value};
  shared.store(shared.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(change),
               std::memory_order_relaxed);
}

/// Of two connections of one phase, whether `a` has stood in it for longer: all go through the same schedule
/// of retransmissions, if any.
bool older(const ConnectionState& a, const ConnectionState& b) {
  if (a.retransmissions != b.retransmissions) return a.retransmissions > b.retransmissions;
  return a.deadline.get() < b.deadline.get();
}

Evicted evicted_by(Room room) {
  if (room == Room::kFree) return Evicted::kNothing;
  return room == Room::kTombstone ? Evicted::kTombstone : Evicted::kUnfinished;
}

}  // namespace

template <wire::Family kFamily>
ConnectionTable<kFamily>::ConnectionTable(std::span<std::byte> memory, std::size_t connections,
                                          const HashSecret& secret, Tick now)
    : bucket_count_{bucket_count(connections)}, secret_{secret}, swept_at_{now} {
  static_assert(kFamily != wire::Family::kIpv4 || (sizeof(Bucket) + kBucketSlots * sizeof(Entry)) <=
                                                      64 * kConnectionsPerBucket);  // everything included
  if (connections > kMaxConnections)
    throw std::invalid_argument("a connection table holds at most " + std::to_string(kMaxConnections) +
                                " connections, not " + std::to_string(connections));
  if (memory.size() < bytes_needed(connections))
    throw std::invalid_argument("a table of " + std::to_string(connections) + " connections needs " +
                                std::to_string(bytes_needed(connections)) + " bytes, not " +
                                std::to_string(memory.size()));
  if (std::bit_cast<std::uintptr_t>(memory.data()) % alignof(Bucket) != 0)
    throw std::invalid_argument("the memory of a connection table must be aligned to 64 bytes");
  buckets_ = reinterpret_cast<Bucket*>(memory.data());
  entries_ = reinterpret_cast<Entry*>(memory.data() + bucket_count_ * sizeof(Bucket));
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::find_bulk(const Key* keys, std::size_t n, Entry** out, Place* places) {
  assert(n <= kBulkMax);
  std::array<std::uint64_t, kBulkMax> hashes;
  for (std::size_t i = 0; i < n; ++i) hashes[i] = hash(keys[i], secret_);
  find_bulk(
      hashes.data(), n, [keys](std::size_t i) -> const Key& { return keys[i]; }, out, places);
}

template <wire::Family kFamily>
auto ConnectionTable<kFamily>::insert(const Key& key, const Place& place, ConnectionPhase phase,
                                      Tick deadline) -> std::optional<Insertion<kFamily>> {
  if (Entry* const same = find(key, place)) {
    erase(*same);
    return Insertion<kFamily>{put(*same, key, place, phase, deadline), Evicted::kPredecessor};
  }
  if (Entry* const slot = free_in(place.first))
    return Insertion<kFamily>{put(*slot, key, place, phase, deadline), Evicted::kNothing};
  for (const Room room : {Room::kFree, Room::kTombstone, Room::kUnfinished})
    if (Entry* const slot = available(room) == 0 ? nullptr : make_room(place, room))
      return Insertion<kFamily>{put(*slot, key, place, phase, deadline), evicted_by(room)};
  return std::nullopt;
}

template <wire::Family kFamily>
std::size_t ConnectionTable<kFamily>::available(Room room) const {
  if (room == Room::kFree) return slots() - size_;
  return size(room == Room::kTombstone ? ConnectionPhase::kTombstone : ConnectionPhase::kUnfinished);
}

/// Null when `bucket` has no such slot.
template <wire::Family kFamily>
auto ConnectionTable<kFamily>::oldest_in(std::size_t bucket, Room room) -> Entry* {
  if (room == Room::kFree) return free_in(bucket);
  Entry* oldest = nullptr;
  for (SlotSet set = buckets_[bucket].offering(room); !set.empty(); set.remove_first()) {
    Entry& entry = entry_at(bucket, set.first());
    if (oldest == nullptr || older(entry.state, oldest->state)) oldest = &entry;
  }
  return oldest;
}

/// A free slot in one of the two buckets, made of `room` there or, by moving one entry, elsewhere. Null when
/// there is no such room.
template <wire::Family kFamily>
auto ConnectionTable<kFamily>::make_room(const Place& place, Room room) -> Entry* {
  Entry* const first = oldest_in(place.first, room);
  if (first != nullptr && room == Room::kFree) return first;  // the second is for when the first is full
  Entry* const second = oldest_in(place.second, room);
  if (first == nullptr && second == nullptr) return displace(place, room);
  Entry* const oldest =
      first == nullptr || (second != nullptr && older(second->state, first->state)) ? second : first;
  if (room != Room::kFree) erase(*oldest);
  return oldest;
}

// One of the first few can move, as a rule; only when none can, all the others are read, at once.
template <wire::Family kFamily>
auto ConnectionTable<kFamily>::displace(const Place& place, Room room) -> Entry* {
  Entry* const slot = displace(place, room, 0, 4);
  return slot != nullptr ? slot : displace(place, room, 4, 2 * kBucketSlots);
}

/// Of the 16 entries of the first bucket and the 16 of the second, [begin, end).
template <wire::Family kFamily>
auto ConnectionTable<kFamily>::displace(const Place& place, Room room, std::size_t begin, std::size_t end)
    -> Entry* {
  const auto candidate = [&](std::size_t i) -> Entry& {
    return entry_at(i < kBucketSlots ? place.first : place.second, i % kBucketSlots);
  };
  std::array<std::uint32_t, 2 * kBucketSlots> others;
  for (std::size_t i = begin; i < end; ++i) {
    const Place of = place_of(candidate(i).key);
    others[i] = of.first == index_of(candidate(i)) / kBucketSlots ? of.second : of.first;
    __builtin_prefetch(&buckets_[others[i]]);
  }
  for (std::size_t i = begin; i < end; ++i) {
    Entry* const to = oldest_in(others[i], room);
    if (to == nullptr) continue;
    if (room != Room::kFree) erase(*to);
    move(candidate(i), *to);
    return &candidate(i);
  }
  return nullptr;
}

/// Books the free slot in which `entry` was written.
template <wire::Family kFamily>
[[gnu::always_inline]] inline void ConnectionTable<kFamily>::occupy(Entry& entry, const Place& place) {
  Bucket& bucket = bucket_of(entry);
  const std::size_t slot = slot_of(entry);
  bucket.tags[slot] = place.tag;
  assign(bucket.occupied, slot, true);
  set_look_at(bucket, slot, entry.state.deadline.get());
  if (&bucket != &buckets_[place.first]) ++buckets_[place.first].overflow;
  ++size_;
  enter_phase(entry);
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::erase(const Entry& entry) {
  Bucket& bucket = bucket_of(entry);
  const std::size_t slot = slot_of(entry);
  leave_phase(entry);
  --size_;
  Bucket& first = buckets_[place_of(entry.key).first];
  if (&bucket != &first) --first.overflow;
  assign(bucket.occupied, slot, false);
  ++version_;
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline void ConnectionTable<kFamily>::enter_phase(const Entry& entry) {
  const ConnectionPhase phase = entry.state.phase.get();
  ++by_phase_[static_cast<std::size_t>(phase)];
  if (phase != ConnectionPhase::kTombstone) count(live_by_service_[entry.state.service], 1);
  assign(bucket_of(entry).tombstones, slot_of(entry), phase == ConnectionPhase::kTombstone);
  assign(bucket_of(entry).unfinished, slot_of(entry), phase == ConnectionPhase::kUnfinished);
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline void ConnectionTable<kFamily>::leave_phase(const Entry& entry) {
  const ConnectionPhase phase = entry.state.phase.get();
  --by_phase_[static_cast<std::size_t>(phase)];
  if (phase != ConnectionPhase::kTombstone) count(live_by_service_[entry.state.service], -1);
  assign(bucket_of(entry).tombstones, slot_of(entry), false);
  assign(bucket_of(entry).unfinished, slot_of(entry), false);
}

template <wire::Family kFamily>
[[gnu::always_inline]] inline auto ConnectionTable<kFamily>::put(Entry& slot, const Key& key,
                                                                 const Place& place, ConnectionPhase phase,
                                                                 Tick deadline) -> Entry& {
  // Where it lies: a copy of an entry made elsewhere would read the key and the zeros just stored there, in
  // other pieces than they were stored in, and so wait for all stores before.
  Entry& entry = *new (&slot) Entry{.key = key, .state = {}};
  entry.state.phase.value_ = phase;
  entry.state.deadline.value_ = deadline;
  entry.state.service = kNoService;
  occupy(entry, place);
  ++insertions_;
  return entry;
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::move(const Entry& from, Entry& to) {
  occupy(*std::construct_at(&to, from), place_of(from.key));
  erase(from);
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::set_service(Entry& entry, std::uint16_t service) {
  leave_phase(entry);
  entry.state.service = service;
  enter_phase(entry);
}

template <wire::Family kFamily>
std::size_t ConnectionTable<kFamily>::live(std::uint16_t service) const {
  auto& value =
      const_cast<std::uint32_t&>(live_by_service_[service]);  // atomic_ref wants it, to read as well
  return std::atomic_ref{value}.load(std::memory_order_relaxed);
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::set_deadline(Entry& entry, Tick deadline) {
  if (deadline < entry.state.deadline.get()) set_look_at(bucket_of(entry), slot_of(entry), deadline);
  entry.state.deadline.value_ = deadline;
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::set_phase(Entry& entry, ConnectionPhase phase) {
  leave_phase(entry);
  entry.state.phase.value_ = phase;
  enter_phase(entry);
}

template <wire::Family kFamily>
void ConnectionTable<kFamily>::bury(Entry& entry, Tick cookie_expires) {
  set_phase(entry, ConnectionPhase::kTombstone);
  set_deadline(entry, cookie_expires);
  entry.state.retransmissions = 0;
}

template class ConnectionTable<wire::Family::kIpv4>;
template class ConnectionTable<wire::Family::kIpv6>;

}  // namespace synward::table
