// Who sends the most: client prefixes (IPv4 /24, IPv6 /64) by the SYNs, bad cookies and RSTs that come from
// them, for operators to look at. Nothing is decided by it.
//
// One of kSampleEvery packets of a kind, chosen at random, is a sample, and stands for all of them. After a
// window of n times kSamplesPerWindow samples only every n-th of the next window is looked at, from one at
// random on, and stands for n, so that a flood costs no more than its first window. The prefixes of what was
// looked at are counted in kEntries entries (Metwally et al., "Efficient computation of frequent and top-k
// elements in data streams", 2005: Space-Saving): one that has none takes that of the least, with its count,
// of which it then remembers how much is not its own. So a prefix with more than 1/kEntries of all that was
// looked at is among them, whatever the others do; its `count` less its `error` is never more than was looked
// at of it, nor less than that without 1/kEntries of all. Of what it sent that is an estimate: chance has it
// looked at more or less often, by n * kSampleEvery packets each time. A flood from sources at random keeps
// every entry changing hands, and of each a look or two are shown.
//
// Counts are of a generation of kGenerationMs, and the one before.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/client_prefix.hpp"
#include "dataplane/enum_table.hpp"
#include "dataplane/secret_random.hpp"

namespace synward {

enum class Talk : std::uint8_t { kSyns, kBadCookies, kResets, kCount };

inline constexpr Table<Talk> kTalkTable{{
    {Talk::kSyns, "syns", "SYNs"},
    {Talk::kBadCookies, "bad_cookies", "segments without a connection or a cookie"},
    {Talk::kResets, "resets", "RSTs that ended a connection, or were of none"},
}};
static_assert(rows_in_enum_order(kTalkTable));

struct Talker {
  ClientPrefix prefix;
  std::uint64_t count;  ///< packets, about: samples times kSampleEvery
};

/// One core's; written by it alone. read() may be called from any thread, and may see a count that belongs
/// to the prefix that had the entry a moment ago.
class Talkers {
 public:
  static constexpr std::uint32_t kSampleEvery = 64;
  static constexpr std::size_t kEntries = 64;
  static constexpr std::uint64_t kWindowMs = 100, kGenerationMs = 300 * kWindowMs;
  static constexpr std::uint32_t kSamplesPerWindow = 256;

  explicit Talkers(const SecretRandom& random) : random_{random} {}

  /// Before the samples of a burst, and now and then where there are none. `mono_ms` never goes back.
  void advance(std::uint64_t mono_ms) {
    if (mono_ms >= window_ends_ms_) begin_window(mono_ms);
  }
  /// One packet of `prefix`, of which most are not looked at. `prefix` is called when it is.
  template <typename Prefix>
  void add(Talk what, Prefix&& prefix) {
    auto& left = sampling_[static_cast<std::size_t>(what)].until_sample;
    if (left-- != 0) return;
    left = random_.below(2 * kSampleEvery - 1);  // kSampleEvery - 1 on average
    add_sample(what, prefix());
  }
  /// One that was chosen elsewhere, of kSampleEvery.
  void add_sample(Talk what, ClientPrefix prefix) {
    auto& sampling = sampling_[static_cast<std::size_t>(what)];
    ++sampling.samples;
    if (sampling.until_look-- != 0) return;
    sampling.until_look = sampling.look_at_every - 1;
    look_at(what, prefix, sampling.look_at_every);
  }

  /// Those that are certain to have sent something, the busiest first.
  [[nodiscard]] std::vector<Talker> read(Talk what) const;

 private:
  struct Entry {
    std::atomic<std::uint64_t> prefix{0};
    std::atomic<std::uint32_t> count{0}, error{0};  ///< samples
  };
  using Entries = std::array<Entry, kEntries>;
  struct Sampling {
    std::uint32_t until_sample = 0;
    std::uint32_t samples = 0;  ///< in this window
    std::uint32_t look_at_every = 1, until_look = 0;
  };
  void begin_window(std::uint64_t mono_ms);
  void begin_generation(std::uint64_t generation);
  void look_at(Talk what, ClientPrefix prefix, std::uint32_t weight);

  SecretRandom random_;
  std::array<Sampling, kCountOf<Talk>> sampling_{};
  std::uint64_t window_ends_ms_ = 0, generation_ = 0;
  /// By kind; of the generations of even and of odd numbers.
  std::array<std::array<Entries, 2>, kCountOf<Talk>> entries_;
};

}  // namespace synward
