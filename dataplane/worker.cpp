#include "dataplane/worker.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <sys/prctl.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "dataplane/housekeeping.hpp"
#include "dataplane/nic/setup_error.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

constexpr unsigned kRingPackets = 1024;

std::uint64_t microseconds(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

Clock read_clock() {
  const std::uint64_t mono_us = microseconds(CLOCK_MONOTONIC);
  return {.wall_ms = microseconds(CLOCK_REALTIME) / 1000, .mono_ms = mono_us / 1000, .mono_us = mono_us};
}

void count_turn(Counters& counters, bool found, std::uint64_t cycles) {
  (found ? counters.bursts : counters.empty_polls).add(1);
  (found ? counters.busy_cycles : counters.idle_cycles).add(cycles);
  if (found) counters.record(Timing::kBurstCycles, cycles);
}

}  // namespace

/// What a worker does when a turn found nothing. A few turns spin, because traffic comes in clumps; then it
/// sleeps, a little longer each time, so that an idle worker leaves its core to others. What a nap costs is
/// mostly its end, so after a tenth of a second of silence naps are longer than what traffic's gaps want.
struct Workers::Idle {
  static constexpr unsigned kSpins = 256, kSilent = kSpins + 500;  // turns; then 100 ms have passed
  static constexpr long kFirstNapNs = 5'000, kLongestNapNs = 200'000, kSilentNapNs = 500'000;

  void turn(bool found, Poll poll) {
    if (found || poll == Poll::kBusy) {
      turns = 0;
      nap_ns = kFirstNapNs;
      return;
    }
    if (turns < kSilent) ++turns;
    if (turns < kSpins) return rte_pause();
    const timespec nap{0, nap_ns};
    nanosleep(&nap, nullptr);
    nap_ns = turns < kSilent ? std::min(2 * nap_ns, kLongestNapNs) : kSilentNapNs;
  }

  unsigned turns = 0;
  long nap_ns = kFirstNapNs;
};

Workers::Workers(std::vector<std::unique_ptr<CoreState>>& cores,
                 const std::vector<std::unique_ptr<nic::Port>>& ports, const Steering& steering, Poll poll)
    : cores_(cores), ports_(ports), poll_(poll), receiving_(cores.size()) {
  const auto count = static_cast<unsigned>(cores_.size());
  turns_.reset(
      static_cast<rte_rcu_qsbr*>(rte_zmalloc("turns", rte_rcu_qsbr_get_memsize(count), RTE_CACHE_LINE_SIZE)));
  if (!turns_) throw nic::SetupError("no memory for what workers tell of their turns");
  rte_rcu_qsbr_init(turns_.get(), count);
  // Of two workers, only one puts into the other's rings.
  const unsigned flags = RING_F_SC_DEQ | (cores_.size() <= 2 ? RING_F_SP_ENQ : 0u);
  for (std::size_t w = 0; w < cores_.size(); ++w) {
    cores_[w]->index = static_cast<std::uint16_t>(w);
    cores_[w]->steering = cores_.size() > 1 ? &steering : nullptr;
    for (std::size_t p = 0; p < ports_.size(); ++p) {
      const std::string name = "synward_" + std::to_string(w) + "_" + std::to_string(p);
      rte_ring* made = rte_ring_create(name.c_str(), kRingPackets, SOCKET_ID_ANY, flags);
      if (made == nullptr) {
        throw nic::SetupError("no memory for the rings between workers (" +
                              std::string(rte_strerror(rte_errno)) +
                              "): give DPDK more, with huge pages or with -- -m MEGABYTES");
      }
      rings_.push_back(made);
    }
  }
}

Workers::~Workers() {
  for (rte_ring* ring : rings_) rte_ring_free(ring);
}

void Workers::FreeTurns::operator()(rte_rcu_qsbr* turns) const { rte_free(turns); }

void Workers::wait_for_turns() const { rte_rcu_qsbr_synchronize(turns_.get(), RTE_QSBR_THRID_INVALID); }

std::uint64_t Workers::begin_turns() const { return rte_rcu_qsbr_start(turns_.get()); }
bool Workers::have_turned(std::uint64_t since) const {
  return rte_rcu_qsbr_check(turns_.get(), since, false) == 1;
}

/// One enqueue per owner, in the order of arrival, so that a flow's segments stay in theirs.
void Workers::hand_over(Burst& burst) {
  IndexList& lanes = burst.on(Route::kHandOver);
  if (lanes.empty()) return;
  for (std::size_t owner = 0; owner < cores_.size(); ++owner) {
    std::array<void*, kBurstMax> packets;
    unsigned count = 0;
    for (const LaneIndex i : lanes) {
      if (burst.owner[i] == owner) packets[count++] = burst.packet[i].opaque;
    }
    if (count == 0) continue;
    const unsigned accepted = rte_ring_enqueue_burst(ring(owner, burst.port), packets.data(), count, nullptr);
    unsigned position = 0;
    lanes.keep_if([&](LaneIndex i) {
      return burst.owner[i] != owner || position++ < accepted || drop_lane(burst, i, Drop::kSteerFull);
    });
  }
}

