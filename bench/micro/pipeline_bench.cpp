// What a packet costs from the filled lanes to the counted verdict, beside the floor and beside a
// straightforward responder: in one process, in turns, so that their ratios are honest.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/adversary.hpp"
#include "bench/micro/baseline.hpp"
#include "bench/micro/core.hpp"
#include "bench/micro/floor.hpp"
#include "bench/micro/report.hpp"
#include "bench/micro/traffic.hpp"
#include "bench/micro/wire_traffic.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/trace.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr auto kNothing = [] {};

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
      run_burst(core(Core::Mode::kEndpoint).state, b);
      settle(b, core(Core::Mode::kEndpoint).state);
    });
  });
}

/// The whole pipeline, in bursts of so many frames.
void pipeline_in_bursts(std::size_t frames, benchmark::State& state, FrameSet& set, const Traffic& traffic) {
  Burst burst;
  Core& with = core(traffic.mode);
  CoreState& worker = with.state;
  traffic.begin(with);
  const std::uint64_t before = traffic.ended(read(worker.counters));
  std::uint64_t passed = 0;
  sample_beside_floor(
      state, set,
      [&] {
        traffic.prepare(with, set);
        passed += set.size();
      },
      [&] {
        const auto turn = [&](Burst& b) {
          run_burst(worker, b);
          trace_verdicts(b, worker);
          settle(b, worker);
          with.finish_burst();
        };
        each_burst(set, burst, turn, traffic.port, frames);
      });
  with.forget_connections();
  if (traffic.ended(read(worker.counters)) - before != passed) state.SkipWithError("a wrong verdict");
}

void pipeline(benchmark::State& state, FrameSet& set, const Traffic& traffic) {
  pipeline_in_bursts(kBurstMax, state, set, traffic);
}

/// The same with the kernels of `isa`.
void pipeline_with(simd::Isa isa, benchmark::State& state, FrameSet& set, const Traffic& traffic) {
  CoreState& worker = core(traffic.mode).state;
  worker.kernels = simd::kernels_of(isa);
  pipeline(state, set, traffic);
  worker.kernels = simd::kernels_of(Core::default_isa());
}

/// The service of each family, and 10,000 more of one: half of them at other ports of the same address, half
/// at other addresses.
constexpr std::uint16_t kFirstPort = 10'000, kOtherPorts = 5'000;
Policy many_services(Family family) {
  const service::ServiceTable& few = *core(Core::Mode::kEndpoint).state.services;
  const bool is_ipv4 = family == Family::kIpv4;
  std::vector<service::Service> services{few[0], few[1]};
  const auto add_another = [&services, &few, is_ipv4]() -> service::Service& {
    service::Service& another = services.emplace_back(few[is_ipv4 ? 0 : 1]);
    another.name += std::to_string(services.size());
    return another;
  };
  for (std::uint16_t n = 0; n < kOtherPorts; ++n) {
    add_another().port = wire::Port{static_cast<std::uint16_t>(kFirstPort + n)};
    const auto high = static_cast<std::uint8_t>(n >> 8), low = static_cast<std::uint8_t>(n & 0xff);
    service::Service& elsewhere = add_another();
    if (is_ipv4) {
      elsewhere.address = wire::Ipv4Address{{198, 19, high, low}};
    } else {
      elsewhere.address = wire::Ipv6Address{{0x20, 1, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, high, low}};
    }
  }
  return Policy{service::ServiceTable{std::move(services)}};
}
/// The same at a core that has many services.
template <Family kFamily>
void pipeline_of_many(benchmark::State& state, FrameSet& set, const Traffic& traffic) {
  static const Policy many = many_services(kFamily);
  CoreState& worker = core(traffic.mode).state;
  const Policy& few = *worker.policy;
  worker.serve(many);
  pipeline(state, set, traffic);
  worker.serve(few);
}

/// The same at a core with a drop list.
void pipeline_of_listed(const service::DropList& list, benchmark::State& state, FrameSet& set,
                        const Traffic& traffic) {
  CoreState& worker = core(traffic.mode).state;
  worker.drop_list = &list;
  pipeline(state, set, traffic);
  worker.drop_list = nullptr;
}

