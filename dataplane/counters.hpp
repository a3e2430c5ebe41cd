// What one core counts. The core writes, anyone reads, nobody locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "dataplane/drop.hpp"
#include "dataplane/event.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/route.hpp"
#include "dataplane/timing.hpp"

namespace synward {

/// A count with one writer. Reading is safe from any thread at any time and never torn; it may be a burst
/// old.
class Counter {
 public:
  /// The owning core only. A plain load and store: an atomic add would lock the bus for a writer that is
  /// alone.
  void add(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// The owning core only: for gauges.
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  /// Any thread.
  [[nodiscard]] std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How often a Timing took how long; a counter for each bucket.
struct Histogram {
  std::array<Counter, kTimingBuckets> count;
  Counter sum;
};

/// One core's counters; written by settle() and the worker's loop, read by the control thread.
/// Between bursts: rx + taken_over == sent + forwarded + held + dropped + handed_over, where the terms on the
/// right are route[kSend], route[kForward], route[kHold], route[kDrop], route[kHandOver]; and held ==
/// released + held_dropped + held_now.
struct alignas(64) Counters {
  Counter rx;          ///< frames taken from receive queues
  Counter taken_over;  ///< frames taken over from other cores
  std::array<Counter, kCountOf<Route>> route;
  std::array<Counter, kCountOf<Drop>> drop;
  std::array<Counter, kCountOf<Event>> event;
  std::array<Counter, kCountOf<Gauge>> gauge;  ///< as of the worker's last turn
  Counter released, held_dropped, held_now;
  Counter originated;                ///< frames synward sent of its own accord; in no identity
  Counter originated_dropped;        ///< the same, refused by a full transmit queue
  Counter bursts, empty_polls;       ///< turns of the loop with and without frames
  Counter busy_cycles, idle_cycles;  ///< TSC cycles that those turns took, naps included
  std::array<Histogram, kCountOf<Timing>> timing;

  /// The owning core only.
  void record(Timing what, std::uint64_t value) {
    auto& histogram = timing[static_cast<std::size_t>(what)];
    const auto& row = kTimingTable[static_cast<std::size_t>(what)];
    histogram.count[timing_bucket(value, row.first_bucket)].add(1);
    histogram.sum.add(value);
  }
};

struct HistogramReading {
  std::array<std::uint64_t, kTimingBuckets> count{};
  std::uint64_t sum = 0;
};

/// A copy of one core's counters, or the sum over cores: plain numbers for whoever reports.
struct CounterReading {
  std::uint64_t rx = 0, taken_over = 0;
  std::array<std::uint64_t, kCountOf<Route>> route{};
  std::array<std::uint64_t, kCountOf<Drop>> drop{};
  std::array<std::uint64_t, kCountOf<Event>> event{};
  std::array<std::uint64_t, kCountOf<Gauge>> gauge{};
  std::uint64_t released = 0, held_dropped = 0, held_now = 0, originated = 0, originated_dropped = 0;
  std::uint64_t bursts = 0, empty_polls = 0, busy_cycles = 0, idle_cycles = 0;
  std::array<HistogramReading, kCountOf<Timing>> timing{};

  [[nodiscard]] std::uint64_t operator[](Route r) const { return route[static_cast<std::size_t>(r)]; }
  [[nodiscard]] std::uint64_t operator[](Drop d) const { return drop[static_cast<std::size_t>(d)]; }
  [[nodiscard]] std::uint64_t operator[](Event e) const { return event[static_cast<std::size_t>(e)]; }
  [[nodiscard]] std::uint64_t operator[](Gauge g) const { return gauge[static_cast<std::size_t>(g)]; }

  /// Every frame that came in ended somewhere, and every drop has its reason. Exact between bursts of a core
  /// that has stopped or is quiet; while it runs, a reading may catch it inside settle().
  [[nodiscard]] bool balances() const;
  CounterReading& operator+=(const CounterReading& other);
};

/// What both have besides their arrays, paired once: a field that is missing here is missing from every
/// report. `label` and `help` as in enum_table.hpp.
struct ScalarRow {
  Counter Counters::*counter;
  std::uint64_t CounterReading::*reading;
  std::string_view label, help;
  bool is_gauge = false;
};
inline constexpr auto kScalarTable = std::to_array<ScalarRow>({
    {&Counters::rx, &CounterReading::rx, "rx", "frames received"},
    {&Counters::taken_over, &CounterReading::taken_over, "taken_over",
     "frames that another core received and handed over"},
    {&Counters::released, &CounterReading::released, "released",
     "frames that waited for a backend's handshake, and went on to it"},
    {&Counters::held_dropped, &CounterReading::held_dropped, "held_dropped",
     "frames that waited for a backend's handshake in vain"},
    {&Counters::held_now, &CounterReading::held_now, "held_now", "frames that wait for a backend's handshake",
     true},
    {&Counters::originated, &CounterReading::originated, "originated", "frames of synward's own accord"},
    {&Counters::originated_dropped, &CounterReading::originated_dropped, "originated_dropped",
     "the same, but the transmit queue was full"},
    {&Counters::bursts, &CounterReading::bursts, "bursts", "turns of a worker's loop that found frames"},
    {&Counters::empty_polls, &CounterReading::empty_polls, "empty_polls", "turns that found none"},
    {&Counters::busy_cycles, &CounterReading::busy_cycles, "busy_cycles",
     "TSC cycles of the turns that found frames"},
    {&Counters::idle_cycles, &CounterReading::idle_cycles, "idle_cycles",
     "TSC cycles of the turns that found none, naps included"},
});

/// Any thread.
[[nodiscard]] CounterReading read(const Counters& counters);

}  // namespace synward
