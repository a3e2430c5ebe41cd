#include "control/metrics_server.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <variant>

#include "config/print.hpp"
#include "control/metrics.hpp"
#include "control/page/page.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace synward::control {
namespace {

int bind_to(int socket, const wire::Ipv4Address& address, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  std::memcpy(&at.sin_addr, address.bytes.data(), sizeof at.sin_addr);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at);
}

int bind_to(int socket, const wire::Ipv6Address& address, std::uint16_t port) {
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_port = htons(port);
  std::memcpy(&at.sin6_addr, address.bytes.data(), sizeof at.sin6_addr);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at);
}

Descriptor listen_at(const config::SocketAddress& at) {
  const int family = std::holds_alternative<wire::Ipv4Address>(at.address) ? AF_INET : AF_INET6;
  Descriptor listener{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int yes = 1;  // what the last synward served may still be in TIME-WAIT
  const bool good = ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                    std::visit([&](const auto& address) { return bind_to(listener.get(), address, at.port); },
                               at.address) == 0 &&
                    ::listen(listener.get(), SOMAXCONN) == 0;
  if (!good)
    throw std::runtime_error("[control] metrics: nobody can listen at " + config::to_text(at) + " (" +
                             std::strerror(errno) + ")");
  return listener;
}

std::string metrics_response(const nlohmann::json& stats) {
  return http_response("200 OK", "text/plain; version=0.0.4", metrics_text(stats));
}

std::string stats_response(const nlohmann::json& stats) {
  return http_response("200 OK", "application/json", stats.dump() + "\n");
}

/// A response that serves for kStatsFreshFor, so that whoever asks in a loop does not cost a core. Of the
/// server's thread.
class Kept {
 public:
  template <typename Make>
  const std::string& response(Make&& make) {
    const auto now = std::chrono::steady_clock::now();
    if (response_.empty() || now >= stale_at_) {
      response_ = make();
      stale_at_ = now + kStatsFreshFor;
    }
    return response_;
  }

 private:
  std::string response_;
  std::chrono::steady_clock::time_point stale_at_;
};

struct Answers {
  std::string operator()(const HttpRequest& request) {
    const std::string_view target = request.target;
    if (target != "/" && target != "/metrics" && target != "/stats" && target != "/health")
      return http_response("404 Not Found", "text/plain", "there are GET /, /metrics, /stats and /health\n");
    if (request.method != "GET") return http_response("405 Method Not Allowed", "text/plain", "GET\n");
    if (target == "/") return page_response();
    if (target == "/health") return health_response(health());
    return target == "/metrics" ? metrics.response([this] { return metrics_response(stats()); })
                                : numbers.response([this] { return stats_response(stats()); });
  }

  MetricsServer::Json stats, health;
  Kept metrics, numbers;
};

}  // namespace

MetricsServer::MetricsServer(const config::SocketAddress& at, Json stats, Json health)
    : server_{listen_at(at),
              Answers{.stats = std::move(stats), .health = std::move(health), .metrics = {}, .numbers = {}}} {
}

bool is_loopback(const config::SocketAddress& at) {
  return std::visit([](const auto& address) { return wire::is_loopback(address); }, at.address);
}

}  // namespace synward::control
