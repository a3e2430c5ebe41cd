// The control socket: HTTP over a unix socket, so that any HTTP client can ask.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

namespace synward::control {

/// Serves GET /stats from a thread of its own until it is destroyed. A client has two seconds in all to ask
/// and to take its answer, however it spreads them; none holds up another, a worker or the end.
class StatsServer {
 public:
  /// `stats` is called from the server's thread. Throws std::runtime_error, one sentence, when `path` cannot
  /// be served: another process answers there, or it cannot be made. The socket of a process that is gone is
  /// replaced.
  StatsServer(const std::string& path, std::function<nlohmann::json()> stats);
  ~StatsServer();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What the synward that serves `path` answers. Throws std::runtime_error, one sentence, when none does.
[[nodiscard]] nlohmann::json ask_stats(const std::string& path);

}  // namespace synward::control
