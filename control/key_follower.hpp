// The keys of cookies, from the file that is watched to the workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "control/key_watch.hpp"
#include "dataplane/core_state.hpp"
#include "dataplane/worker.hpp"

namespace synward::control {

/// Control thread. A worker that is stuck holds up nothing but the keys.
class KeyFollower {
 public:
  /// All outlive this.
  KeyFollower(KeyWatch& watch, const std::vector<std::unique_ptr<CoreState>>& cores, const Workers& workers)
      : watch_{watch}, cores_{cores}, workers_{workers} {}

  /// Every so often: workers get what the file says now. Waits for nothing.
  void look();

 private:
  KeyWatch& watch_;
  const std::vector<std::unique_ptr<CoreState>>& cores_;
  const Workers& workers_;
  unsigned turns_left_ = 0;  ///< for which workers may still read watch_.ring()
  std::uint64_t since_ = 0;
};

}  // namespace synward::control
