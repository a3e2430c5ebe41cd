// One lcore's loop: receive, run the pipeline, transmit, hand over, count. Run to completion; shared with
// nobody.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/core_state.hpp"
#include "dataplane/nic/port.hpp"
#include "dataplane/steering.hpp"

struct rte_rcu_qsbr;
struct rte_ring;

namespace synward {

enum class Poll : std::uint8_t {
  kAdaptive,  ///< sleeps, ever longer but at most 500 us, while nothing comes
  kBusy,      ///< never sleeps
};

/// All workers of the process, and what lies between them: one ring per (worker, port) for packets that
/// landed on another's queue. Worker w owns queue w of every port.
class Workers {
 public:
  /// Control thread. `cores` and `ports` outlive this; with more than one core every core steers by
  /// `steering`. Throws nic::SetupError.
  Workers(std::vector<std::unique_ptr<CoreState>>& cores,
          const std::vector<std::unique_ptr<nic::Port>>& ports, const Steering& steering, Poll poll);
  ~Workers();
  Workers(Workers&&) = delete;

  /// The lcore of worker `index`; returns after stop(), with every ring of its own empty and every packet
  /// accounted for.
  void run(std::uint16_t index);
  /// Any thread, any number of times: workers stop receiving, take over what is still in their rings, and
  /// return.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  /// Any thread but a worker's: returns once every worker that runs has ended the turn of its loop that it
  /// was in, so that none uses what it read in it; a turn takes a nap of 500 us at most.
  void wait_for_turns() const;
  /// The same without waiting: of a moment, and whether every worker has ended the turn that it was in then.
  /// Any thread but a worker's.
  [[nodiscard]] std::uint64_t begin_turns() const;
  [[nodiscard]] bool have_turned(std::uint64_t since) const;

 private:
  struct Idle;
  [[nodiscard]] rte_ring* ring(std::size_t worker, std::size_t port) const {
    return rings_[worker * ports_.size() + port];
  }
  std::size_t receive(CoreState& core, Burst& burst);
  std::size_t take_over(CoreState& core, Burst& burst);
  void hand_over(Burst& burst);
  void originate(CoreState& core);
  void finish(CoreState& core, Burst& burst);
  void finish_held(CoreState& core);

  std::vector<std::unique_ptr<CoreState>>& cores_;
  const std::vector<std::unique_ptr<nic::Port>>& ports_;
  Poll poll_;
  std::vector<rte_ring*> rings_;
  struct FreeTurns {
    void operator()(rte_rcu_qsbr* turns) const;
  };
  std::unique_ptr<rte_rcu_qsbr, FreeTurns> turns_;  // by worker
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> receiving_;  // workers that may still hand over
};

}  // namespace synward
