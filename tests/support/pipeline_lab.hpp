// Frames in, frames out: the whole pipeline over buffers of the test's own, without a NIC and without EAL.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/housekeeping.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/stages.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/core_plan.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::test {

inline constexpr std::uint16_t kServicePort = 443;
inline constexpr std::uint64_t kStartMs = 1'790'000'020'000;  // some moment of 2026, 20 s into a slot
inline const wire::Ipv4Address kService4 = ip4("198.18.0.10"), kClient4 = ip4("198.19.1.2");
inline const wire::Ipv6Address kService6 = ip6("2001:2::10"), kClient6 = ip6("2001:2:0:1::2");

struct Outcome {
  Route verdict;
  Drop reason;  // kNone unless dropped
  Bytes frame;  // as it was left
};

/// One core with a service on kService4 and one on kService6, both kServicePort: an endpoint, or a bump in
/// the wire.
class PipelineLab {
 public:
  enum class Mode { kEndpoint, kInline };
  static constexpr std::uint16_t kOutside = 0, kInside = 1;  ///< ports of kInline

  PipelineLab() : PipelineLab(default_services()) {}
  explicit PipelineLab(Mode mode) : PipelineLab(default_services(), 1000, 64, mode) {}
  explicit PipelineLab(std::vector<service::Service> services, std::size_t connections = 1000,
                       std::size_t backlog = 64, Mode mode = Mode::kEndpoint)
      : policy_{service::ServiceTable{std::move(services)}}, memory_{connections, backlog} {
    if (mode == Mode::kEndpoint) {
      core.ports.push_back({.mac = kOurMac});
    } else {
      core.ports.push_back({.side = Side::kOutside, .other = kInside});
      core.ports.push_back({.side = Side::kInside, .other = kOutside});
      core.profiles = &profiles;
      learn_linux();
    }
    core.kernels = simd::kernels_of(simd::best_isa(512));
    set_time(kStartMs);
  }
  ~PipelineLab() { seen() += read(core.counters); }
  PipelineLab(PipelineLab&&) = delete;
  /// What all labs of this process have counted: coverage_test.cpp asks it which rows were never reached.
  static CounterReading& seen() {
    static CounterReading counted;
    return counted;
  }
  /// Lets so much time pass, housekeeping in steps as a worker does. Returns the frames it sent.
  std::vector<Bytes> pass(std::uint64_t ms, std::uint64_t step_ms = 200) {
    std::vector<Bytes> sent;
    for (const std::uint64_t end = core.now.wall_ms + ms; core.now.wall_ms < end;) {
      set_time(std::min(core.now.wall_ms + step_ms, end));
      housekeep(core);
      for (auto& frame : take_originated()) sent.push_back(std::move(frame.bytes));
      take_released();
    }
    expect_balance();
    return sent;
  }
  /// A frame of synward's own accord, or one that was held, and the port by which it left.
  struct Sent {
    std::uint16_t port;
    Bytes bytes;
  };
  /// What was originated since this was last asked, or time last passed.
  std::vector<Sent> take_originated() {
    std::vector<Sent> sent;
    for (const auto& frame : core.outbox)
      sent.push_back({frame.port, Bytes(frame.data.begin(), frame.data.begin() + frame.bytes)});
    core.counters.originated.add(core.outbox.size());
    core.outbox.clear();
    return sent;
  }
  /// The same of packets that were held, as the worker would send them.
  std::vector<Sent> take_released() {
    std::vector<Sent> sent;
    for (const auto& packet : core.released.packets())
      sent.push_back({packet.port, Bytes(packet.frame, packet.frame + packet.frame_bytes)});
    core.counters.released.add(sent.size());
    core.counters.held_dropped.add(core.discarded.packets().size());
    core.counters.held_now.set(core.held.size());
    core.released.clear();
    core.discarded.clear();
    return sent;
  }
  /// Every frame has one end, and every connection that was opened is still open or has one too.
  void expect_balance() {
    const CounterReading now = read(core.counters);
    EXPECT_TRUE(now.balances());
    std::uint64_t open_or_ended =
        core.table<wire::Family::kIpv4>().live() + core.table<wire::Family::kIpv6>().live();
    for (const Event end : {Event::kClosed, Event::kResetByClient, Event::kIdleReset, Event::kFinGivenUp,
                            Event::kReplaced, Event::kBackendRefused, Event::kBackendSilent,
                            Event::kTimestampsDeclined, Event::kResetByBackend, Event::kUnfinishedEvicted})
      open_or_ended += now[end];
    EXPECT_EQ(now[Event::kPromoted] + now[Event::kAdopted], open_or_ended);
  }
  /// Both services are Linux; a test that wants to see that learned makes profiles of its own.
  void learn_linux() {
    using proxy::Answer;
    proxy::SynAckFacts facts{.mss = 1460, .window = 65160, .scaling = Answer::kAgreed, .scale = 7};
    facts.sack = facts.timestamps = Answer::kAgreed;
    facts.ecn = Answer::kDeclined;
    profiles.learn<wire::Family::kIpv4>(kService4, wire::Port{kServicePort}, facts,
                                        cookie::slot_at(kStartMs));
    facts.mss = 1440;
    profiles.learn<wire::Family::kIpv6>(kService6, wire::Port{kServicePort}, facts,
                                        cookie::slot_at(kStartMs));
  }
  void set_time(std::uint64_t wall_ms) {
    const std::uint64_t mono_ms = wall_ms - kStartMs + 1;
    core.set_clock({.wall_ms = wall_ms, .mono_ms = mono_ms, .mono_us = 1000 * mono_ms});
  }

