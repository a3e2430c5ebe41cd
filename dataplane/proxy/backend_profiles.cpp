#include "dataplane/proxy/backend_profiles.hpp"

#include <bit>
#include <stdexcept>
#include <string>

namespace synward::proxy {
namespace {

using cookie::Slot;

constexpr auto kRelaxed = std::memory_order_relaxed;

/// A change is in force so many slots later, and needs a newer word that has been so for as many.
constexpr std::int32_t kNoticeSlots = 2;
/// No word that starts later than this was written on a clock that agrees with ours: the clock was set back,
/// or the word is so old that its slot number looks like a future one.
constexpr std::int32_t kLatestStart = kNoticeSlots + 2;
/// A word of half the age at which that happens is written anew. A backend that answers at all keeps its
/// word.
constexpr std::int32_t kRenewSlots = 1 << (kSinceBits - 2);

bool is_alive(std::uint64_t word, Slot now) {
  return word != 0 && slots_in_force(word, now) >= -kLatestStart;
}

/// The word with the greater one is the one to overwrite: none, before one out of time, before the older.
std::int64_t dispensability(std::uint64_t word, Slot now) {
  if (word == 0) return std::int64_t{1} << 40;
  return slots_in_force(word, now) + (is_alive(word, now) ? 0 : std::int64_t{1} << 32);
}

/// What `seen` makes of the answers since some slot, and of the word that stands.
struct Lesson {
  std::uint64_t recent;  ///< what to keep for the next answer
  Profile wanted;        ///< what the newest word should say
};

Lesson lesson_of(std::uint64_t recent, const Profile& standing, const Profile& seen, Slot now) {
  Lesson lesson{.recent = 0, .wanted = least(standing, seen)};
  if (is_alive(recent, now)) {
    // The first scale that was seen stays, or it would be written at each answer of two backends in turn.
    const Profile lowest = least(seen, profile_in(recent));
    const bool long_enough = slots_in_force(recent, now) > BackendProfiles::kRecentSlots;
    if (long_enough) lesson.wanted = completed(least(lowest, seen), standing);
    if (!long_enough || lesson.wanted != standing) lesson.recent = with_profile(recent, lowest);
  }
  if (lesson.recent == 0 && exceeds(seen, standing)) lesson.recent = word_of(seen, now);
  return lesson;
}

/// Brings `recent` up to date. Each try that fails is another core's that did not.
Profile observe(std::atomic<std::uint64_t>& recent, const Profile& standing, const Profile& seen, Slot now) {
  std::uint64_t before = recent.load(kRelaxed);
  for (;;) {
    const Lesson lesson = lesson_of(before, standing, seen, now);
    if (lesson.recent == before || recent.compare_exchange_weak(before, lesson.recent, kRelaxed))
      return lesson.wanted;
  }
}

std::size_t checked(std::size_t capacity) {
  if (std::has_single_bit(capacity) && capacity >= 2 && capacity <= BackendProfiles::kMaxCapacity)
    return capacity;
  throw std::invalid_argument("a table of backends has a power of two of entries, from 2 to " +
                              std::to_string(BackendProfiles::kMaxCapacity) + ", not " +
                              std::to_string(capacity));
}

}  // namespace

BackendProfiles::BackendProfiles(const table::HashSecret& secret, std::size_t capacity,
                                 std::pmr::memory_resource* memory)
    : secret_{secret}, entries_(checked(capacity), memory), counts_(capacity, memory) {}

bool BackendProfiles::reserve() {
  if (size_.fetch_add(1, kRelaxed) < capacity() / 2) return true;
  size_.fetch_sub(1, kRelaxed);
  return false;
}

auto BackendProfiles::place(const Key& key) -> Index {
  Probe probe{key, capacity()};
  for (std::size_t n = 0; n < kMaxProbes; ++n, probe.next()) {
    Entry& entry = entries_[probe.at()];
    std::uint32_t owner = entry.owner.load(std::memory_order_acquire);
    if (owner == kEmpty) {
      if (!reserve()) break;
      if (entry.owner.compare_exchange_strong(owner, kClaimed, std::memory_order_acquire)) {
        entry.address = key.address;
        entry.owner.store(key.owner, std::memory_order_release);
        return static_cast<Index>(probe.at());
      }
      size_.fetch_sub(1, kRelaxed);
    }
    if (owner == kClaimed) return kNone;
    if (entry.is(key, owner)) return static_cast<Index>(probe.at());
  }
  unplaced_.fetch_add(1, kRelaxed);
  return kNone;
}

void BackendProfiles::learn(Index index, const SynAckFacts& facts, Slot now) {
  if (index == kNone || facts.mss == 0 || facts.window == 0) return;
  Entry& entry = entries_[index];
  const std::array<std::uint64_t, 2> words{entry.words[0].load(std::memory_order_acquire),
                                           entry.words[1].load(std::memory_order_acquire)};
  const std::size_t older = dispensability(words[0], now) >= dispensability(words[1], now) ? 0 : 1;
  const std::uint64_t newest = words[1 - older];
  const Profile seen = profile_of(facts);
  std::uint64_t change = word_of(seen, now);
  if (is_alive(newest, now)) {
    const Profile standing = profile_in(newest);
    const Profile wanted = observe(entry.recent, standing, seen, now);
    const std::int32_t age = slots_in_force(newest, now);
    if ((wanted == standing && age < kRenewSlots) || age < kNoticeSlots) return;
    change = word_of(wanted, {now.number + kNoticeSlots});
  }
  std::uint64_t expected = words[older];
  entry.words[older].compare_exchange_strong(expected, change, std::memory_order_release, kRelaxed);
}

void BackendProfiles::mark_down(Index index, std::uint64_t mono_ms) {
  std::atomic<std::uint64_t>& until = entries_[index].down_until_ms;
  if (until.load(kRelaxed) < mono_ms + kDownMs) until.store(mono_ms + kDownMs, kRelaxed);
}

void BackendProfiles::refused(Index index, std::uint64_t mono_ms) {
  if (index == kNone) return;
  counts_[index].refusals.fetch_add(1, kRelaxed);
  mark_down(index, mono_ms);
}

void BackendProfiles::silent(Index index, std::uint64_t mono_ms) {
  if (index == kNone) return;
  counts_[index].silences.fetch_add(1, kRelaxed);
  mark_down(index, mono_ms);
}

void BackendProfiles::reached(Index index) {
  if (index == kNone) return;
  counts_[index].handshakes.fetch_add(1, kRelaxed);
  std::atomic<std::uint64_t>& until = entries_[index].down_until_ms;
  if (until.load(kRelaxed) != 0) until.store(0, kRelaxed);
}

std::optional<BackendReading> BackendProfiles::read(Index index, Slot slot, std::uint64_t mono_ms) const {
  const Entry& entry = entries_[index];
  const std::uint32_t owner = entry.owner.load(std::memory_order_acquire);
  if (owner == kEmpty || owner == kClaimed) return std::nullopt;
  BackendReading reading{.address = {},
                         .port = wire::Port{static_cast<std::uint16_t>(owner)},
                         .promise = promise(index, slot),
                         .down = is_down(index, mono_ms),
                         .handshakes = counts_[index].handshakes.load(kRelaxed),
                         .refusals = counts_[index].refusals.load(kRelaxed),
                         .silences = counts_[index].silences.load(kRelaxed)};
  if ((owner & kIpv6) != 0) {
    std::memcpy(&reading.address.emplace<wire::Ipv6Address>(), &entry.address, sizeof(wire::Ipv6Address));
  } else {
    std::memcpy(&reading.address.emplace<wire::Ipv4Address>(), &entry.address, sizeof(wire::Ipv4Address));
  }
  return reading;
}

}  // namespace synward::proxy
