// Everything one lcore owns. Nothing here is shared: other threads see only `counters`.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/accept/accept_queue.hpp"
#include "dataplane/budget.hpp"
#include "dataplane/burst.hpp"
#include "dataplane/cookie/slot_keys.hpp"
#include "dataplane/counters.hpp"
#include "dataplane/crypto/secret_memory.hpp"
#include "dataplane/link_path.hpp"
#include "dataplane/overload.hpp"
#include "dataplane/policy.hpp"
#include "dataplane/prefix_budget.hpp"
#include "dataplane/proxy/backend_memory.hpp"
#include "dataplane/proxy/backend_profiles.hpp"
#include "dataplane/proxy/pending_handshakes.hpp"
#include "dataplane/service_counters.hpp"
#include "dataplane/shed_memory.hpp"
#include "dataplane/steering.hpp"
#include "dataplane/stray_memory.hpp"
#include "dataplane/table/connection_table.hpp"
#include "dataplane/talkers.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward {

class TraceTap;

/// The time, read once per burst by the worker.
struct Clock {
  std::uint64_t wall_ms = 0;  ///< since 1970 UTC: cookie slots, which a fleet must agree on
  std::uint64_t mono_ms = 0;  ///< never steps: timeouts, budgets
  std::uint64_t mono_us = 0;  ///< the same, to tell how long something took
};

/// What is behind a port.
enum class Side : std::uint8_t {
  kEndpoint,  ///< everybody: synward itself owns the addresses of the services, and has no other port
  kOutside,   ///< the clients; synward is a bump in the wire between this port and the inside one
  kInside,    ///< the backends
};

/// What stages know of a port.
struct PortInfo {
  wire::MacAddress mac{};
  std::uint16_t mtu = 1500;
  Side side = Side::kEndpoint;
  std::uint16_t other = 0;       ///< index of the port at the wire's other end; of kOutside and kInside
  std::size_t queue_frames = 0;  ///< that each of its receive queues holds
};

/// Frames that synward sends of its own accord. Stages and timers fill it; the worker transmits and empties
/// it each turn.
class Outbox {
 public:
  /// A burst's: each lane may open a handshake, two SYNs, in place of an older one, an RST.
  static constexpr std::size_t kFrames = 4 * kBurstMax, kFrameBytes = 128;
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

/// What happened since CoreState::publish_events().
class Tally {
 public:
  void add(Event event, std::uint64_t n = 1) {
    counts_[static_cast<std::size_t>(event)] += n;
    happened_ |= std::uint64_t{1} << static_cast<std::size_t>(event);
  }
  /// Calls `publish(event, count)` for those that happened, and forgets them.
  template <typename Publish>
  void take(Publish&& publish) {
    for (; happened_ != 0; happened_ &= happened_ - 1) {
      const auto event = static_cast<std::size_t>(std::countr_zero(happened_));
      publish(event, std::exchange(counts_[event], 0));
    }
  }

