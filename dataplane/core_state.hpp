// Everything one lcore owns. Nothing here is shared: other threads see only `counters`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/burst.hpp"
#include "dataplane/cookie/slot_keys.hpp"
#include "dataplane/counters.hpp"
#include "dataplane/service/service_table.hpp"
#include "dataplane/steering.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward {

/// The time, read once per burst by the worker.
struct Clock {
  std::uint64_t wall_ms = 0;  ///< since 1970 UTC: cookie slots, which a fleet must agree on
  std::uint64_t mono_ms = 0;  ///< never steps: timeouts, budgets
};

/// What stages know of a port.
struct PortInfo {
  wire::MacAddress mac{};
  std::uint16_t mtu = 1500;
};

/// Frames that synward sends of its own accord. Stages and timers fill it; the worker transmits and empties
/// it each turn.
class Outbox {
 public:
  static constexpr std::size_t kFrames = 64, kFrameBytes = 128;
  struct Frame {
    std::uint16_t port, bytes;
    std::array<std::byte, kFrameBytes> data;
  };
  /// A frame to fill, or null when the box is full: the caller tries again next turn.
  [[nodiscard]] Frame* add() { return size_ < kFrames ? &frames_[size_++] : nullptr; }
  [[nodiscard]] const Frame* begin() const { return frames_.data(); }
  [[nodiscard]] const Frame* end() const { return frames_.data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void clear() { size_ = 0; }

 private:
  std::size_t size_ = 0;
  std::array<Frame, kFrames> frames_;
};

/// What happened since the last settle(), which alone publishes it.
class Tally {
 public:
  void add(Event event, std::uint64_t n = 1) { counts_[static_cast<std::size_t>(event)] += n; }
  [[nodiscard]] std::uint64_t operator[](Event event) const {
    return counts_[static_cast<std::size_t>(event)];
  }
  void reset() { counts_.fill(0); }

 private:
  std::array<std::uint64_t, kCountOf<Event>> counts_{};
};

/// `services`, `steering` and what `keys` points to outlive it.
struct CoreState {
  CoreState(const cookie::SlotKeys& slot_keys, const service::ServiceTable& service_table)
      : keys{slot_keys}, services{&service_table} {}
  /// The worker, before each burst.
  void set_clock(Clock clock) {
    now = clock;
    keys.advance(clock.wall_ms);
  }

  std::uint16_t index = 0;  ///< of this worker, from 0
  Clock now;
  std::vector<PortInfo> ports;
  cookie::SlotKeys keys;
  const service::ServiceTable* services;
  const Steering* steering = nullptr;  ///< null where every packet is this core's
  Outbox outbox;
  Tally tally;
  Counters counters;
};

}  // namespace synward