/// After the pipeline: everything in a verdict list leaves this core, and is counted; then what the stages
/// sent of their own accord, so that a backend's SYN waits for nothing.
void Workers::finish(CoreState& core, Burst& burst) {
  const PortInfo& port = core.ports[burst.port];
  ports_[burst.port]->transmit(core.index, burst, Route::kSend);
  if (port.side == Side::kEndpoint) {
    nic::release(burst, Route::kForward);  // the acceptor has it
  } else {
    ports_[port.other]->transmit(core.index, burst, Route::kForward);
  }
  hand_over(burst);
  nic::release(burst, Route::kDrop);
  trace_verdicts(burst, core);
  settle(burst, core);
  finish_held(core);
  originate(core);
}

/// Packets whose wait is over, in the order in which they came, behind what the burst itself sent.
void Workers::finish_held(CoreState& core) {
  const auto released = core.released.packets(), discarded = core.discarded.packets();
  if (!released.empty()) {
    std::size_t sent = 0;
    for (std::size_t p = 0; p < ports_.size(); ++p)
      sent += ports_[p]->transmit(core.index, static_cast<std::uint16_t>(p), released);
    core.counters.released.add(sent);
    core.counters.held_dropped.add(released.size() - sent);
    core.released.clear();
  }
  if (!discarded.empty()) {
    nic::release(discarded);
    core.counters.held_dropped.add(discarded.size());
    core.discarded.clear();
  }
  core.counters.held_now.set(core.held.size());
}

std::size_t Workers::receive(CoreState& core, Burst& burst) {
  std::size_t frames = 0;
  for (std::size_t p = 0; p < ports_.size(); ++p) {
    const std::size_t count = ports_[p]->receive(core.index, burst);
    core.overload.polled(p, count, core.ports[p].queue_frames);
    if (count == 0) continue;
    burst.port = static_cast<std::uint16_t>(p);
    burst.taken_over = false;
    run_burst(core, burst);
    finish(core, burst);
    frames += count;
  }
  return frames;
}

std::size_t Workers::take_over(CoreState& core, Burst& burst) {
  std::size_t frames = 0;
  for (std::size_t p = 0; p < ports_.size(); ++p) {
    std::array<void*, kBurstMax> packets;
    const std::size_t count = rte_ring_dequeue_burst(ring(core.index, p), packets.data(), kBurstMax, nullptr);
    if (count == 0) continue;
    burst.reset();
    burst.port = static_cast<std::uint16_t>(p);
    burst.taken_over = true;
    nic::fill_lanes(burst, packets.data(), count);
    run_burst(core, burst);
    finish(core, burst);
    frames += count;
  }
  return frames;
}

/// Frames of our own accord: in no identity, for nobody sent them to us.
void Workers::originate(CoreState& core) {
  if (core.outbox.size() == 0) return;
  std::size_t sent = 0;
  for (std::size_t p = 0; p < ports_.size(); ++p)
    sent += ports_[p]->originate(core.index, static_cast<std::uint16_t>(p), core.outbox);
  core.counters.originated.add(sent);
  core.counters.originated_dropped.add(core.outbox.size() - sent);
  core.outbox.clear();
}

void Workers::run(std::uint16_t index) {
  CoreState& core = *cores_[index];
  const auto burst = std::make_unique<Burst>();
  Idle idle;
  prctl(PR_SET_TIMERSLACK, 1'000UL);  // the kernel's 50 us would make a nap of 5 us ten times as long
  bool receiving = true;
  std::uint64_t begun = rte_rdtsc();
  rte_rcu_qsbr_thread_register(turns_.get(), index);
  rte_rcu_qsbr_thread_online(turns_.get(), index);
  while (true) {
    rte_rcu_qsbr_quiescent(turns_.get(), index);
    core.take_orders();
    core.set_clock(read_clock());
    if (receiving && stop_.load(std::memory_order_relaxed)) {
      receiving = false;
      receiving_.fetch_sub(1, std::memory_order_release);
    }
    // Asked before the rings are looked at: once nobody receives, nobody hands over, and an empty ring stays
    // empty.
    const bool last_turn = receiving_.load(std::memory_order_acquire) == 0;
    housekeep(core);
    finish_held(core);
    originate(core);  // or the first burst's backend SYNs would find the outbox full
    const std::size_t frames = (receiving ? receive(core, *burst) : 0) + take_over(core, *burst);
    originate(core);
    if (last_turn && frames == 0) break;
    idle.turn(frames != 0, poll_);
    const std::uint64_t ended = rte_rdtsc();
    count_turn(core.counters, frames != 0, ended - begun);
    begun = ended;
  }
  for (bool ended = false; !ended; finish_held(core)) ended = end_waiting(core);
  rte_rcu_qsbr_thread_offline(turns_.get(), index);
  rte_rcu_qsbr_thread_unregister(turns_.get(), index);
}

}  // namespace synward
