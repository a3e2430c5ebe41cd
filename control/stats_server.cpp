#include "control/stats_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <httplib.h>
#include <list>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kClients = 64;  // at once: the newest takes the place of the oldest
constexpr std::size_t kRequestBytes = 4096;

void make_room_for(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path{path}.parent_path(), error);
  const auto status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return;
  if (!fs::is_socket(status))
    throw std::runtime_error("control socket " + path + ": a file of another kind is there");
  if (const int refusal = UnixSocket{}.connect(path); refusal == 0 || refusal == EAGAIN) {
    throw std::runtime_error("control socket " + path +
                             ": another synward serves it; give this one a [control] socket of its own");
  }
  fs::remove(path, error);
}

/// One request, one answer, and the connection closes (RFC 9112 9.6).
struct Client {
  explicit Client(int descriptor) : socket{descriptor} {}

  /// Whether more is to be done for it later.
  template <typename Answer>
  [[nodiscard]] bool proceed(const Answer& answer) {
    if (output.empty()) {
      std::array<char, kRequestBytes> bytes;
      const ssize_t count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return count < 0 && errno == EAGAIN;
      input.append(bytes.data(), static_cast<std::size_t>(count));
      if (input.size() > kRequestBytes) return false;
      if (input.find("\r\n\r\n") == std::string::npos) return true;
      output = answer(std::string_view{input}.substr(0, input.find("\r\n")), uid());
    }
    const ssize_t count = ::send(socket.get(), output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    sent += static_cast<std::size_t>(count);
    return sent < output.size();
  }

  /// Who connected; -1: nobody knows.
  [[nodiscard]] uid_t uid() const {
    ucred peer{};
    socklen_t bytes = sizeof peer;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? peer.uid : uid_t(-1);
  }

  UnixSocket socket;
  Clock::time_point deadline = Clock::now() + kPatience;
  std::string input, output;
  std::size_t sent = 0;
};

std::string response(std::string_view status, std::string_view type, const std::string& body) {
  return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: " + std::string{type} +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

/// Of "GET /stats HTTP/1.1" the first two words; what is missing is empty.
std::pair<std::string_view, std::string_view> method_and_target(std::string_view request_line) {
  const auto first = request_line.find(' ');
  if (first == std::string_view::npos) return {request_line, {}};
  const auto rest = request_line.substr(first + 1);
  return {request_line.substr(0, first), rest.substr(0, rest.find(' '))};
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

}  // namespace

struct StatsServer::Impl {
  explicit Impl(std::string at) : path{std::move(at)} {}

  [[nodiscard]] std::string answer(std::string_view request_line, uid_t from) const;
  void serve();
  void accept_one() {
    const int descriptor = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (clients.size() == kClients) clients.pop_front();
    clients.emplace_back(descriptor);
  }

  std::string path;
  Requests requests;
  uid_t owner = ::geteuid();
  UnixSocket listener;
  UnixSocket end{::eventfd(0, EFD_CLOEXEC)};
  std::list<Client> clients;  // the oldest, which has the nearest deadline, first
  std::thread thread;
};

std::string StatsServer::Impl::answer(std::string_view request_line, uid_t from) const {
  const auto [method, target] = method_and_target(request_line);
  const auto port = port_to_reset(target);
  if (target != "/stats" && !port)
    return response("404 Not Found", "text/plain", "there are GET /stats and POST /ports/NUMBER/reset\n");
  if (method != (port ? "POST" : "GET"))
    return response("405 Method Not Allowed", "text/plain", port ? "POST\n" : "GET\n");
  if (!port) return response("200 OK", "application/json", requests.stats().dump(2) + "\n");
  if (from != 0 && from != owner)
    return response("403 Forbidden", "text/plain", "only root may, and the user who runs synward\n");
  if (const auto why_not = requests.reset_port(*port); !why_not.empty())
    return response("404 Not Found", "text/plain", why_not + "\n");
  return response("202 Accepted", "text/plain", "its \"resets\" in /stats will grow\n");
}

void StatsServer::Impl::serve() {
  std::vector<pollfd> waits;
  waits.reserve(2 + kClients);
  while (true) {
    waits.assign({{end.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}});
    for (const Client& client : clients) {
      const short what = client.output.empty() ? POLLIN : POLLOUT;
      waits.push_back({client.socket.get(), what, 0});
    }
    int timeout_ms = -1;
    if (!clients.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(clients.front().deadline - Clock::now());
      timeout_ms = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    ::poll(waits.data(), waits.size(), timeout_ms);
    if (waits[0].revents != 0) return;
    const auto now = Clock::now();
    auto wait = waits.begin() + 2;
    clients.remove_if([&](Client& client) {
      const bool ready = (wait++)->revents != 0;
      return now >= client.deadline || (ready && !client.proceed([this](std::string_view line, uid_t from) {
               return answer(line, from);
             }));
    });
    if (waits[1].revents != 0) accept_one();
  }
}

StatsServer::StatsServer(const std::string& path, Requests requests) {
  make_room_for(path);
  impl_ = std::make_unique<Impl>(path);
  impl_->requests = std::move(requests);
  const mode_t before = ::umask(0117);  // owner and group: counters tell an attacker how well he does
  const bool bound = impl_->listener.bind(path) == 0;
  ::umask(before);
  if (!bound || ::listen(impl_->listener.get(), SOMAXCONN) != 0 || impl_->end.get() < 0) {
    throw std::runtime_error("control socket " + path +
                             " cannot be made: its folder must exist and be writable for this user");
  }
  impl_->thread = std::thread{[impl = impl_.get()] { impl->serve(); }};
}

StatsServer::~StatsServer() {
  ::unlink(impl_->path.c_str());  // first: who is cut off now finds that nobody serves it
  ::eventfd_write(impl_->end.get(), 1);
  impl_->thread.join();
}

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
