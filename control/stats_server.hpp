// The control socket: HTTP over a unix socket, so that any HTTP client can ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "control/http_server.hpp"
#include "control/trace/tracing.hpp"

namespace synward::control {

/// What a client may ask for; all are called from the server's thread.
struct Requests {
  std::function<nlohmann::json()> stats;
  /// By the port's number in the stats; soon. Returns why not, in a few words; else empty.
  std::function<std::string(std::size_t)> reset_port;
  std::function<nlohmann::json()> health;                ///< Health::json()
  std::function<void(bool)> drain;                       ///< whether SYNs are to end
  std::function<std::uint64_t()> reload;                 ///< Reload::ask()
  std::function<nlohmann::json(std::uint64_t)> reloads;  ///< Reload::json()
  Tracing* tracing = nullptr;  ///< lives longer than the server; null: nobody can trace
};

/// Serves GET /stats, GET /health (200, or 503 with the reasons), GET /reload, the last one, and GET
/// /reload/NUMBER, and to root and the
/// process's own user POST /ports/NUMBER/reset, /drain, /undrain and /reload, which answers with a number;
/// and a trace: POST /trace?QUERY, as to_query() makes it, answers with a number, POST /trace/NUMBER with the
/// samples since it was last asked, and POST /trace/NUMBER/end ends it.
/// The socket is of mode 0660, and of the group "synward" where there is one.
class StatsServer {
 public:
  /// Throws std::runtime_error, one sentence, when `path` cannot be served: another process answers there, or
  /// it cannot be made. The socket of a process that is gone is replaced.
  StatsServer(const std::string& path, Requests requests);
  ~StatsServer();

 private:
  std::string path_;
  std::optional<HttpServer> server_;
};

/// Why what is at `path` keeps StatsServer from serving it, in a few words: somebody who serves it, or a file
/// of another kind. Empty when it may. Changes nothing.
[[nodiscard]] std::string why_no_socket(const std::string& path);

}  // namespace synward::control
