#include "control/stats_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <httplib.h>
#include <list>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
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
      output = answer(std::string_view{input}.substr(0, input.find("\r\n")));
    }
    const ssize_t count = ::send(socket.get(), output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    sent += static_cast<std::size_t>(count);
    return sent < output.size();
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

}  // namespace

struct StatsServer::Impl {
  explicit Impl(std::string at) : path{std::move(at)} {}

  [[nodiscard]] std::string answer(std::string_view request_line) const {
    if (!request_line.starts_with("GET ")) return response("405 Method Not Allowed", "text/plain", "GET\n");
    if (!request_line.starts_with("GET /stats HTTP/1."))
      return response("404 Not Found", "text/plain", "there is /stats\n");
    return response("200 OK", "application/json", stats().dump(2) + "\n");
  }
  void serve();
  void accept_one() {
    const int descriptor = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (clients.size() == kClients) clients.pop_front();
    clients.emplace_back(descriptor);
  }

  std::string path;
  std::function<nlohmann::json()> stats;
  UnixSocket listener;
  UnixSocket end{::eventfd(0, EFD_CLOEXEC)};
  std::list<Client> clients;  // the oldest, which has the nearest deadline, first
  std::thread thread;
};

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
      return now >= client.deadline ||
             (ready && !client.proceed([this](std::string_view line) { return answer(line); }));
    });
    if (waits[1].revents != 0) accept_one();
  }
}

StatsServer::StatsServer(const std::string& path, std::function<nlohmann::json()> stats) {
  make_room_for(path);
  impl_ = std::make_unique<Impl>(path);
  impl_->stats = std::move(stats);
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

nlohmann::json ask_stats(const std::string& path) {
  httplib::Client client{path};
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatience.count());
  const auto answer = client.Get("/stats", httplib::Headers{{"Host", "localhost"}});
  if (answer && answer->status == 200) return nlohmann::json::parse(answer->body);
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

}  // namespace synward::control
