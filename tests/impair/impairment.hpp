// The decisions of the impairment device, without its sockets: a frame and the time go in, and what leaves,
// and when, comes out. The same seed and the same frames have the same fate, on every machine.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "dataplane/enum_table.hpp"
#include "tests/impair/rule.hpp"
#include "tests/impair/segment.hpp"

namespace synward::impair {

using Clock = std::chrono::steady_clock;
using Frame = std::vector<std::byte>;

/// A frame, and the moment at which it is to leave.
struct Departure {
  Clock::time_point when;
  Frame frame;
};

/// What is counted, for each direction. received + duplicated == passed + lost + dropped + overflowed +
/// refused + left, always.
enum class Count : std::uint8_t {
  kReceived,
  kPassed,
  kLost,
  kDuplicated,
  kReordered,
  kCorrupted,
  kDropped,
  kDelayed,
  kOverflowed,
  kRefused,
  kLeft,
  kTooLong,
  kMissed,
  kCount
};

inline constexpr Table<Count> kCounts{{
    {Count::kReceived, "received", "frames that came in"},
    {Count::kPassed, "passed", "frames that went out, copies among them"},
    {Count::kLost, "lost", "by chance"},
    {Count::kDuplicated, "duplicated", "copies made, by chance or by rule"},
    {Count::kReordered, "reordered", "kept back by chance, so that others overtook them"},
    {Count::kCorrupted, "corrupted", "one bit flipped, by chance or by rule"},
    {Count::kDropped, "dropped", "by rule"},
    {Count::kDelayed, "delayed", "kept back by rule"},
    {Count::kOverflowed, "overflowed", "the queue was full"},
    {Count::kRefused, "refused", "by the interface that was to send them"},
    {Count::kLeft, "left", "in the queue at the end"},
    {Count::kTooLong, "too_long", "longer than any frame that is bridged; not among the received"},
    {Count::kMissed, "missed", "by a full socket buffer, before they were received"},
}};
static_assert(rows_in_enum_order(kCounts));

class Counts {
 public:
  void add(Count what, std::uint64_t times = 1) { counts_[std::size_t(what)] += times; }
  [[nodiscard]] std::uint64_t operator[](Count what) const { return counts_[std::size_t(what)]; }

 private:
  std::array<std::uint64_t, kCountOf<Count>> counts_{};
};

/// Of each frame, 0 to 1.
struct Chances {
  double lose = 0, duplicate = 0, reorder = 0, corrupt = 0;
};

struct Settings {
  std::uint64_t seed = 1;
  Chances chances;
  std::optional<Direction> only;     // the chances hold in one direction; else in both
  std::chrono::nanoseconds delay{};  // of every frame, in both directions
  std::vector<Rule> rules;
};

/// How long a frame is kept back that others are to overtake.
inline constexpr std::chrono::milliseconds kLeastHold{1}, kMostHold{5};

/// One direction.
class Impairment {
 public:
  Impairment(const Settings& settings, Direction direction);

  /// What becomes of `frame`, which came at `now`: none, one, or two that leave at `now` or later. A copy is
  /// what came in, and on time, whatever happens to the original. Only IP packets are corrupted.
  [[nodiscard]] std::vector<Departure> pass(Frame frame, Clock::time_point now);

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Fate {
    bool lost, duplicated, reordered, corrupted;
    std::chrono::nanoseconds hold;  // when it is reordered, or a rule says so
    std::uint64_t bit;              // which one flips, modulo those there are
    bool dropped = false;
  };
  [[nodiscard]] Fate draw();
  void apply_rules(const Frame& frame, Fate& fate);

  Chances chances_;
  std::chrono::nanoseconds delay_;
  std::vector<Rule> rules_;
  std::array<std::uint64_t, kCountOf<Kind>> seen_{};
  std::mt19937_64 random_;
  Counts counts_;
};

}  // namespace synward::impair