/// The same while somebody traces.
void pipeline_of_traced(const TraceFilter& filter, benchmark::State& state, FrameSet& set,
                        const Traffic& traffic) {
  CoreState& worker = core(traffic.mode).state;
  const auto tap = std::make_unique<TraceTap>(filter);
  worker.trace = tap.get();
  pipeline(state, set, traffic);
  worker.trace = nullptr;
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
          for (const std::byte* frame : frames) {  // as fill()
            __builtin_prefetch(frame);
            __builtin_prefetch(frame + 64);
          }
          answered += answer_straightforwardly(frames, std::span{sizes}.subspan(at, kBurstMax)).answered;
        }
      });
  if (answered != passed) state.SkipWithError("not every SYN was answered");
}

/// `run(state, set)` over few of the frames, and over all. Frames are made when the benchmark runs.
template <typename Run>
void add_column(const std::string& row, const char* column, std::size_t count,
                const std::function<Traffic()>& traffic, Run&& run) {
  add(row + column, [=](benchmark::State& state) {
    const Traffic frames = traffic();
    FrameSet set{frames.stamps, count};
    run(state, set, frames);
  });
}
template <typename Run>
void add_row(const std::string& row, const std::function<Traffic()>& traffic, Run&& run) {
  add_column(row, "/L2", FrameSet::kInL2, traffic, run);
  add_column(row, "/L3", FrameSet::kInL3, traffic, run);
}

void add_syns(const std::string& what, Family family, Layout layout) {
  const auto traffic = [=] { return syns(family, layout); };
  add_row(what + ": synward", traffic, pipeline);
  add_row(what + ": straightforward", traffic,
          [](auto& state, auto& set, const Traffic&) { straightforward(state, set); });
}

/// SYNs by the kernels of each instruction set, and by the stages alone.
void add_isas(const std::string& what, Family family, Layout layout) {
  for (const simd::Isa isa : simd::supported_isas()) {
    add_row(
        what + ": " + std::string{name_of(isa)}, [=] { return syns(family, layout); },
        [isa](auto& state, auto& set, const Traffic& traffic) { pipeline_with(isa, state, set, traffic); });
  }
}

/// SYNs from Linux when there are many services, to one of them and to half of them.
template <Family kFamily>
void add_many_services(const std::string& what) {
  add_row(
      what + ": to one of 10,000 services", [] { return syns(kFamily, Layout::kLinux); },
      pipeline_of_many<kFamily>);
  add_row(
      what + ": to 5,000 of 10,000 services", [] { return syns_to_ports(kFamily, kFirstPort, kOtherPorts); },
      pipeline_of_many<kFamily>);
}

