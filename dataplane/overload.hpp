// When a core sheds SYNs. Left alone, the receive queue of a core that gets more than it can answer
// overflows, and of what is lost there nobody chose anything: clients' ACKs and requests, connections that
// were served for hours. A SYN that ends unanswered costs a fraction of one that is answered, and its client,
// unlike a flood, sends it again. So SYNs end here, as many as it takes to find the queue empty, and nothing
// else is lost; who was shed is remembered (shed_memory.hpp), and answered when it comes again. A flood that
// the core can receive, if not answer, costs a client one retransmission timeout, a second.
//
// A queue is behind when polls of it come back full, one after the other, for half of its frames; within 10 s
// of shedding, for four bursts, so that those who are served do not wait behind a half full queue. That alone
// is not enough for shedding: at least a quarter of the burst must be SYNs, for without them the core would
// be no less behind. No service that is not flooded meets both.
//
// Nor is it enough to be behind for a moment: a core that was taken away for a millisecond finds its queue
// full, and empties it in less. So there is patience with a queue: a frame behind is forgiven for each
// sixteen that were not, up to four times what it holds. A core that gets more than it can answer is behind
// with most of its frames, and has used that up at once; one that merely stumbles under a flood that it can
// answer sheds next to nothing (bench/README.md, "A wire without a kernel").
//
// Threat model. The attacker sends SYNs at will, and sees which of its own are answered.
//  - It sends each SYN twice, a second apart: then half of what it sends is answered as if nothing were shed.
//    If that is too much, and the queue stays behind for four times what it holds, SYNs are shed whatever is
//    remembered.
//  - It sends so much that the queue stays behind although all is shed: kLuckyOf keeps it from having nobody
//    answered at all. If the memory is full, too, shedding has no purpose left: others are lost at the queue
//    nevertheless, and who is shed is not known again. Then it is given up for a second, in which as many
//    SYNs are answered as can be, and tried anew.
//  - It comes in pulses, so that patience returns between them: a pulse then overflows the queue until four
//    times what it holds was answered, and the core must have kept up with sixteen times that before it. Of
//    what clients send in all, less than one in sixteen is lost so.
//  - What it could do to the memory is said there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/burst.hpp"

namespace synward {

/// Which SYNs of a burst end. Of those that would, one of Overload::kLuckyOf goes on.
enum class Shed : std::uint8_t {
  kNone,
  kFirst,  ///< those that were not shed before
  kAny,
};

/// One core's.
class Overload {
 public:
  static constexpr std::size_t kPorts = 2;
  static constexpr std::size_t kFloodedFrames = 4 * kBurstMax;
  static constexpr std::uint64_t kFloodedMs = 10'000;
  static constexpr std::uint64_t kLuckyOf = 8;
  static constexpr std::size_t kHopelessOf = 32;  ///< times what a queue holds, behind while SYNs are shed
  static constexpr std::uint64_t kGivenUpMs = 1'000;
  static constexpr std::size_t kForgivenOf = 16;  ///< frames that were in time, for one that was not

  /// The worker, after each poll of its queue of a port, which holds so many, before run_burst(). `frames` of
  /// kBurstMax were there: drivers that take descriptors by cache lines leave some behind, so three quarters
  /// are a full one.
  void polled(std::size_t port, std::size_t frames, std::size_t capacity) {
    port_ = port;
    std::size_t& run = runs_[port];
    run = frames >= kBurstMax / 4 * 3 ? run + frames : 0;
    if (run == 0) shed_while_behind_[port] = 0;
    half_ = std::max(capacity / 2, kFloodedFrames);
    if (run < kFloodedFrames) patience_ = std::min(patience_ + frames, 8 * half_ * kForgivenOf);
  }
  /// What to do with the `syns` of a burst of `frames`, the one that polled() was last told of.
  [[nodiscard]] Shed judge(std::size_t syns, std::size_t frames, std::uint64_t mono_ms) {
    if (mono_ms < given_up_until_ms_) return Shed::kNone;
    std::size_t& run = runs_[port_];
    if (run < (is_flooded(mono_ms) ? kFloodedFrames : half_) || syns * 4 < frames) return Shed::kNone;
    if (const std::size_t price = frames * kForgivenOf; patience_ >= price) {
      patience_ -= price;
      run -= frames;
      return Shed::kNone;
    }
    flooded_until_ms_ = mono_ms + kFloodedMs;
    shed_while_behind_[port_] += frames;
    return run < 8 * half_ ? Shed::kFirst : Shed::kAny;
  }
  /// Whether the queue that was polled last stays behind however long SYNs are shed.
  [[nodiscard]] bool is_hopeless() const { return shed_while_behind_[port_] >= 2 * half_ * kHopelessOf; }
  /// No SYNs are shed for a second.
  void give_up(std::uint64_t mono_ms) {
    given_up_until_ms_ = mono_ms + kGivenUpMs;
    shed_while_behind_ = {};
  }
  /// Whether SYNs ended here a moment ago, or will when a few bursts come at once.
  [[nodiscard]] bool is_flooded(std::uint64_t mono_ms) const { return mono_ms < flooded_until_ms_; }

 private:
  std::array<std::size_t, kPorts> runs_{};  ///< frames since the queue was last found all but empty
  std::size_t port_ = 0;                    // that was polled last
  std::size_t half_ = kFloodedFrames;
  std::size_t patience_ = 0;  // frames that were in time; kForgivenOf of them forgive one
  std::array<std::size_t, kPorts>
      shed_while_behind_{};  ///< frames, of the same run, in whose bursts SYNs ended
  std::uint64_t flooded_until_ms_ = 0, given_up_until_ms_ = 0;
};

}  // namespace synward
