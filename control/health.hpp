// Whether this synward does its work: for whoever announces its routes, and for systemd's watchdog.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace synward::control {

class Health {
 public:
  using Clock = std::chrono::steady_clock;
  /// How long a worker may take for a turn of its loop: a nap is 500 us at most, a burst some microseconds.
  static constexpr std::chrono::seconds kPatience{2};
  /// How long the control thread may have something else to do, such as the reset of a port.
  static constexpr std::chrono::seconds kControlPatience{5};

  /// Control thread, every so often: how many turns each worker has ended, and by what else this synward
  /// cannot be used, each in a few words.
  void look(const std::vector<std::uint64_t>& turns, std::vector<std::string> troubles,
            Clock::time_point now);
  /// Control thread: whether every worker has ended a turn lately.
  [[nodiscard]] bool workers_proceed() const { return stuck_.empty(); }
  /// Any thread. {"healthy", "reasons": why not}; what was seen last is no news for longer than
  /// kControlPatience.
  [[nodiscard]] nlohmann::json json(Clock::time_point now = Clock::now()) const;

 private:
  struct Seen {
    std::uint64_t turns;
    Clock::time_point since;
  };
  std::vector<Seen> seen_;
  std::vector<std::string> stuck_;
  mutable std::mutex mutex_;  // over what json() reads
  std::vector<std::string> reasons_{"it has only begun"};
  Clock::time_point looked_ = Clock::time_point::max();
};

}  // namespace synward::control
