// One core as a worker has it, with one service of each family and room for a million connections of each: an
// endpoint, or a bump in the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <variant>

#include "bench/micro/frames.hpp"
#include "bench/micro/huge_memory.hpp"
#include "control/memory_plan.hpp"
#include "dataplane/core_state.hpp"

namespace synward::bench {

class Core {
 public:
  enum class Mode : std::uint8_t { kEndpoint, kInline };
  static constexpr std::uint16_t kOutside = 0, kInside = 1;  ///< ports of kInline
  static constexpr std::size_t kConnections = 1'000'000;
  static constexpr std::size_t kHandshakes = 4096;  ///< with backends, and packets that may wait for them

  explicit Core(Mode mode = Mode::kEndpoint) {
    if (mode == Mode::kEndpoint) {
      state.ports.push_back({.mac = kOurMac});
    } else {
      state.ports.push_back({.side = Side::kOutside, .other = kInside});
      state.ports.push_back({.side = Side::kInside, .other = kOutside});
      learn_backends();
    }
    state.kernels = simd::kernels_of(default_isa());
    state.set_clock({.wall_ms = kNow, .mono_ms = 1});
  }
  /// What synward takes unless it is told otherwise: EAL lets registers be 256 bits wide.
  [[nodiscard]] static simd::Isa default_isa() { return simd::best_isa(256); }
  /// As much time as so many packets take at 10 M a second.
  void pass_time(std::size_t packets) {
    packets_ += packets;
    state.set_clock({.wall_ms = kNow, .mono_ms = 1 + packets_ / 10'000});
  }
  /// Erases the connections in the accept queue, and with them all that were opened since the last time.
  void forget_connections() {
    const auto forget = [this]<wire::Family kFamily>(const table::FlowKey<kFamily>& flow) {
      auto& connections = state.table<kFamily>();
      connections.erase(*connections.find(flow));
    };
    while (!state.accept_queue.empty()) std::visit(forget, state.accept_queue.pop());
  }
  /// What a worker does behind each burst, but for the NIC's part.
  void finish_burst() {
    state.outbox.clear();
    state.released.clear();
    state.discarded.clear();
  }

 private:
  /// Both backends are Linux, and have been asked for everything: no SYN passes for the sake of an option.
  void learn_backends() {
    using proxy::Answer;
    proxy::SynAckFacts facts{.mss = 1460, .window = 65160, .scaling = Answer::kAgreed, .scale = 7};
    facts.sack = facts.timestamps = Answer::kAgreed;
    facts.ecn = Answer::kDeclined;
    profiles_.learn<wire::Family::kIpv4>(kService4, kServicePort, facts, cookie::slot_at(kNow));
    facts.mss = 1440;
    profiles_.learn<wire::Family::kIpv6>(kService6, kServicePort, facts, cookie::slot_at(kNow));
    state.profiles = &profiles_;
  }
  static constexpr std::uint64_t kNow = 28'000'000 * cookie::kSlotMs + 30'000;  // not at a slot's edge
  static cookie::KeyRing ring() {
    const cookie::Master master{.key = {}, .first = {0}};
    return cookie::KeyRing{std::span{&master, 1}};
  }
  template <wire::Family kFamily>
  static constexpr std::size_t kTableBytes = table::ConnectionTable<kFamily>::bytes_needed(kConnections);
  CorePlan plan() const {
    CorePlan plan{.ipv4 = {{memory4_.data(), kTableBytes<wire::Family::kIpv4>}, kConnections},
                  .ipv6 = {{memory6_.data(), kTableBytes<wire::Family::kIpv6>}, kConnections},
                  .secret = {},
                  .backlog = kStamps,
                  .backend_handshakes = kHandshakes,
                  .held_packets = kHandshakes,
                  .shed_cells = control::kShedCellsPerCore};
    std::mt19937_64 random{3};
    for (auto& row : plan.secret.multipliers)
      for (auto& multiplier : row) multiplier = random();
    for (auto& addend : plan.secret.addends) addend = random();
    plan.secret.mixer = random();
    return plan;
  }
  const Policy policy_{
      service::ServiceTable{{{.name = "four", .address = kService4, .prefix_bits = 32, .port = kServicePort},
                             {.name = "six",
                              .address = kService6,
                              .prefix_bits = 128,
                              .port = kServicePort,
                              .profile = {.mss = 1440}}}}};
  proxy::BackendProfiles profiles_{table::HashSecret{}};
  std::size_t packets_ = 0;
  const HugeMemory memory4_{kTableBytes<wire::Family::kIpv4>}, memory6_{kTableBytes<wire::Family::kIpv6>};

 public:
  CoreState state{cookie::SlotKeys{crypto::best_aes(), ring(), kNow}, policy_, plan()};
};

/// The one of this program; made at the first call.
inline Core& core(Core::Mode mode) {
  if (mode == Core::Mode::kInline) {
    static Core wire{Core::Mode::kInline};
    return wire;
  }
  static Core endpoint;
  return endpoint;
}

/// What the receiving port does for a worker: the lanes of one burst of `frames`, from frame `at` on. The NIC
/// has not verified any checksum.
inline void fill(Burst& burst, const FrameSet& set, std::size_t at, std::size_t frames, std::uint16_t port) {
  burst.reset();
  burst.size = frames;
  burst.port = port;
  burst.taken_over = false;
  for (std::size_t n = 0; n < frames; ++n) {
    burst.packet[n] = {set.frames()[at + n]};
    burst.frame[n] = set.frames()[at + n];
    __builtin_prefetch(burst.frame[n]);
    __builtin_prefetch(burst.frame[n] + 64);  // as nic/port.cpp
    burst.frame_bytes[n] = set.sizes()[at + n];
    burst.ip_checksum[n] = burst.transport_checksum[n] = RxChecksum::kUnknown;
  }
  burst.on(Route::kReceived).fill(frames);
}

/// Calls `work(burst)` for each burst of `set`, its lanes filled. `frames` divides the set.
template <typename Work>
void each_burst(const FrameSet& set, Burst& burst, Work&& work, std::uint16_t port = 0,
                std::size_t frames = kBurstMax) {
  for (std::size_t at = 0; at < set.size(); at += frames) {
    fill(burst, set, at, frames, port);
    work(burst);
  }
}

}  // namespace synward::bench
