// When workers have let go of what the control thread offered them something in place of.
#pragma once

#include <cstdint>

#include "dataplane/worker.hpp"

namespace synward::control {

/// Control thread. Waits for nothing, so a worker that is stuck holds up no more than what is to follow.
class TurnWait {
 public:
  explicit TurnWait(const Workers& workers) : workers_{workers} {}

  /// From the offer on.
  void begin() {
    left_ = 2;  // the next turn of each takes it, and has ended
    since_ = workers_.begin_turns();
  }
  /// Whether every worker has taken it.
  [[nodiscard]] bool is_over() {
    if (left_ != 0 && workers_.have_turned(since_) && --left_ != 0) since_ = workers_.begin_turns();
    return left_ == 0;
  }

 private:
  const Workers& workers_;
  unsigned left_ = 0;
  std::uint64_t since_ = 0;
};

}  // namespace synward::control
