// Whole conversations through a bump in the wire, segment by segment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/micro/core.hpp"
#include "bench/micro/frames.hpp"

namespace synward::bench {

/// The n-th of each are of one connection, in the order of the SYNs of stamps().
struct Conversations {
  std::vector<Stamp> acks, syn_acks, to_backend, to_backend_with_sack, to_client;
};

/// Of the clients whose SYNs stamps(family, layout) are; made at the first call.
[[nodiscard]] const Conversations& conversations(wire::Family family, Layout layout);

/// Runs stamps as one burst. What is held of them lies where it is until kFrames more were run.
class Replay {
 public:
  static constexpr std::size_t kFrames = 8 * kBurstMax;

  void run(Core& core, std::span<const Stamp> stamps, std::uint16_t port);
  [[nodiscard]] const Burst& burst() const { return burst_; }

 private:
  std::vector<std::array<std::byte, Stamp::kBytes + kFrameSlack>> frames_{kFrames};
  std::size_t next_ = 0;
  Burst burst_;
};
[[nodiscard]] Replay& replay();

}  // namespace synward::bench
