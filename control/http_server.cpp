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

#include <spdlog/spdlog.h>

namespace synward::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kRest{100};  // of the listener, when no descriptor is left for a client
constexpr std::chrono::milliseconds kGrace{20};  // in which nobody is pushed out who has not asked yet
constexpr std::size_t kClients = 64;             // at once
constexpr std::size_t kRequestBytes = 4096;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kFailed =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// `text` up to the first of this letter, and what is behind it.
std::pair<std::string_view, std::string_view> cut_at(std::string_view text, char letter) {
  const auto end = text.find(letter);
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), text.substr(end + 1)};
}

/// Of "GET /stats?a=b HTTP/1.1".
HttpRequest request_of(std::string_view request_line, uid_t from) {
  const auto [method, rest] = cut_at(request_line, ' ');
  const auto [target, query] = cut_at(cut_at(rest, ' ').first, '?');
  return {.method = method, .target = target, .query = query, .from = from};
}

struct Client {
  explicit Client(Descriptor accepted) : socket{std::move(accepted)} {}

  [[nodiscard]] bool has_asked() const { return !left.empty(); }
  [[nodiscard]] Clock::time_point since() const { return deadline - kPatience; }
  /// Whether more is to be done for it later.
  [[nodiscard]] bool proceed(const HttpServer::Answer& answer) {
    if (!has_asked()) {
      std::array<char, kRequestBytes> bytes;
      const ssize_t count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return count < 0 && errno == EAGAIN;
      input.append(bytes.data(), static_cast<std::size_t>(count));
      if (input.size() > kRequestBytes) return false;
      if (input.find(kHeadEnd) == std::string::npos) return true;
      respond(answer);
    }
    const ssize_t count = ::send(socket.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    left.remove_prefix(static_cast<std::size_t>(count));
    return !left.empty();
  }

  void respond(const HttpServer::Answer& answer) {
    HttpRequest request = request_of(std::string_view{input}.substr(0, input.find("\r\n")), uid());
    const bool without_body = request.method == "HEAD";
    if (without_body) request.method = "GET";
    try {
      output = answer(request);
      left = output;
      if (without_body) left = left.substr(0, left.find(kHeadEnd) + kHeadEnd.size());
    } catch (const std::exception& error) {
      spdlog::error("HTTP: a request has no answer: {}", error.what());
      left = kFailed;
    } catch (...) {
      left = kFailed;
    }
  }

  [[nodiscard]] uid_t uid() const {
    ucred peer{};
    socklen_t bytes = sizeof peer;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? peer.uid : uid_t(-1);
  }

  Descriptor socket;
  Clock::time_point deadline = Clock::now() + kPatience;
  std::string input, output;
  std::string_view left;  ///< of the answer, to be sent
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
  void accept_one();
  [[nodiscard]] std::list<Client>::iterator one_too_many();
  [[nodiscard]] int timeout_ms(Clock::time_point now) const;

  Descriptor listener;
  Answer answer;
  Descriptor end{::eventfd(0, EFD_CLOEXEC)};
  std::list<Client> clients;          // the oldest, which has the nearest deadline, first
  Clock::time_point accepts_again{};  // until then nobody is accepted
  std::thread thread;
};

/// Idle connections push out each other, and nobody who is being answered.
std::list<Client>::iterator HttpServer::Impl::one_too_many() {
  const auto idle = std::ranges::find_if(clients, [](const Client& client) { return !client.has_asked(); });
  return idle == clients.end() ? clients.begin() : idle;
}

void HttpServer::Impl::accept_one() {
  if (clients.size() == kClients) {
    // Who is idle may have come a moment ago, and be about to ask; in the queue nobody loses anything.
    const auto pushed_out = one_too_many()->since() + kGrace;
    if (Clock::now() < pushed_out) return void(accepts_again = pushed_out);
  }
  Descriptor socket{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (socket.get() >= 0) {
    if (clients.size() == kClients) clients.erase(one_too_many());
    clients.emplace_back(std::move(socket));
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    accepts_again = Clock::now() + kRest;  // who waits to be accepted would wake poll() at once, for ever
  }
}

/// Until something is due; -1: nothing is.
int HttpServer::Impl::timeout_ms(Clock::time_point now) const {
  auto due = Clock::time_point::max();
  if (!clients.empty()) due = clients.front().deadline;
  if (now < accepts_again) due = std::min(due, accepts_again);
  if (due == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now);
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void HttpServer::Impl::serve() {
  std::vector<pollfd> waits;
  waits.reserve(2 + kClients);
  while (true) {
    const auto begun = Clock::now();
    const int accepting = begun < accepts_again ? -1 : listener.get();  // poll() leaves out what is negative
    waits.assign({{end.get(), POLLIN, 0}, {accepting, POLLIN, 0}});
    for (const Client& client : clients) {
      const short what = client.has_asked() ? POLLOUT : POLLIN;
      waits.push_back({client.socket.get(), what, 0});
    }
    ::poll(waits.data(), waits.size(), timeout_ms(begun));
    if (waits[0].revents != 0) return;
    const auto now = Clock::now();
    auto wait = waits.begin() + 2;
    const auto left = clients.remove_if([&](Client& client) {
      const bool ready = (wait++)->revents != 0;
      return now >= client.deadline || (ready && !client.proceed(answer));
    });
    if (left != 0) accepts_again = {};
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
