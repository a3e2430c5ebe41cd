// Which SYNs were shed a moment ago. Their clients send them again: after 1 s (RFC 6298 2.1), then after 2 s
// more, or, Linux since 6.5, after 1 s more.
//
// A Bloom filter for each of the last epochs, cut into words of 64 bits; the words of one flow lie side by
// side, so that asking and adding touch one cache line. A word says of which epoch it is: nothing is ever
// cleared.
//
// Threat model. Flows are the attacker's, their hash is keyed. A flood leaves its SYNs here, and what it
// sends next is taken for one of them: 1 % of it when 250,000 are shed a second. Those are answered, as they
// would be without shedding. An epoch remembers kFlowsPerCell for each cell and no more, so this never goes
// beyond 25 %; of a flood of which more is shed, most clients are not remembered, and are as any newcomer
// when they come again. Of 131,072 cells that is 1.3 million a second.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace synward {

/// One core's. A flow is a 64-bit keyed hash of it.
class ShedMemory {
 public:
  /// What comes again at least one and at most three epochs later is known for certain, 768 ms to 2.3 s, and
  /// what comes in the same epoch never is.
  static constexpr std::uint64_t kEpochMs = 768;
  static constexpr std::size_t kFlowsPerCell = 8;

  /// `cells`: 32 bytes each; rounded up to a power of two.
  explicit ShedMemory(std::size_t cells) : cells_(std::bit_ceil(cells)) {}

  /// A while before has() and add().
  void prefetch(std::uint64_t flow) const { __builtin_prefetch(&cells_[index(flow)], 1); }
  [[nodiscard]] bool has(std::uint64_t flow, std::uint64_t mono_ms) const {
    const std::uint64_t epoch = mono_ms / kEpochMs, bits = bits_of(flow);
    const Cell& cell = cells_[index(flow)];
    bool found = false;
    for (std::uint64_t age = 1; age < kEpochs; ++age) {
      const std::uint64_t word = cell.words[(epoch - age) % kEpochs];
      found |= (word & (bits | kTag)) == (bits | ((epoch - age) & kTag));
    }
    return found;
  }
  /// Whoever is shed from now on, in this epoch, is forgotten.
  [[nodiscard]] bool is_full(std::uint64_t mono_ms) const {
    return mono_ms / kEpochMs == epoch_ && added_ == cells_.size() * kFlowsPerCell;
  }
  void add(std::uint64_t flow, std::uint64_t mono_ms) {
    const std::uint64_t epoch = mono_ms / kEpochMs;
    if (epoch != epoch_) {
      epoch_ = epoch;
      added_ = 0;
    }
    if (added_ == cells_.size() * kFlowsPerCell) return;
    ++added_;
    std::uint64_t& word = cells_[index(flow)].words[epoch % kEpochs];
    const std::uint64_t tag = epoch & kTag;
    word = ((word & kTag) == tag ? word : tag) | bits_of(flow);
  }

 private:
  static constexpr std::uint64_t kEpochs = 4;
  static constexpr std::uint64_t kTag = 0xff;  ///< of a word, the epoch; the others are the filter
  static constexpr std::uint64_t kFilterBits = 56;
  /// A flow's words: those of the epoch that is now, and of those before.
  struct alignas(32) Cell {
    std::array<std::uint64_t, kEpochs> words;
  };

  [[nodiscard]] std::size_t index(std::uint64_t flow) const { return (flow >> 32) & (cells_.size() - 1); }
  /// Two of a word's.
  [[nodiscard]] static std::uint64_t bits_of(std::uint64_t flow) {
    const auto bit = [](std::uint64_t random) {
      return std::uint64_t{1} << (8 + (random & 0xffff) * kFilterBits / 0x1'0000);
    };
    return bit(flow) | bit(flow >> 16);
  }

  std::vector<Cell> cells_;
  std::uint64_t epoch_ = 0;
  std::size_t added_ = 0;  ///< in this epoch
};

}  // namespace synward
