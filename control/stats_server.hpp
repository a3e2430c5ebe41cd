// The control socket: HTTP over a unix socket, so that any HTTP client can ask.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

namespace synward::control {

/// What a client may ask for; both are called from the server's thread.
struct Requests {
  std::function<nlohmann::json()> stats;
  /// By the port's number in the stats; soon. Returns why not, in a few words; else empty.
  std::function<std::string(std::size_t)> reset_port;
};

/// Serves GET /stats, and to root and the process's own user POST /ports/NUMBER/reset, from a thread of its
/// own until it is destroyed. A client has two seconds in all to ask and to take its answer, however it
/// spreads them; none holds up another, a worker or the end.
class StatsServer {
 public:
  /// Throws std::runtime_error, one sentence, when `path` cannot be served: another process answers there, or
  /// it cannot be made. The socket of a process that is gone is replaced.
  StatsServer(const std::string& path, Requests requests);
  ~StatsServer();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What the synward that serves `path` answers. Throws std::runtime_error, one sentence, when none does.
[[nodiscard]] nlohmann::json ask_stats(const std::string& path);

/// Has the port called `name` of the synward that serves `path` reset, and waits until it works again: some
/// tens of milliseconds, with some drivers seconds. Throws std::runtime_error, one sentence.
void reset_port(const std::string& path, const std::string& name);

}  // namespace synward::control
