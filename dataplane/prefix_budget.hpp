// SYN-ACKs for each client prefix, an IPv4 /24 or an IPv6 /64: whoever sends SYNs with a victim's addresses
// must not have synward flood the victim.
//
// Threat model. The attacker chooses every source address, how many SYNs come from it and when. It sees
// which SYNs are answered (if the addresses are its own); it sees neither the secret nor the random numbers.
// It wants many answers sent to one prefix, or somebody else's SYNs dropped, or every SYN made expensive.
//
//  - The budget: kPerSecond answers of 60 bytes (IPv4, all options) are 9.6 Mbit/s towards a victim. It is
//    one core's: a prefix whose SYNs arrive at n cores gets n budgets.
//  - Nobody is near it: one SYN of each kSampleEvery consecutive ones, chosen at random, is looked at; its
//    prefix is counted in a sketch of two rows, which starts over every kSketchMs. The others cost nothing.
//  - A SUSPECT is a prefix of which kSuspectSamples were seen since the sketch started over: a rate of 1.25
//    budgets, by 200 samples. Its number of samples is binomial or narrower, so at 1.5 budgets (240 expected,
//    deviation 15.2) it is found in one whole sketch with 99.6 %, and one passes within 1.03 s of its first
//    SYN; at 2 budgets (320, 17.6) a sketch misses it with 10^-12, at 0.9 budgets (144, 11.8) suspects it
//    with 10^-5. The total load does not matter up to 10 M SYN/s: random sources then add 9.8 samples to
//    each counter, deviation 3.1.
//  - A suspect's SYNs are counted one by one, and nothing but this exact count of its own prefix limits it:
//    a SYN passes with kPerWindow / rate, where rate is what came in this window of kWindowMs or in earlier
//    ones, less a quarter for each that has passed. A false suspect therefore loses nothing. Two prefixes
//    share both counters of the sketch with 2^-26 (table/flow_key.hpp: multilinear), and then the lesser may
//    be suspected, no more; marks hold whole prefixes, so none is taken for another. What an attacker can
//    limit is a prefix whose addresses it sends from: that is the purpose, and its true clients then get
//    their share of the budget, at random, and retransmit.
//  - What passes of a marked prefix. Let u be the SYNs of a window by the rate before it. For u <= 1 there
//    are u * kPerWindow answers, for u > 1 (1 + ln u) * kPerWindow; then the rate becomes max(u, 3/4) of what
//    it was. ln u is paid for by quieter windows before, in which u - ln(max(u, 3/4)) <= 1.04: whatever the
//    attacker's rhythm, in the long run 1.04 budgets. A steady flood gets 1.0. The first window has no rate
//    before it, so it gets up to ln(most SYNs of a window / kPerWindow) * kPerWindow on top: 10,000 at 1 M
//    SYN/s, 15,900 at 10 M. With the 12,800 that it takes to be found, a flood gets at most 2.6 budgets in
//    its first second. A flood of 10 M SYN/s that pauses for seconds gets 1.9 in the second after the pause,
//    and nothing in the pause. Up to 1.25 budgets a prefix may go unfound, and gets all.
//  - More suspects than kMarks are refused, and counted: 1024 of 1.25 budgets are 25.6 M SYN/s on one core.
//    Those marked stay limited; the more a prefix sends, the earlier it is marked.
//  - Sources at random over IPv4 fall into 2^24 prefixes: at 10 M SYN/s none sends one a second. Ten thousand
//    /24s of 1000 SYN/s put 8 samples each into a sketch: a counter that reads kSuspectSamples holds 25
//    of them, where 1.2 are expected, and its fellow in the other row as well.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/client_prefix.hpp"
#include "dataplane/secret_random.hpp"
#include "dataplane/table/flow_key.hpp"

namespace synward {

/// One core's. Random by nothing but the secret.
class PrefixBudget {
 public:
  /// Far above what a network of 256 addresses sends to a service, and a load tester that opens a connection
  /// for each request: wrk opens 19,000 a second over veth.
  static constexpr std::uint32_t kPerSecond = 20'000;
  static constexpr std::uint32_t kWindowMs = 128, kSketchMs = 4 * kWindowMs;
  static constexpr std::uint32_t kPerWindow = kPerSecond * kWindowMs / 1000;
  static constexpr std::uint32_t kSampleEvery = 64;
  static constexpr std::uint32_t kSuspectSamples = kPerSecond * kSketchMs / 1000 * 5 / 4 / kSampleEvery;
  static constexpr std::size_t kMarks = 1024;
  /// A mark goes after so many windows without excess: 3 s.
  static constexpr std::uint32_t kQuietWindows = 24;

