// The control socket: HTTP over a unix socket, so that any HTTP client can ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "control/http_server.hpp"

namespace synward::control {

/// What a client may ask for; all are called from the server's thread.
struct Requests {
  std::function<nlohmann::json()> stats;
  /// By the port's number in the stats; soon. Returns why not, in a few words; else empty.
  std::function<std::string(std::size_t)> reset_port;
  std::function<nlohmann::json()> health;   ///< Health::json()
  std::function<void(bool)> drain;          ///< whether SYNs are to end
  std::function<std::uint64_t()> reload;    ///< Reload::ask()
  std::function<nlohmann::json()> reloads;  ///< Reload::json()
};

/// Serves GET /stats, GET /health (200, or 503 with the reasons) and GET /reload, and to root and the
/// process's own user POST /ports/NUMBER/reset, /drain, /undrain and /reload, which answers with a number.
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

/// What the synward that serves `path` answers. Throws std::runtime_error, one sentence, when none does.
[[nodiscard]] nlohmann::json ask_stats(const std::string& path);

/// What it says of its health.
[[nodiscard]] nlohmann::json ask_health(const std::string& path);

/// Has it take no new connections, or again take them. Throws std::runtime_error, one sentence.
void ask_to_drain(const std::string& path, bool on);

/// Has it read its config anew, and waits until it runs by that, or has said why not: Reload::json(). Throws
/// std::runtime_error, one sentence, also when that takes longer than ten seconds.
[[nodiscard]] nlohmann::json ask_to_reload(const std::string& path);

/// Has the port called `name` of the synward that serves `path` reset, and waits until it works again: some
/// tens of milliseconds, with some drivers seconds. Throws std::runtime_error, one sentence.
void reset_port(const std::string& path, const std::string& name);

}  // namespace synward::control
