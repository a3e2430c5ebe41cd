// F: what any answer costs at least. The MAC addresses are swapped, the fields of a SYN-ACK with Linux's
// options are written, both cache lines of the frame are stored; nothing is parsed, verified or computed.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "bench/micro/frames.hpp"
#include "bench/micro/tsc.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::bench {

/// Over each frame, whatever it is.
void write_floor(std::span<std::byte* const> frames);

/// As sample(), over passes through all of `set`, with a pass of F before each. Both find the frames as
/// FrameSet::restore() leaves them; `prepare` is not timed. Reports "cycles" per packet, and "F": how many
/// times the floor that is.
template <typename Prepare, typename Work>
void sample_beside_floor(benchmark::State& state, FrameSet& set, Prepare&& prepare, Work&& work) {
  Samples floor;
  sample(
      state, set.size(),
      [&] {
        set.restore();
        floor.add(cycles_of([&] { write_floor(set.frames()); }));
        set.restore();
        prepare();
      },
      work);
  auto& counters = state.counters;
  counters["F"] = counters["cycles"] / (floor.median() / static_cast<double>(set.size()));
}

}  // namespace synward::bench