/// SYNs from Linux beside a drop list of one network and of many, and from clients that are all listed.
void add_drop_lists(const std::string& what, Family family) {
  for (const auto& [name, count] : {std::pair{"1", 1u}, {"10,000", 10'000u}}) {
    add_row(
        what + ": beside a drop list of " + name, [=] { return syns(family, Layout::kLinux); },
        [family, networks = count](auto& state, auto& set, const Traffic& traffic) {
          const service::DropList list = strangers(family, networks);
          pipeline_of_listed(list, state, set, traffic);
        });
  }
  add_row(
      what + ": all on a drop list", [=] { return syns_of_listed(family); },
      [family](auto& state, auto& set, const Traffic& traffic) {
        const service::DropList list = clients(family);
        pipeline_of_listed(list, state, set, traffic);
      });
}

/// What a trace costs while it waits for something rare, and while nobody takes its samples.
template <typename MakeTraffic>
void add_traced(const std::string& what, const MakeTraffic& make) {
  const TraceFilter rare{.reasons = TraceFilter::bit(Drop::kSynFin)};
  for (const auto& [name, filter] :
       {std::pair{"traced, none is wanted", rare}, {"traced, no room", TraceFilter{}}}) {
    add_row(what + ": " + name, make, [wanted = filter](auto& state, auto& set, const Traffic& traffic) {
      pipeline_of_traced(wanted, state, set, traffic);
    });
  }
}

/// A bump in the wire. Handshakes with backends only over few frames: no more may be open at once.
void add_wire() {
  const auto udp = [] { return passing_datagrams(Family::kIpv4); };
  add_row("in the wire: UDP, passes, IPv4", udp, pipeline);
  for (const auto& [ending, family] : {std::pair{", IPv4", Family::kIpv4}, {", IPv6", Family::kIpv6}}) {
    const Family of = family;
    const auto row = [ending = ending](const char* what) {
      return std::string{"in the wire: "} + what + ending;
    };
    const auto texts = [of](Bound bound, Layout layout, bool sack = false) {
      return [=] { return spliced_texts(of, layout, bound, sack); };
    };
    add_row(
        row("SYN, answered"), [of] { return wire_syns(of); }, pipeline);
    add_column(
        row("cookie ACK, asks the backend"), "/L2", FrameSet::kInL2, [of] { return backend_asks(of); },
        pipeline);
    add_column(
        row("SYN-ACK, opens the backend's half"), "/L2", FrameSet::kInL2,
        [of] { return backend_answers(of); }, pipeline);
    add_row(row("text to the backend"), texts(Bound::kToBackend, Layout::kLinux), pipeline);
    add_row(row("text to the backend, two SACK blocks"), texts(Bound::kToBackend, Layout::kLinux, true),
            pipeline);
    add_row(row("text to the backend, no timestamps"), texts(Bound::kToBackend, Layout::kWindows), pipeline);
    add_row(row("text to the client"), texts(Bound::kToClient, Layout::kLinux), pipeline);
    add_row(row("text to the client, no timestamps"), texts(Bound::kToClient, Layout::kWindows), pipeline);
  }
}

/// Over few frames only: where memory is what one waits for, surprises cost less.
void add_attacks() {
  for (std::size_t a = 0; a < static_cast<std::size_t>(Attack::kCount); ++a) {
    const auto attack = static_cast<Attack>(a);
    for (const auto& [ending, family] : {std::pair{", IPv4", Family::kIpv4}, {", IPv6", Family::kIpv6}}) {
      const Family of = family;
      if (!exists(attack, of) || (attack == Attack::kMixed && of == Family::kIpv6)) continue;
      add_column(
          "adversarial: " + name_of(attack) + (attack == Attack::kMixed ? "" : ending), "/L2",
          FrameSet::kInL2, [=] { return attack_of(attack, of); }, pipeline);
    }
  }
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
  add_isas("SYN, IPv4, Linux", Family::kIpv4, Layout::kLinux);
  add_isas("SYN, IPv6, Linux", Family::kIpv6, Layout::kLinux);
  add_isas("SYN, IPv4, odd options", Family::kIpv4, Layout::kOdd);
  add_isas("SYN, IPv6, odd options", Family::kIpv6, Layout::kOdd);
  for (const std::size_t frames : {1u, 2u, 4u, 8u, 16u, 32u}) {
    add_row("SYN, IPv4, Linux: in bursts of " + std::to_string(frames), linux_syns,
            [frames](auto& state, auto& set, const Traffic& traffic) {
              pipeline_in_bursts(frames, state, set, traffic);
            });
  }
  add_many_services<Family::kIpv4>("SYN, IPv4, Linux");
  add_many_services<Family::kIpv6>("SYN, IPv6, Linux");
  add_drop_lists("SYN, IPv4, Linux", Family::kIpv4);
  add_drop_lists("SYN, IPv6, Linux", Family::kIpv6);
  add_traced("SYN, IPv4, Linux", linux_syns);
  add_traced("forged ACK, dropped, IPv4", [] { return forged_acks(Family::kIpv4); });
  for (const auto& [ending, family] : {std::pair{", IPv4", Family::kIpv4}, {", IPv6", Family::kIpv6}}) {
    const Family of = family;
    add_row(
        std::string{"SYN, another prefix is limited"} + ending, [of] { return syns_beside_limited(of); },
        pipeline);
    add_row(
        std::string{"SYN, 7 of 8 are shed"} + ending, [of] { return syns_too_many(of); }, pipeline);
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
  add_attacks();
  add_wire();
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  synward::bench::add_all();
  return synward::bench::run(argc, argv, synward::bench::Order::kInterleaved);
}