  /// Runs `frames` as one burst. Every frame lies at the end of a buffer of its own, with its slack behind
  /// it: ASan sees a byte too far, and what must stay untouched of the slack is looked at here.
  std::vector<Outcome> run(const std::vector<Bytes>& frames, bool taken_over = false,
                           std::uint16_t port = 0) {
    auto& buffers = buffers_.emplace_back();
    if (core.held.size() == 0 && core.released.packets().empty())
      buffers_.erase(buffers_.begin(), buffers_.end() - 1);
    const auto burst = received(frames, buffers);
    burst->port = port;
    burst->taken_over = taken_over;
    run_burst(core, *burst);
    trace_verdicts(*burst, core);
    settle(*burst, core);
    core.counters.held_now.set(core.held.size() + core.released.packets().size() +
                               core.discarded.packets().size());
    expect_balance();
    return outcomes(*burst, frames, buffers);
  }
  Outcome run(const Bytes& frame) { return run(std::vector<Bytes>{frame}).front(); }
  /// The burst that run() begins with; it lies in `buffers`.
  [[nodiscard]] std::unique_ptr<Burst> received(const std::vector<Bytes>& frames,
                                                std::vector<Bytes>& buffers) const {
    auto burst = std::make_unique<Burst>();
    burst->size = frames.size();
    buffers.reserve(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      Bytes& buffer = buffers.emplace_back(frames[i]);
      buffer.resize(frames[i].size() + kFrameSlack, kPoison);
      buffer.shrink_to_fit();
      burst->frame[i] = buffer.data();
      burst->frame_bytes[i] = static_cast<std::uint16_t>(frames[i].size());
      burst->ip_checksum[i] = burst->transport_checksum[i] = nic_verdict;
      burst->drop[i] = Drop::kNone;
      burst->on(Route::kReceived).push(static_cast<LaneIndex>(i));
    }
    return burst;
  }
  /// A frame of the backend.
  Outcome run_inside(const Bytes& frame) { return run(std::vector<Bytes>{frame}, false, kInside).front(); }

  static std::vector<service::Service> default_services() {
    return {{.name = "four", .address = kService4, .prefix_bits = 32, .port = wire::Port{kServicePort}},
            {.name = "six",
             .address = kService6,
             .prefix_bits = 128,
             .port = wire::Port{kServicePort},
             .profile = {.mss = 1440}}};
  }
  static cookie::KeyRing ring() {
    const cookie::Master master{.key = {}, .first = {0}};
    return cookie::KeyRing{std::span{&master, 1}};
  }

 private:
  static constexpr std::byte kPoison{0xa5};
  /// Derived once: a fuzzer makes thousands of labs a second.
  static const cookie::SlotKeys& first_keys() {
    static const cookie::SlotKeys keys{crypto::best_aes(), ring(), kStartMs};
    return keys;
  }
  static std::vector<Outcome> outcomes(const Burst& burst, const std::vector<Bytes>& frames,
                                       const std::vector<Bytes>& buffers) {
    std::vector<Outcome> result(frames.size());
    std::vector<int> verdicts(frames.size());
    for (std::size_t r = 0; r < kCountOf<Route>; ++r) {
      const auto route = static_cast<Route>(r);
      if (route < Route::kSend) {
        EXPECT_TRUE(burst.on(route).empty()) << "left behind on " << kRouteTable[r].label;
      }
      for (const LaneIndex i : burst.on(route)) {
        ++verdicts[i];
        result[i] = {route, route == Route::kDrop ? burst.drop[i] : Drop::kNone,
                     Bytes(burst.frame[i], burst.frame[i] + burst.frame_bytes[i])};
      }
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(verdicts[i], 1) << "lane " << i;
      const auto untouched = std::span{buffers[i]}.subspan(frames[i].size() + kSlackWritten);
      EXPECT_TRUE(std::ranges::all_of(untouched, [](std::byte b) { return b == kPoison; })) << "lane " << i;
    }
    return result;
  }

  Policy policy_;
  OwnedPlan memory_;
  std::deque<std::vector<Bytes>> buffers_;  ///< of bursts some of whose packets may be held

 public:
  CoreState core{first_keys(), policy_, memory_.plan};
  proxy::BackendProfiles profiles{table::HashSecret{}, 16};
  RxChecksum nic_verdict = RxChecksum::kUnknown;
};

}  // namespace synward::test
