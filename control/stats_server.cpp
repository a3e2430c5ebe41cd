#include "control/stats_server.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <grp.h>
#include <httplib.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};  // of a client, with the server
constexpr const char* kReaders = "synward";   // the group that may ask, where there is one

void make_room_for(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path{path}.parent_path(), error);
  if (const auto why_not = why_no_socket(path); !why_not.empty())
    throw std::runtime_error("control socket " + path + ": " + why_not);
  fs::remove(path, error);
}

/// Of "/ports/NUMBER/reset" the number.
std::optional<std::size_t> port_to_reset(std::string_view target) {
  constexpr std::string_view kBefore = "/ports/", kBehind = "/reset";
  if (!target.starts_with(kBefore) || !target.ends_with(kBehind)) return {};
  target.remove_prefix(kBefore.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), number);
  if (error != std::errc{} || end + kBehind.size() != target.data() + target.size()) return {};
  return number;
}

std::string answer(const HttpRequest& request, const Requests& requests, uid_t owner) {
  const auto port = port_to_reset(request.target);
  const bool reloads = request.target == "/reload";
  const bool reads =
      request.target == "/stats" || request.target == "/health" || (reloads && request.method == "GET");
  const bool drains = request.target == "/drain" || request.target == "/undrain";
  if (!reads && !drains && !reloads && !port)
    return http_response("404 Not Found", "text/plain",
                         "there are GET /stats, /health and /reload, POST /ports/NUMBER/reset, /drain, "
                         "/undrain and /reload\n");
  if (request.method != (reads ? "GET" : "POST"))
    return http_response("405 Method Not Allowed", "text/plain", reads ? "GET\n" : "POST\n");
  if (request.target == "/stats")
    return http_response("200 OK", "application/json", requests.stats().dump(2) + "\n");
  if (request.target == "/health") return health_response(requests.health());
  if (reloads && reads) return http_response("200 OK", "application/json", requests.reloads().dump() + "\n");
  if (request.from != 0 && request.from != owner)
    return http_response("403 Forbidden", "text/plain", "only root may, and the user who runs synward\n");
  if (drains) {
    requests.drain(request.target == "/drain");
    return http_response("202 Accepted", "text/plain", "from the next turn of each worker on\n");
  }
  if (reloads) return http_response("202 Accepted", "text/plain", std::to_string(requests.reload()) + "\n");
  if (const auto why_not = requests.reset_port(*port); !why_not.empty())
    return http_response("404 Not Found", "text/plain", why_not + "\n");
  return http_response("202 Accepted", "text/plain", "its \"resets\" in /stats will grow\n");
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

namespace {

/// Why nobody answers at `path` as a synward would.
[[noreturn]] void refused(const std::string& path) {
  const int refusal = UnixSocket{}.connect(path);
  if (refusal == EACCES) {
    throw std::runtime_error("you may not ask at " + path +
                             ": its owner and its group may; use sudo, or join the group");
  }
  if (refusal == 0 || refusal == EAGAIN) {
    throw std::runtime_error("whoever serves " + path +
                             " does not answer: is this a synward's control socket, and is it stopped?");
  }
  throw std::runtime_error("no synward answers at " + path +
                           ": is it running, and is this its control socket? (--socket, $SYNWARD_SOCKET)");
}

httplib::Client client_of(const std::string& path) {
  httplib::Client client{path};
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatience.count());
  return client;
}

const httplib::Headers kHeaders{{"Host", "localhost"}};

}  // namespace

nlohmann::json ask_stats(const std::string& path) {
  const auto answer = client_of(path).Get("/stats", kHeaders);
  if (!answer || answer->status != 200) refused(path);
  return nlohmann::json::parse(answer->body);
}

nlohmann::json ask_health(const std::string& path) {
  const auto answer = client_of(path).Get("/health", kHeaders);
  if (!answer || (answer->status != 200 && answer->status != 503)) refused(path);
  return nlohmann::json::parse(answer->body);
}

void ask_to_drain(const std::string& path, bool on) {
  const auto answer = client_of(path).Post(on ? "/drain" : "/undrain", kHeaders, "", "text/plain");
  if (!answer) refused(path);
  if (answer->status != 202)
    throw std::runtime_error("not done: " + answer->body.substr(0, answer->body.find('\n')));
}

nlohmann::json ask_to_reload(const std::string& path) {
  const auto asked = client_of(path).Post("/reload", kHeaders, "", "text/plain");
  if (!asked) refused(path);
  if (asked->status != 202)
    throw std::runtime_error("not done: " + asked->body.substr(0, asked->body.find('\n')));
  const std::uint64_t number = std::stoull(asked->body);
  constexpr std::chrono::seconds kLongest{10};
  constexpr std::chrono::milliseconds kBetween{5};
  for (const auto limit = Clock::now() + kLongest; Clock::now() < limit;
       std::this_thread::sleep_for(kBetween)) {
    const auto answer = client_of(path).Get("/reload", kHeaders);
    if (!answer || answer->status != 200) refused(path);
    auto reload = nlohmann::json::parse(answer->body);
    if (reload.at("done") >= number) return reload;
  }
  throw std::runtime_error("it has not ended yet: `synward health` and the log of synward say more");
}

void reset_port(const std::string& path, const std::string& name) {
  const auto before = ask_stats(path).at("ports");
  std::size_t number = 0;
  std::string names;
  for (; number < before.size() && before[number].at("name") != name; ++number)
    names += (names.empty() ? "" : ", ") + before[number].at("name").get<std::string>();
  if (number == before.size())
    throw std::runtime_error("there is no port \"" + name + "\"; there are: " + names);
  const std::uint64_t resets = before[number].at("resets");
  const auto answer =
      client_of(path).Post("/ports/" + std::to_string(number) + "/reset", kHeaders, "", "text/plain");
  if (!answer) refused(path);
  if (answer->status != 202)
    throw std::runtime_error("port \"" + name +
                             "\" is not reset: " + answer->body.substr(0, answer->body.find('\n')));
  constexpr std::chrono::seconds kLongest{40};  // synward gives up before, and ends
  constexpr std::chrono::milliseconds kBetween{50};
  const auto limit = Clock::now() + kLongest;
  const auto is_done = [&] {
    try {
      return ask_stats(path).at("ports").at(number).at("resets") > resets;
    } catch (const std::runtime_error&) {
      throw std::runtime_error("port \"" + name +
                               "\" did not come back, and synward ended; its log says why");
    }
  };
  while (!is_done()) {
    if (Clock::now() > limit)
      throw std::runtime_error("port \"" + name + "\" has not come back; the log of synward says more");
    std::this_thread::sleep_for(kBetween);
  }
}

}  // namespace synward::control
