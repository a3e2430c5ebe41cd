// What a packet costs from the filled lanes to the counted verdict, beside the floor and beside a
// straightforward responder: in one process, in turns, so that their ratios are honest.
#include <string>

#include "bench/micro/baseline.hpp"
#include "bench/micro/core.hpp"
#include "bench/micro/floor.hpp"
#include "bench/micro/report.hpp"
#include "bench/micro/traffic.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr auto kNothing = [] {};

Core& core() {
  static Core core;
  return core;
}

void floor_alone(benchmark::State& state, FrameSet& set) {
  sample_beside_floor(state, set, kNothing, [&] { write_floor(set.frames()); });
}

void lanes_alone(benchmark::State& state, FrameSet& set) {
  Burst burst;
  sample_beside_floor(state, set, kNothing,
                      [&] { each_burst(set, burst, [](Burst& b) { benchmark::DoNotOptimize(&b); }); });
}

/// Every lane has ended before the first stage, as a NIC driver's refusals do.
void empty_pipeline(benchmark::State& state, FrameSet& set) {
  Burst burst;
  sample_beside_floor(state, set, kNothing, [&] {
    each_burst(set, burst, [&](Burst& b) {
      for (const LaneIndex i : b.on(Route::kReceived).take()) drop_lane(b, i, Drop::kNotLinear);
      run_burst(core().state, b);
      settle(b, core().state);
    });
  });
}

/// The whole pipeline.
void pipeline(benchmark::State& state, FrameSet& set, const Traffic& traffic) {
  Burst burst;
  CoreState& worker = core().state;
  traffic.begin(core());
  const std::uint64_t before = traffic.ended(read(worker.counters));
  std::uint64_t passed = 0;
  sample_beside_floor(
      state, set,
      [&] {
        traffic.prepare(core(), set);
        passed += set.size();
      },
      [&] {
        each_burst(set, burst, [&worker](Burst& b) {
          run_burst(worker, b);
          settle(b, worker);
        });
      });
  core().forget_connections();
  if (traffic.ended(read(worker.counters)) - before != passed) state.SkipWithError("a wrong verdict");
}

void straightforward(benchmark::State& state, FrameSet& set) {
  std::vector<std::uint16_t> sizes;
  std::uint64_t passed = 0, answered = 0;
  sample_beside_floor(
      state, set,
      [&] {
        sizes.assign(set.sizes().begin(), set.sizes().end());
        passed += set.size();
      },
      [&] {
        for (std::size_t at = 0; at < set.size(); at += kBurstMax) {
          const auto frames = set.frames().subspan(at, kBurstMax);
          for (const std::byte* frame : frames) __builtin_prefetch(frame);
          answered += answer_straightforwardly(frames, std::span{sizes}.subspan(at, kBurstMax));
        }
      });
  if (answered != passed) state.SkipWithError("not every SYN was answered");
}

/// `run(state, set)` over few of the frames, and over all. Frames are made when the benchmark runs.
template <typename Run>
void add_row(const std::string& row, const std::function<Traffic()>& traffic, Run&& run) {
  const auto add_column = [&](const char* column, std::size_t count) {
    add(row + column, [=](benchmark::State& state) {
      const Traffic frames = traffic();
      FrameSet set{frames.stamps, count};
      run(state, set, frames);
    });
  };
  add_column("/L2", FrameSet::kInL2);
  add_column("/L3", FrameSet::kInL3);
}

void add_syns(const std::string& what, Family family, Layout layout) {
  const auto traffic = [=] { return syns(family, layout); };
  add_row(what + ": synward", traffic, pipeline);
  add_row(what + ": straightforward", traffic,
          [](auto& state, auto& set, const Traffic&) { straightforward(state, set); });
}

void add_all() {
  const auto linux_syns = [] { return syns(Family::kIpv4, Layout::kLinux); };
  const auto add_bare = [&](const std::string& row, void (*run)(benchmark::State&, FrameSet&)) {
    add_row(row, linux_syns, [run](auto& state, auto& set, const Traffic&) { run(state, set); });
  };
  add_bare("F, the floor", floor_alone);
  add_bare("lanes filled, nothing else", lanes_alone);
  add_bare("empty pipeline: dropped before", empty_pipeline);
  add_row("empty pipeline: foreign frames", foreign_frames, pipeline);
  add_syns("SYN, IPv4, Linux", Family::kIpv4, Layout::kLinux);
  add_syns("SYN, IPv4, Windows", Family::kIpv4, Layout::kWindows);
  add_syns("SYN, IPv4, odd options", Family::kIpv4, Layout::kOdd);
  add_syns("SYN, IPv6, Linux", Family::kIpv6, Layout::kLinux);
  add_syns("SYN, IPv6, Windows", Family::kIpv6, Layout::kWindows);
  add_syns("SYN, IPv6, odd options", Family::kIpv6, Layout::kOdd);
  add_syns("SYN, all of these mixed", Family::kIpv4, Layout::kMixed);
  for (const auto& [ending, family] : {std::pair{", IPv4", Family::kIpv4}, {", IPv6", Family::kIpv6}}) {
    const Family of = family;
    add_row(
        std::string{"SYN, another prefix is limited"} + ending, [of] { return syns_beside_limited(of); },
        pipeline);
  }
  for (const auto& [ending, family] : {std::pair{", IPv4", Family::kIpv4}, {", IPv6", Family::kIpv6}}) {
    const Family of = family;
    add_row(
        std::string{"cookie ACK, promoted"} + ending, [of] { return cookie_acks(of); }, pipeline);
    add_row(
        std::string{"forged ACK, dropped"} + ending, [of] { return forged_acks(of); }, pipeline);
    add_row(
        std::string{"text, acknowledged"} + ending, [of] { return texts(of); }, pipeline);
  }
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  synward::bench::add_all();
  return synward::bench::run(argc, argv, synward::bench::Order::kInterleaved);
}
