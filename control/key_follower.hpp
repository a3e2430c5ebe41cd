// The keys of cookies, from the file that is watched to the workers.
#pragma once

#include <memory>
#include <vector>

#include "control/key_watch.hpp"
#include "control/turn_wait.hpp"
#include "dataplane/core_state.hpp"

namespace synward::control {

/// Control thread. A worker that is stuck holds up nothing but the keys.
class KeyFollower {
 public:
  /// All outlive this.
  KeyFollower(KeyWatch& watch, const std::vector<std::unique_ptr<CoreState>>& cores, const Workers& workers)
      : watch_{watch}, cores_{cores}, wait_{workers} {}

  /// Every so often: workers get what the file says now. Waits for nothing.
  void look();

 private:
  KeyWatch& watch_;
  const std::vector<std::unique_ptr<CoreState>>& cores_;
  TurnWait wait_;  ///< for who may still read watch_.ring()
};

}  // namespace synward::control
