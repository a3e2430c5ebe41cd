// The trial itself: one lcore that plays attack and clients at once, and writes down what comes of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "bench/load/clients.hpp"
#include "bench/load/pace.hpp"
#include "bench/load/trial/plan.hpp"
#include "bench/load/trial/record.hpp"
#include "bench/load/trial/wire.hpp"

namespace synward::load {

/// What one interval between two samples brought: for whoever watches.
struct LiveInterval {
  std::uint64_t from_us = 0, to_us = 0;
  std::optional<Phase> phase;  ///< none: the last clients end
  WireCounts counts;           ///< within it
  std::uint64_t started = 0, succeeded = 0, failed = 0;
  std::vector<std::uint32_t> syn_ack_us;  ///< of those that were answered within it
};

class Generator {
 public:
  /// `macs` are the targets', in the plan's order. `wire` outlives this, and so does `inner`, the one behind
  /// the defence where the targets are played; null: others play them.
  Generator(const TrialPlan& plan, const std::vector<wire::MacAddress>& macs, Wire& wire, Wire* inner);
  ~Generator();
  Generator(Generator&&) = delete;

  /// The generator's lcore. Returns when the last client has ended, soon after stop(), or when no more
  /// packets may be sent.
  void run();
  /// Any thread: within a millisecond nothing is sent any more.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  /// Any thread.
  [[nodiscard]] bool is_over() const { return over_.load(std::memory_order_acquire); }
  /// Any thread: what came since the last call.
  [[nodiscard]] std::vector<LiveInterval> take_live();
  /// Once it is over.
  [[nodiscard]] const Record& record() const { return record_; }

 private:
  template <wire::Family kFamily>
  class Lane;  // one target
  using AnyLane =
      std::variant<std::unique_ptr<Lane<wire::Family::kIpv4>>, std::unique_ptr<Lane<wire::Family::kIpv6>>>;

  void take(std::span<const std::byte> frame, std::uint64_t now_us);
  template <wire::Family kFamily>
  bool take_segment(std::span<const std::byte> frame, std::uint64_t now_us);
  void answer_neighbor(std::span<const std::byte> frame);
  void turn_backends(std::uint64_t now_us);
  template <wire::Family kFamily>
  bool take_at_backend(std::span<const std::byte> frame, std::uint64_t now_us);
  [[nodiscard]] std::uint64_t sent() const { return wire_.sent() + (inner_ == nullptr ? 0 : inner_->sent()); }
  void send_attack(std::uint64_t now_us);
  [[nodiscard]] WireCounts wire_counts() const;
  void plan_next_mark(std::uint64_t since_us);
  void sample(std::uint64_t since_us);
  [[nodiscard]] bool clients_are_done() const;

  const TrialPlan& plan_;
  Wire& wire_;
  Wire* inner_;
  Record record_;
  std::vector<AnyLane> lanes_;
  std::size_t turn_ = 0;
  std::uint64_t start_us_ = 0, attack_made_ = 0, next_mark_us_ = 0;
  std::optional<Pace> attack_pace_;
  WireCounts counts_;              // of the attack; the wire has the others,
  WireCounts before_;              // and had so many when the trial began,
  std::uint64_t sent_before_ = 0;  // at both ports
  LiveInterval live_;              // that is going on
  std::mutex live_mutex_;
  std::vector<LiveInterval> finished_;
  std::atomic<bool> stop_{false}, over_{false};
};

}  // namespace synward::load
