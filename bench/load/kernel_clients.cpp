#include "bench/load/kernel_clients.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/pace.hpp"

namespace synward::load {
namespace {

constexpr std::uint64_t kLongestNapUs = 10'000;

std::uint64_t microseconds(double seconds) { return static_cast<std::uint64_t>(seconds * 1e6); }

}  // namespace

KernelClients::KernelClients(ClientSettings settings)
    : settings_{std::move(settings)}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw std::runtime_error("no epoll: " + std::string{std::strerror(errno)});
}

KernelClients::~KernelClients() {
  for (const auto& [fd, client] : open_) ::close(fd);
  ::close(epoll_);
}

void KernelClients::run() {
  prctl(PR_SET_TIMERSLACK, 1'000UL);  // the kernel's 50 us would be part of every latency
  const Pace pace{settings_.rate, settings_.seconds, now_us()};
  std::uint64_t next = 0;
  std::array<epoll_event, 256> events;
  for (std::uint64_t now = now_us(); now < pace.end_us() || !open_.empty(); now = now_us()) {
    for (const std::uint64_t due = pace.due(now); next < due; ++next) open(next, pace.time_of(next));
    expire(now);
    const std::uint64_t wake =
        std::min(now < pace.end_us() ? pace.time_of(next) : ~std::uint64_t{0}, now + kLongestNapUs);
    const timespec nap{0, static_cast<long>(1000 * (std::max(wake, now) - now))};
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &nap, nullptr);
    for (int i = 0; i < count; ++i) ready(events[static_cast<std::size_t>(i)].data.fd);
  }
}

void KernelClients::open(std::uint64_t number, std::uint64_t intended_us) {
  log_.started();
  const Target& target = settings_.targets[number % settings_.targets.size()];
  sockaddr_storage address;
  const socklen_t length = target.to_sockaddr(address);
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return log_.failed(Failure::kLocal);
  epoll_event wanted{.events = EPOLLOUT, .data = {.fd = fd}};
  if ((::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno != EINPROGRESS) ||
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted) != 0) {
    ::close(fd);
    return log_.failed(Failure::kLocal);
  }
  open_.emplace(fd,
                Client{intended_us, intended_us + microseconds(settings_.patience_s), Phase::kConnecting});
}

void KernelClients::ready(int fd) {
  Client& client = open_.at(fd);
  client.phase == Phase::kConnecting ? greet(fd, client) : listen_to(fd);
}

/// The connection stands, or never will.
void KernelClients::greet(int fd, Client& client) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return fail(fd, error == ETIMEDOUT ? Failure::kConnectTimeout : Failure::kRefused);
  const std::uint64_t now = now_us();
  log_.connected(now - client.intended_us);
  client.phase = Phase::kStaying;
  client.until_us = now + microseconds(settings_.stay_s);
  epoll_event wanted{.events = EPOLLIN, .data = {.fd = fd}};
  if (::send(fd, kClientLine.data(), kClientLine.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(kClientLine.size()) ||
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &wanted) != 0)
    return fail(fd, Failure::kReset);
  if (client.until_us == now) close_half(fd, client, now);
}

/// Until the other side's FIN; what it says before is read and thrown away.
void KernelClients::listen_to(int fd) {
  std::array<char, 4096> text;
  const ssize_t count = ::recv(fd, text.data(), text.size(), 0);
  if (count < 0 && errno != EAGAIN)
    return fail(fd, errno == ETIMEDOUT ? Failure::kCloseTimeout : Failure::kReset);
  if (count != 0) return;
  log_.closed();
  end(fd);
}

void KernelClients::close_half(int fd, Client& client, std::uint64_t now_us) {
  if (::shutdown(fd, SHUT_WR) != 0) return fail(fd, Failure::kReset);
  client.phase = Phase::kClosing;
  client.until_us = now_us + microseconds(settings_.patience_s);
}

/// The time of some clients has come: those that stayed close, the others have waited in vain.
void KernelClients::expire(std::uint64_t now_us) {
  if (now_us < expired_us_ + kLongestNapUs) return;
  expired_us_ = now_us;
  std::vector<int> due;
  due.reserve(open_.size());
  for (const auto& [fd, client] : open_) {
    if (client.until_us <= now_us) due.push_back(fd);
  }
  for (const int fd : due) {
    Client& client = open_.at(fd);
    switch (client.phase) {
      case Phase::kConnecting:
        fail(fd, Failure::kConnectTimeout);
        break;
      case Phase::kStaying:
        close_half(fd, client, now_us);
        break;
      case Phase::kClosing:
        fail(fd, Failure::kCloseTimeout);
        break;
    }
  }
}

void KernelClients::end(int fd) {
  open_.erase(fd);
  ::close(fd);
}

void KernelClients::fail(int fd, Failure why) {
  log_.failed(why);
  end(fd);
}

}  // namespace synward::load