  explicit PrefixBudget(const table::HashSecret& secret);

  /// Before anything of a burst. `mono_ms` never goes back.
  void advance(std::uint64_t mono_ms) {
    if (mono_ms / kWindowMs != window_) end_windows(mono_ms / kWindowMs);
  }
  /// Takes its samples of `count` SYNs, of which `prefix(n)` is the n-th's. Returns how many of the samples
  /// were of suspects for whom there was no mark left.
  template <typename Prefix>
  std::size_t sample(std::size_t count, Prefix&& prefix) {
    std::size_t refused = 0;
    for (; until_sample_ < count; until_sample_ += gap()) refused += look_at(prefix(until_sample_)) ? 0u : 1u;
    until_sample_ -= count;
    return refused;
  }
  /// Whether any prefix is marked. If not, admits() need not be asked.
  [[nodiscard]] bool active() const { return size_ != 0; }
  /// Whether a SYN may be answered. To be asked once for each SYN while active().
  [[nodiscard]] bool admits(ClientPrefix prefix) {
    Mark* const mark = find(prefix);
    if (mark == nullptr) return true;
    const std::uint32_t rate = std::max(++mark->arrivals, mark->rate);
    return rate <= kPerWindow || below(rate) < kPerWindow;
  }

  /// Prefixes whose SYNs are counted one by one.
  [[nodiscard]] std::size_t marked() const { return size_; }
  /// Those of them that sent more than the budget when the last window ended.
  [[nodiscard]] std::size_t limited() const { return limited_; }

 private:
  static constexpr std::size_t kRows = 2, kCounterBits = 13, kIndexBits = 11;
  static constexpr std::uint16_t kNone = 0xffff;
  static_assert(kSuspectSamples <= 0xff && (1u << kIndexBits) == 2 * kMarks);
  static_assert(std::has_single_bit(kSampleEvery));

  struct Mark {
    ClientPrefix prefix;
    std::uint32_t arrivals;  ///< in this window
    std::uint32_t rate;      ///< of a window, as the earlier ones say
    std::uint32_t quiet;     ///< windows since the last that had more than kPerWindow
  };

  /// A multilinear hash, of which the upper bits count; `row` says which.
  [[nodiscard]] std::uint64_t hash(ClientPrefix prefix, std::size_t row) const {
    const auto p = static_cast<std::uint64_t>(prefix);
    const auto& key = hash_keys_[row];
    return key[0] * (p & 0xffff'ffff) + key[1] * (p >> 32) + key[2];
  }
  /// The place of the index where `prefix` stands, or where it would.
  [[nodiscard]] std::size_t place_of(ClientPrefix prefix) const {
    std::size_t at = hash(prefix, 0) >> (64 - kIndexBits);
    while (index_[at] != kNone && marks_[index_[at]].prefix != prefix) at = (at + 1) % index_.size();
    return at;
  }
  [[nodiscard]] Mark* find(ClientPrefix prefix) {
    const std::uint16_t mark = index_[place_of(prefix)];
    return mark == kNone ? nullptr : &marks_[mark];
  }
  [[nodiscard]] std::uint32_t below(std::uint32_t n) { return random_.below(n); }
  /// From one sample to the next: each stands anywhere in its own kSampleEvery SYNs.
  [[nodiscard]] std::size_t gap() {
    const std::uint32_t rest = kSampleEvery - offset_;
    offset_ = below(kSampleEvery);
    return rest + offset_;
  }
  /// False when it is a suspect and cannot be marked.
  [[nodiscard]] bool look_at(ClientPrefix prefix);
  void end_windows(std::uint64_t window);
  void end_window();

  std::array<std::array<std::uint64_t, 3>, kRows> hash_keys_;
  SecretRandom random_;
  std::uint32_t offset_ = 0;      ///< of the next sample in its kSampleEvery SYNs
  std::size_t until_sample_ = 0;  ///< SYNs that come before it
  std::uint64_t window_ = 0;
  std::size_t size_ = 0, limited_ = 0;
  std::array<std::array<std::uint8_t, 1u << kCounterBits>, kRows> sketch_{};  ///< 16 KiB
  std::array<std::uint16_t, 1u << kIndexBits> index_;  ///< open addressing, at most half full; 4 KiB
  std::array<Mark, kMarks> marks_;                     ///< the first size_; 24 KiB
};
static_assert(sizeof(PrefixBudget) <= 64 * 1024);

}  // namespace synward
