// Metrics over TCP, for Prometheus and for browsers: read, and nothing else.
#pragma once

#include <chrono>
#include <functional>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "control/http_server.hpp"

namespace synward::control {

/// How old the numbers of /metrics and of /stats may be.
inline constexpr std::chrono::milliseconds kStatsFreshFor{250};

/// Serves GET / (page_response()), GET /metrics (metrics_text()), GET /stats (the same numbers as JSON) and
/// GET /health.
class MetricsServer {
 public:
  using Json = std::function<nlohmann::json()>;
  /// Both are called from the server's thread. Throws std::runtime_error, one sentence, when it cannot listen
  /// at `at`.
  MetricsServer(const config::SocketAddress& at, Json stats, Json health);

 private:
  HttpServer server_;
};

/// Whether only this machine can reach it.
[[nodiscard]] bool is_loopback(const config::SocketAddress& at);

}  // namespace synward::control
