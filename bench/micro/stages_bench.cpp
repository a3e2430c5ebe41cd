// Where the cycles of a packet go: each stage of the pipeline on its own, over 256 buffers in L2. Reading the
// clock around a stage keeps it from overlapping with its neighbours, so the rows add up to somewhat more
// than pipeline_bench measures of the whole.
#include <string>

#include "bench/micro/core.hpp"
#include "bench/micro/report.hpp"
#include "bench/micro/traffic.hpp"
#include "bench/micro/tsc.hpp"
#include "bench/micro/wire_traffic.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward::bench {
namespace {

using wire::Family;

struct Stage {
  const char* name;
  void (*run)(Burst&, CoreState&);
};
/// As in run_burst(), and what follows it.
constexpr Stage kStages[] = {
    {"match_common", match_common},
    {"classify", classify},
    {"drop_listed", [](Burst& burst, CoreState& core) { drop_listed(burst, core); }},
    {"find_connection", find_connection},
    {"count_services", count_services},
    {"shed_syns", shed_syns},
    {"verify_checksum", [](Burst& burst, CoreState& core) { verify_checksum(burst, core); }},
    {"answer_neighbor", answer_neighbor},
    {"answer_echo", answer_echo},
    {"limit_syns", limit_syns},
    {"answer_syn", answer_syn},
    {"relay", relay},
    {"admit_ack", admit_ack},
    {"relay_backend", relay_backend},
    {"translate_icmp", translate_icmp},
    {"reject", reject},
    {"settle", [](Burst& burst, CoreState& core) { settle(burst, core); }},
};

/// The cycles of `timed` in all bursts of `set`, which go through every stage.
std::uint64_t cycles_in(const Stage& timed, Core& with, const FrameSet& set, Burst& burst,
                        std::uint16_t port) {
  std::uint64_t cycles = 0;
  const auto turn = [&](Burst& b) {
    for (const Stage& stage : kStages) {
      if (&stage == &timed)
        cycles += cycles_of([&] { stage.run(b, with.state); });
      else
        stage.run(b, with.state);
    }
    with.finish_burst();
  };
  each_burst(set, burst, turn, port);
  return cycles;
}

void measure(benchmark::State& state, const Stage& stage, const Traffic& traffic) {
  FrameSet set{traffic.stamps, FrameSet::kInL2};
  Core& with = core(traffic.mode);
  traffic.begin(with);
  const auto ended = [&] { return traffic.ended(read(with.state.counters)); };
  std::uint64_t expected = ended();
  Samples samples;
  Burst burst;
  for (auto _ : state) {
    set.restore();
    traffic.prepare(with, set);
    expected += set.size();
    const std::uint64_t cycles = cycles_in(stage, with, set, burst, traffic.port);
    samples.add(cycles);
    state.SetIterationTime(static_cast<double>(cycles) / tsc_hz());
  }
  state.counters["cycles"] = samples.median() / static_cast<double>(set.size());
  with.forget_connections();
  if (ended() != expected) state.SkipWithError("a wrong verdict");
}

void add_column(const std::string& column, Traffic (*traffic)()) {
  for (const Stage& stage : kStages) {
    auto* const row = benchmark::RegisterBenchmark(  // NOLINT: the library owns it
        (stage.name + column).c_str(), [&stage, traffic](auto& state) { measure(state, stage, traffic()); });
    // Not by time: a stage with nothing to do would be repeated for ever.
    row->UseManualTime()->Iterations(500);
  }
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  using namespace synward::bench;
  add_column("/SYN, IPv4", [] { return syns(Family::kIpv4, Layout::kLinux); });
  add_column("/SYN, IPv6", [] { return syns(Family::kIpv6, Layout::kLinux); });
  add_column("/SYN, IPv4, a prefix limited", [] { return syns_beside_limited(Family::kIpv4); });
  add_column("/SYN, IPv6, a prefix limited", [] { return syns_beside_limited(Family::kIpv6); });
  add_column("/cookie ACK", [] { return cookie_acks(Family::kIpv4); });
  add_column("/forged ACK", [] { return forged_acks(Family::kIpv4); });
  add_column("/text", [] { return texts(Family::kIpv4); });
  add_column("/in the wire: SYN-ACK", [] { return backend_answers(Family::kIpv4); });
  add_column("/in the wire: text to the backend",
             [] { return spliced_texts(Family::kIpv4, Layout::kLinux, Bound::kToBackend, false); });
  add_column("/in the wire: text to the client",
             [] { return spliced_texts(Family::kIpv4, Layout::kLinux, Bound::kToClient, false); });
  return run(argc, argv, Order::kInterleaved);
}
