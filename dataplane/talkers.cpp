#include "dataplane/talkers.hpp"

#include <algorithm>
#include <unordered_map>

namespace synward {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

/// The first look is at any of a window's first n samples: if it were at the n-th, none would be looked at of
/// a window that has fewer.
void Talkers::begin_window(std::uint64_t mono_ms) {
  window_ends_ms_ = (mono_ms / kWindowMs + 1) * kWindowMs;
  if (mono_ms / kGenerationMs != generation_) begin_generation(mono_ms / kGenerationMs);
  for (Sampling& sampling : sampling_) {
    sampling.look_at_every = std::max(1u, sampling.samples / kSamplesPerWindow);
    sampling.until_look = random_.below(sampling.look_at_every);
    sampling.samples = 0;
  }
}

void Talkers::begin_generation(std::uint64_t generation) {
  const bool in_between = generation != generation_ + 1;  // a whole one without a packet
  generation_ = generation;
  for (auto& of_kind : entries_) {
    for (std::size_t g = 0; g < of_kind.size(); ++g) {
      if (g != generation % 2 && !in_between) continue;
      for (Entry& entry : of_kind[g]) {
        entry.count.store(0, kRelaxed);
        entry.error.store(0, kRelaxed);
      }
    }
  }
}

void Talkers::look_at(Talk what, ClientPrefix prefix, std::uint32_t weight) {
  auto& entries = entries_[static_cast<std::size_t>(what)][generation_ % 2];
  const auto wanted = static_cast<std::uint64_t>(prefix);
  Entry* least = entries.data();
  for (Entry& entry : entries) {
    const std::uint32_t count = entry.count.load(kRelaxed);
    if (count != 0 && entry.prefix.load(kRelaxed) == wanted)
      return entry.count.store(count + weight, kRelaxed);
    if (count < least->count.load(kRelaxed)) least = &entry;
  }
  const std::uint32_t count = least->count.load(kRelaxed);
  least->prefix.store(wanted, kRelaxed);
  least->error.store(count, kRelaxed);
  least->count.store(count + weight, kRelaxed);
}

std::vector<Talker> Talkers::read(Talk what) const {
  std::unordered_map<std::uint64_t, std::uint64_t> samples;
  for (const Entries& entries : entries_[static_cast<std::size_t>(what)]) {
    for (const Entry& entry : entries) {
      const std::uint32_t count = entry.count.load(kRelaxed), error = entry.error.load(kRelaxed);
      if (count > error) samples[entry.prefix.load(kRelaxed)] += count - error;
    }
  }
  std::vector<Talker> talkers;
  talkers.reserve(samples.size());
  for (const auto& [prefix, count] : samples)
    talkers.push_back({.prefix = static_cast<ClientPrefix>(prefix), .count = count * kSampleEvery});
  std::ranges::sort(talkers, std::ranges::greater{}, &Talker::count);
  return talkers;
}

}  // namespace synward
