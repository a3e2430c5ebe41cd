// What synward knows of each backend, learned from the backends' own SYN-ACKs to real clients: what our
// SYN-ACKs may promise on its behalf, and whether it is up.
//
// Any core answers a SYN, another one judges the cookie that comes back, up to two slots later, and not all
// of the promise is in the cookie. So a promise is a function of (backend, slot), the same on every core,
// and frozen:
//  - An entry has two words (profile_word.hpp). For slot s counts the one with the latest start that is not
//    after s; when there is none, the backend is unknown for s, and its SYNs are passed on to it.
//  - The first word is in force at once: nothing was promised before.
//  - In slot n only a word that starts in n + 2 is written, over the older one, and only when the newer one
//    has been in force since n - 2 or longer. That newer word alone is what counts for n - 2 to n + 1, before
//    and after the write; so whatever was said for slot s is said until s + 2 ends, on clocks that are a few
//    seconds apart as well. A backend changes what we promise once in four slots at most; until it may,
//    what is learned of it is left to a later answer.
//  - A change down, to the least of the word and the answer, is due at once; a change up when all the answers
//    of kRecentSlots whole slots were higher, to the least of those. `recent` collects it.
//
// Memory order. A word is one atomic, so it is never torn. Which of two words counts needs no order between
// them: the one that counts for a living slot is not written, the other one's start rules it out before and
// after. That all cores agree on a change is a matter of time: it is written a minute or more before the
// slot that asks for it. Only the first word is used in the slot in which it is written; who still misses it
// passes a SYN on. Its store precedes the SYN-ACK that rests on it (release here, and x86 keeps stores in
// order up to the NIC's doorbell), and so the ACK. Two writers: both compare-and-swap the older word, whose
// value tells its slot, and the newer word cannot be replaced while the older one still stands; the loser's
// answer is lost, as if it had not come.
// An entry is claimed (empty -> claimed), filled, then published by a release store of its owner, which
// find() acquires. Who meets a claimed entry gives up: the key is that one's or nowhere behind it, for
// whatever lies behind was placed when that entry was taken. Nobody waits for anybody.
//
// Threat model. Only a SYN-ACK from the inside makes an entry, and entries stay: an outsider adds none, and
// a flood writes nothing here. An insider who answers from many addresses can fill the table; backends that
// find no place stay unknown, unprotected, and counted. The hash is keyed (table/flow_key.hpp) and a lookup
// reads kMaxProbes entries at most. A client chooses what it asks for: options that it leaves out teach
// nothing. Where a backend's MSS or window follows the client's own, one client can lower the promise, as
// long as it goes on; and where a backend refuses some clients by a reset, one of them can keep it marked
// down.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <optional>
#include <variant>
#include <vector>

#include "dataplane/cookie/slot_keys.hpp"
#include "dataplane/proxy/profile_word.hpp"
#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::proxy {

/// One backend as the control thread sees it.
struct BackendReading {
  std::variant<wire::Ipv4Address, wire::Ipv6Address> address;
  wire::Port port{0};
  std::optional<Promise> promise;  ///< of the slot asked for
  bool down = false;
  std::uint64_t handshakes = 0, refusals = 0, silences = 0;
};

/// All cores share one, and none ever waits. No allocation after the constructor, no clock: slots are
/// cookie::Slot, the other times milliseconds of the monotonic clock.
class BackendProfiles {
 public:
  /// Of an entry; it never changes.
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xffff;
  static constexpr std::size_t kDefaultCapacity = 4096, kMaxCapacity = 32768, kMaxProbes = 32;
  static constexpr std::uint64_t kDownMs = 1000;
  static constexpr std::int32_t kRecentSlots = 4;