 private:
  static_assert(kCountOf<Event> <= 64);
  std::array<std::uint64_t, kCountOf<Event>> counts_{};
  std::uint64_t happened_ = 0;  ///< a bit for each
};

/// One family's table, before it is made.
struct TablePlan {
  std::span<std::byte>
      memory;  ///< zeroed, aligned to 64, ConnectionTable::bytes_needed(connections); outlives the core
  std::size_t connections = 0;
};

/// What a core is made with, beside what all cores share.
struct CorePlan {
  TablePlan ipv4, ipv6;
  table::HashSecret secret;  ///< drawn at random at start
  std::size_t backlog = 4096;
  std::size_t backend_handshakes = 1;  ///< that may be open at once
  std::size_t held_packets = 0;        ///< that may wait for them, of all connections together
  std::size_t shed_cells = 1;          ///< of the memory of SYNs that were shed
};

/// How many RSTs to strays one core sends a second, at most, and how many connections may move to another
/// path.
inline constexpr std::uint32_t kStrayResetsPerSecond = 1000, kPathMovesPerSecond = 64;
/// What one core lets pass a second: segments of connections older than synward before it knows them, SYNs to
/// backends that have not answered yet, and SYNs with an option that their backend was never asked for. One
/// with an option that it declined passes in kAskingAgainSeconds. How many RSTs a core sends a second on
/// behalf of backends that are down.
inline constexpr std::uint32_t kUnknownPassesPerSecond = 1000, kAskingSynsPerSecond = 20,
                               kAskingOptionsPerSecond = 1, kAskingAgainSeconds = 16,
                               kDownResetsPerSecond = 1000;

/// Where the last packet of a family went, or came from, whose service match_common() looked up, and that
/// service: under a flood the next one is for the same.
struct LastLookup {
  simd::Hint hint;
  service::ServiceId service = service::kNoService;
};

/// The policy, `steering`, the memory of the tables and what `keys` points to outlive it.
struct CoreState : crypto::InSecretMemory {
  /// Throws what ConnectionTable throws.
  CoreState(const cookie::SlotKeys& slot_keys, const Policy& first_policy, const CorePlan& plan)
      : keys{slot_keys},
        secret{plan.secret},
        shed_memory{plan.shed_cells},
        syn_budget{plan.secret},
        talkers{{plan.secret.multipliers[0][7], plan.secret.multipliers[1][7]}},
        accept_queue{plan.backlog},
        paths{{plan.secret.multipliers[0][0], plan.secret.multipliers[0][1], plan.secret.multipliers[0][2],
               plan.secret.addends[0]}},
        pending{plan.backend_handshakes},
        held{plan.held_packets},
        table4_{plan.ipv4.memory, plan.ipv4.connections, plan.secret, table::Tick{0}},
        table6_{plan.ipv6.memory, plan.ipv6.connections, plan.secret, table::Tick{0}} {
    serve(first_policy);
  }
  /// This is in force from now on; it outlives this or the next call. Between bursts. A service that was in
  /// the last one has the same ServiceId in this one, for connections and counters go by it.
  void serve(const Policy& next) {
    of_services.reserve(next.services.size());
    policy = &next;
    services = &next.services;
    drop_list = next.drop_list.get();
    last_lookup4 = last_lookup6 = {};
  }
  /// Control thread: serve() from a turn on that begins soon; the one before is in use until every worker has
  /// ended two turns more (Workers::begin_turns()). First make_room_for() it, which throws std::bad_alloc.
  void make_room_for(const Policy& next) { of_services.reserve(next.services.size()); }
  void offer(const Policy& next) noexcept { offered_policy.store(&next, std::memory_order_release); }
  /// Control thread: `ring` serves from a turn on that begins soon; it lives until every worker has ended
  /// two turns more (Workers::begin_turns()).
  void offer_keys(const cookie::KeyRing& ring) { offered_keys.store(&ring, std::memory_order_release); }
  /// Control thread: from the next turn on SYNs end; or no more.
  void drain(bool on) { drain_asked.store(on, std::memory_order_relaxed); }
  /// Control thread: from a turn on that begins soon samples of packets go there, and no longer to where they
  /// went; null: nowhere. What was there before is in use until every worker has ended the turn that it is
  /// in.
  void offer_trace(TraceTap* tap) { trace_asked.store(tap, std::memory_order_release); }
  /// The worker, once a turn.
  void take_orders() {
    trace = trace_asked.load(std::memory_order_acquire);
    draining = drain_asked.load(std::memory_order_relaxed);
    if (offered_policy.load(std::memory_order_relaxed) != nullptr)
      serve(*offered_policy.exchange(nullptr, std::memory_order_acquire));
    if (offered_keys.load(std::memory_order_relaxed) == nullptr) return;
    if (const auto* ring = offered_keys.exchange(nullptr, std::memory_order_acquire)) keys.use(*ring);
  }
  /// The worker, before each burst.
  void set_clock(Clock clock) {
    now = clock;
    keys.advance(clock.wall_ms);
  }
  template <wire::Family kFamily>
  [[nodiscard]] table::ConnectionTable<kFamily>& table() {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return table4_;
    } else {
      return table6_;
    }
  }
  template <wire::Family kFamily>
  [[nodiscard]] LastLookup& last_lookup() {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return last_lookup4;
    } else {
      return last_lookup6;
    }
  }
  /// Any thread: connections of this service, perhaps as a moment ago.
  [[nodiscard]] std::size_t live(service::ServiceId id) const { return table4_.live(id) + table6_.live(id); }
  /// Makes what was tallied visible to other threads: settle(), and housekeep() when there was no burst.
  void publish_events() {
    tally.take([this](std::size_t event, std::uint64_t count) { counters.event[event].add(count); });
  }
  [[nodiscard]] table::Tick tick() const { return table::tick_at(now.mono_ms); }
  /// Whether connections go on to a backend, or end here.
  [[nodiscard]] bool is_inline() const { return ports.front().side != Side::kEndpoint; }

  std::uint16_t index = 0;  ///< of this worker, from 0
  Clock now;
  std::vector<PortInfo> ports;
  cookie::SlotKeys keys;
  std::atomic<const cookie::KeyRing*> offered_keys{nullptr};
  std::atomic<bool> drain_asked{false};
  bool draining = false;
  std::atomic<TraceTap*> trace_asked{nullptr};
  TraceTap* trace = nullptr;  ///< null: nobody traces
  std::atomic<const Policy*> offered_policy{nullptr};
  const Policy* policy;
  const service::ServiceTable* services;  ///< the policy's
  const service::DropList* drop_list;     ///< the policy's; null: nobody is listed
  CountersOfServices of_services;
  const simd::Kernels* kernels = nullptr;  ///< null: the stages do all
  LastLookup last_lookup4, last_lookup6;
  const Steering* steering = nullptr;  ///< null where every packet is this core's
  table::HashSecret secret;            ///< of the tables, and of whatever else hashes a flow
  Overload overload;
  ShedMemory shed_memory;
  PrefixBudget syn_budget;
  Talkers talkers;
  accept::AcceptQueue accept_queue;
  LinkPaths paths;
  proxy::PendingHandshakes pending;
  proxy::FairShare held;                       ///< packets that wait for a backend
  proxy::Unheld released, discarded;           ///< the worker sends the ones and frees the others
  proxy::BackendProfiles* profiles = nullptr;  ///< of all cores; never null in inline mode
  proxy::BackendMemory unknown_backends;
  proxy::PassedSyns passed_syns;
  StrayMemory strays;
  Budget stray_resets{kStrayResetsPerSecond}, path_moves{kPathMovesPerSecond},
      unknown_passes{kUnknownPassesPerSecond}, asking_syns{kAskingSynsPerSecond},
      asking_options{kAskingOptionsPerSecond}, asking_again{1}, down_resets{kDownResetsPerSecond};
  std::uint64_t swept_ms = 0;  ///< when housekeep() last moved the sweep on
  Outbox outbox;
  Tally tally;
  Counters counters;

 private:
  table::ConnectionTable<wire::Family::kIpv4> table4_;
  table::ConnectionTable<wire::Family::kIpv6> table6_;
};

}  // namespace synward
