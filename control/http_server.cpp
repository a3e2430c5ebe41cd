#include "control/http_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <list>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace synward::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kClients = 64;  // at once: the newest takes the place of the oldest
constexpr std::size_t kRequestBytes = 4096;

/// Of "GET /stats HTTP/1.1" the first two words.
std::pair<std::string_view, std::string_view> method_and_target(std::string_view request_line) {
  const auto first = request_line.find(' ');
  if (first == std::string_view::npos) return {request_line, {}};
  const auto rest = request_line.substr(first + 1);
  return {request_line.substr(0, first), rest.substr(0, rest.find(' '))};
}

struct Client {
  explicit Client(int descriptor) : socket{descriptor} {}

  /// Whether more is to be done for it later.
  [[nodiscard]] bool proceed(const HttpServer::Answer& answer) {
    if (output.empty()) {
      std::array<char, kRequestBytes> bytes;
      const ssize_t count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return count < 0 && errno == EAGAIN;
      input.append(bytes.data(), static_cast<std::size_t>(count));
      if (input.size() > kRequestBytes) return false;
      if (input.find("\r\n\r\n") == std::string::npos) return true;
      const auto [method, target] = method_and_target(std::string_view{input}.substr(0, input.find("\r\n")));
      output = answer({.method = method, .target = target, .from = uid()});
    }
    const ssize_t count = ::send(socket.get(), output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    sent += static_cast<std::size_t>(count);
    return sent < output.size();
  }

  [[nodiscard]] uid_t uid() const {
    ucred peer{};
    socklen_t bytes = sizeof peer;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? peer.uid : uid_t(-1);
  }

  Descriptor socket;
  Clock::time_point deadline = Clock::now() + kPatience;
  std::string input, output;
  std::size_t sent = 0;
};

}  // namespace

std::string http_response(std::string_view status, std::string_view type, const std::string& body,
                          std::string_view headers) {
  return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: " + std::string{type} + "\r\n" +
         std::string{headers} + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

std::string health_response(const nlohmann::json& health) {
  const bool healthy = health.at("healthy");
  return http_response(healthy ? "200 OK" : "503 Service Unavailable", "application/json",
                       health.dump() + "\n");
}

struct HttpServer::Impl {
  Impl(Descriptor listening, Answer to_call) : listener{std::move(listening)}, answer{std::move(to_call)} {}

  void serve();
  void accept_one() {
    const int descriptor = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (clients.size() == kClients) clients.pop_front();
    clients.emplace_back(descriptor);
  }

  Descriptor listener;
  Answer answer;
  Descriptor end{::eventfd(0, EFD_CLOEXEC)};
  std::list<Client> clients;  // the oldest, which has the nearest deadline, first
  std::thread thread;
};

void HttpServer::Impl::serve() {
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
      return now >= client.deadline || (ready && !client.proceed(answer));
    });
    if (waits[1].revents != 0) accept_one();
  }
}

HttpServer::HttpServer(Descriptor listening, Answer answer)
    : impl_{std::make_unique<Impl>(std::move(listening), std::move(answer))} {
  if (impl_->end.get() < 0) throw std::runtime_error("no event descriptor is left for an HTTP server");
  impl_->thread = std::thread{[impl = impl_.get()] { impl->serve(); }};
}

HttpServer::~HttpServer() {
  ::eventfd_write(impl_->end.get(), 1);
  impl_->thread.join();
}

}  // namespace synward::control
