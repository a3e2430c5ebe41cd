// What one core counts. The core writes, anyone reads, nobody locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/drop.hpp"
#include "dataplane/event.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/route.hpp"

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
  Counter originated;           ///< frames synward sent of its own accord; in no identity
  Counter originated_dropped;   ///< the same, refused by a full transmit queue
  Counter bursts, empty_polls;  ///< turns of the loop with and without frames
};

/// A copy of one core's counters, or the sum over cores: plain numbers for whoever reports.
struct CounterReading {
  std::uint64_t rx = 0, taken_over = 0;
  std::array<std::uint64_t, kCountOf<Route>> route{};
  std::array<std::uint64_t, kCountOf<Drop>> drop{};
  std::array<std::uint64_t, kCountOf<Event>> event{};
  std::array<std::uint64_t, kCountOf<Gauge>> gauge{};
  std::uint64_t released = 0, held_dropped = 0, held_now = 0, originated = 0, originated_dropped = 0;
  std::uint64_t bursts = 0, empty_polls = 0;

  [[nodiscard]] std::uint64_t operator[](Route r) const { return route[static_cast<std::size_t>(r)]; }
  [[nodiscard]] std::uint64_t operator[](Drop d) const { return drop[static_cast<std::size_t>(d)]; }
  [[nodiscard]] std::uint64_t operator[](Event e) const { return event[static_cast<std::size_t>(e)]; }
  [[nodiscard]] std::uint64_t operator[](Gauge g) const { return gauge[static_cast<std::size_t>(g)]; }

  /// Every frame that came in ended somewhere, and every drop has its reason. Exact between bursts of a core
  /// that has stopped or is quiet; while it runs, a reading may catch it inside settle().
  [[nodiscard]] bool balances() const;
  CounterReading& operator+=(const CounterReading& other);
};

/// Any thread.
[[nodiscard]] CounterReading read(const Counters& counters);

}  // namespace synward
