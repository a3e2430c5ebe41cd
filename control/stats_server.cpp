#include "control/stats_server.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <grp.h>
#include <httplib.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

constexpr const char* kReaders = "synward";  // the group that may ask, where there is one

void make_room_for(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path{path}.parent_path(), error);
  if (const auto why_not = why_no_socket(path); !why_not.empty())
    throw std::runtime_error("control socket " + path + ": " + why_not);
  fs::remove(path, error);
}

/// The number that is all there is between these two.
std::optional<std::uint64_t> number_between(std::string_view before, std::string_view target,
                                            std::string_view behind) {
  if (target.size() < before.size() + behind.size() || !target.starts_with(before) ||
      !target.ends_with(behind))
    return {};
  target = target.substr(before.size(), target.size() - before.size() - behind.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), number);
  if (error != std::errc{} || end != target.data() + target.size()) return {};
  return number;
}

bool is_trace(std::string_view target) { return target == "/trace" || target.starts_with("/trace/"); }

std::string trace_response(const HttpRequest& request, Tracing& tracing) {
  const auto now = Tracing::Clock::now();
  const auto gone = [] {
    return http_response("410 Gone", "text/plain", "there is no such trace, or no more\n");
  };
  if (request.target == "/trace") {
    try {
      if (const auto number = tracing.begin(from_query(request.query), now))
        return http_response("200 OK", "text/plain", std::to_string(*number) + "\n");
      return http_response("409 Conflict", "text/plain", "somebody else traces\n");
    } catch (const std::invalid_argument& error) {
      return http_response("400 Bad Request", "text/plain", error.what() + std::string{"\n"});
    }
  }
  if (const auto number = number_between("/trace/", request.target, "/end"))
    return tracing.end(*number) ? http_response("202 Accepted", "text/plain", "it has ended\n") : gone();
  const auto number = number_between("/trace/", request.target, "");
  const auto samples = number ? tracing.take(*number, now) : std::nullopt;
  return samples ? http_response("200 OK", "application/json", samples->dump() + "\n") : gone();
}

/// Which of a target's methods there are.
struct Methods {
  bool get, post;
};
Methods methods_of(std::string_view target, const Requests& requests) {
  const bool is_reload = target == "/reload";
  return {
      .get = target == "/stats" || target == "/health" || is_reload || number_between("/reload/", target, ""),
      .post = target == "/drain" || target == "/undrain" || is_reload ||
              number_between("/ports/", target, "/reset") ||
              (is_trace(target) && requests.tracing != nullptr)};
}

std::string read(std::string_view target, const Requests& requests) {
  if (target == "/stats") return http_response("200 OK", "application/json", requests.stats().dump(2) + "\n");
  if (target == "/health") return health_response(requests.health());
  const std::uint64_t number = number_between("/reload/", target, "").value_or(0);
  return http_response("200 OK", "application/json", requests.reloads(number).dump() + "\n");
}

std::string act(const HttpRequest& request, const Requests& requests) {
  if (is_trace(request.target)) return trace_response(request, *requests.tracing);
  if (request.target == "/reload")
    return http_response("202 Accepted", "text/plain", std::to_string(requests.reload()) + "\n");
  if (const auto port = number_between("/ports/", request.target, "/reset")) {
    if (const auto why_not = requests.reset_port(*port); !why_not.empty())
      return http_response("404 Not Found", "text/plain", why_not + "\n");
    return http_response("202 Accepted", "text/plain", "its \"resets\" in /stats will grow\n");
  }
  requests.drain(request.target == "/drain");
  return http_response("202 Accepted", "text/plain", "from the next turn of each worker on\n");
}

std::string answer(const HttpRequest& request, const Requests& requests, uid_t owner) {
  const Methods methods = methods_of(request.target, requests);
  if (!methods.get && !methods.post)
    return http_response("404 Not Found", "text/plain",
                         "there are GET /stats, /health and /reload, POST /ports/NUMBER/reset, /drain, "
                         "/undrain, /reload and /trace\n");
  if (methods.get && request.method == "GET") return read(request.target, requests);
  if (!methods.post || request.method != "POST")
    return http_response("405 Method Not Allowed", "text/plain", methods.get ? "GET\n" : "POST\n");
  if (request.from != 0 && request.from != owner)
    return http_response("403 Forbidden", "text/plain", "only root may, and the user who runs synward\n");
  return act(request, requests);
}

}  // namespace

std::string why_no_socket(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return "";
  if (!fs::is_socket(status)) return "a file of another kind is there";
  if (const int refusal = UnixSocket{}.connect(path); refusal == 0 || refusal == EAGAIN)
    return "another synward serves it; give this one a [control] socket of its own";
  return "";
}

StatsServer::StatsServer(const std::string& path, Requests requests) : path_{path} {
  make_room_for(path);
  UnixSocket listener;
  const mode_t before = ::umask(0117);  // owner and group: counters tell an attacker how well he does
  const bool bound = listener.bind(path) == 0;
  ::umask(before);
  // Not being allowed to leaves it to our own group.
  if (const group* readers = ::getgrnam(kReaders); bound && readers != nullptr)
    static_cast<void>(::chown(path.c_str(), static_cast<uid_t>(-1), readers->gr_gid) == 0);
  if (!bound || ::listen(listener.get(), SOMAXCONN) != 0) {
    throw std::runtime_error("control socket " + path +
                             " cannot be made: its folder must exist and be writable for this user");
  }
  server_.emplace(std::move(listener),
                  [requests = std::move(requests), owner = ::geteuid()](const HttpRequest& request) {
                    return answer(request, requests, owner);
                  });
}

StatsServer::~StatsServer() { ::unlink(path_.c_str()); }  // before who waits is cut off and asks again

}  // namespace synward::control
