// synward's commands in DPDK's telemetry.
#pragma once

#include <chrono>
#include <functional>

#include <nlohmann/json.hpp>

namespace synward::control {

/// Answers telemetry_commands() for as long as it lives. DPDK forgets no command and ends none of its
/// threads: those that ask before or after are told so. One at a time.
class Telemetry {
 public:
  using Json = std::function<nlohmann::json()>;
  /// Both are called from threads of DPDK, one at a time. Throws std::runtime_error, one sentence, when DPDK
  /// takes no more commands.
  Telemetry(Json stats, Json health);
  /// Returns when nobody calls them any more; and, within two seconds, when DPDK answers nobody any more.
  ~Telemetry();
  Telemetry(Telemetry&&) = delete;

  /// What `command` answers to `parameters`. By one thread at a time.
  [[nodiscard]] nlohmann::json answer(const char* command, const char* parameters);

 private:
  const nlohmann::json& stats();

  Json read_stats_, health_;
  nlohmann::json stats_;  // kept for kStatsFreshFor
  std::chrono::steady_clock::time_point stale_at_;
};

}  // namespace synward::control