  /// `capacity` entries, of which half are used. Throws std::invalid_argument unless it is a power of two
  /// from 2 to kMaxCapacity. `memory` outlives this.
  explicit BackendProfiles(const table::HashSecret& secret, std::size_t capacity = kDefaultCapacity,
                           std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  BackendProfiles(const BackendProfiles&) = delete;
  BackendProfiles& operator=(const BackendProfiles&) = delete;

  // Any core. Of kNone nothing is known, nor is anything learned.

  /// kNone when it is not there. One hash and, on average, less than two entries.
  template <wire::Family kFamily>
  [[nodiscard]] Index find(const wire::Address<kFamily>& address, wire::Port port) const;

  /// What SYN-ACKs of `slot` promise: the current one, or that of a cookie that is still accepted.
  [[nodiscard]] std::optional<Promise> promise(Index index, cookie::Slot slot) const {
    if (index == kNone) return std::nullopt;
    const Entry& entry = entries_[index];
    std::uint64_t best = 0;
    std::int32_t best_age = 0;
    for (const auto& atomic : entry.words) {
      const std::uint64_t word = atomic.load(std::memory_order_acquire);
      const std::int32_t age = slots_in_force(word, slot);
      if (word == 0 || age < 0 || (best != 0 && age > best_age)) continue;
      best = word, best_age = age;
    }
    return best == 0 ? std::nullopt : std::optional{promise_of(profile_in(best))};
  }
  [[nodiscard]] bool is_down(Index index, std::uint64_t mono_ms) const {
    return index != kNone && mono_ms < entries_[index].down_until_ms.load(std::memory_order_relaxed);
  }

  /// A SYN-ACK of this backend, in slot `now`. Adds the backend when it is unknown; kNone when there is no
  /// room, or when another core is adding one in its place this very moment. Writes nothing when it tells
  /// nothing new. A window or an MSS of 0 is no promise that could be kept, and teaches nothing.
  template <wire::Family kFamily>
  Index learn(const wire::Address<kFamily>& address, wire::Port port, const SynAckFacts& facts,
              cookie::Slot now) {
    const Index index = place(Key::of<kFamily>(address, port, secret_));
    learn(index, facts, now);
    return index;
  }
  void learn(Index index, const SynAckFacts& facts, cookie::Slot now);

  /// A real handshake was answered by a reset, or not at all after all retries: down for kDownMs.
  void refused(Index index, std::uint64_t mono_ms);
  void silent(Index index, std::uint64_t mono_ms);
  /// A SYN-ACK came: up at once.
  void reached(Index index);

  [[nodiscard]] std::size_t capacity() const { return entries_.size(); }
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// SYN-ACKs of backends that found no place.
  [[nodiscard]] std::uint64_t unplaced() const { return unplaced_.load(std::memory_order_relaxed); }

  /// Hands a BackendReading of each entry to `visitor`, while others write. Control thread.
  template <typename Visitor>
  void for_each(cookie::Slot slot, std::uint64_t mono_ms, Visitor&& visitor) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (const auto reading = read(static_cast<Index>(i), slot, mono_ms)) visitor(*reading);
    }
  }

 private:
  /// What an entry is found by. `owner`: kPublished, the family and the port in one word.
  struct Key {
    using Address = std::array<std::uint64_t, 2>;  // as it lies on the wire; IPv4: zeros behind
    template <wire::Family kFamily>
    [[nodiscard]] static Key of(const wire::Address<kFamily>& address, wire::Port port,
                                const table::HashSecret& secret) {
      Key key{.address = {},
              .owner = kPublished | (kFamily == wire::Family::kIpv6 ? kIpv6 : 0) | port.host(),
              .hash = table::hash<kFamily>(
                  {.client = {}, .service = address, .client_port = wire::Port{0}, .service_port = port},
                  secret)};
      std::memcpy(key.address.data(), &address, sizeof address);
      return key;
    }
    Address address;
    std::uint32_t owner;
    std::uint64_t hash;
  };
  static constexpr std::uint32_t kEmpty = 0, kClaimed = 1;  // neither is published
  static constexpr std::uint32_t kPublished = 1u << 31, kIpv6 = 1u << 16;

  /// One cache line: all that a SYN asks for, and nothing that a handshake writes.
  struct alignas(64) Entry {
    std::atomic<std::uint32_t> owner{kEmpty};
    Key::Address address{};  // written once, while claimed
    std::array<std::atomic<std::uint64_t>, 2> words{};
    std::atomic<std::uint64_t> recent{0};  // the least seen since some slot, as a word; 0: nothing above
    std::atomic<std::uint64_t> down_until_ms{0};

    [[nodiscard]] bool is(const Key& key, std::uint32_t owner_read) const {
      return owner_read == key.owner && wire::same_words<std::uint64_t>(address, key.address);
    }
  };
  static_assert(sizeof(Entry) == 64);
  struct alignas(32) Counts {
    std::atomic<std::uint64_t> handshakes{0}, refusals{0}, silences{0};
  };

  /// Entry numbers in the order in which a key tries them: an odd step reaches all of a power of two.
  class Probe {
   public:
    Probe(const Key& key, std::size_t capacity)
        : mask_{capacity - 1}, at_{key.hash & mask_}, step_{key.hash >> 32 | 1} {}
    [[nodiscard]] std::size_t at() const { return at_; }
    void next() { at_ = (at_ + step_) & mask_; }

   private:
    std::size_t mask_, at_, step_;
  };

  [[nodiscard]] Index place(const Key& key);
  [[nodiscard]] bool reserve();
  void mark_down(Index index, std::uint64_t mono_ms);
  [[nodiscard]] std::optional<BackendReading> read(Index index, cookie::Slot slot,
                                                   std::uint64_t mono_ms) const;

  table::HashSecret secret_;
  std::pmr::vector<Entry> entries_;
  std::pmr::vector<Counts> counts_;
  alignas(64) std::atomic<std::size_t> size_{0};  // a line of their own: others than find() write these
  std::atomic<std::uint64_t> unplaced_{0};
};

template <wire::Family kFamily>
auto BackendProfiles::find(const wire::Address<kFamily>& address, wire::Port port) const -> Index {
  const Key key = Key::of<kFamily>(address, port, secret_);
  Probe probe{key, entries_.size()};
  for (std::size_t n = 0; n < kMaxProbes; ++n, probe.next()) {
    const Entry& entry = entries_[probe.at()];
    const std::uint32_t owner = entry.owner.load(std::memory_order_acquire);
    if (entry.is(key, owner)) return static_cast<Index>(probe.at());
    if (owner == kEmpty || owner == kClaimed) break;
  }
  return kNone;
}

}  // namespace synward::proxy
