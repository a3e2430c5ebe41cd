// Real clients: the kernel's TCP, one connection after the other at their intended times.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "bench/load/client_log.hpp"
#include "bench/load/rails.hpp"

namespace synward::load {

struct ClientSettings {
  std::vector<Target> targets;  ///< in turn
  double rate = 0;              ///< connections per second, all targets together
  double seconds = 0;
  double patience_s = 3;  ///< how long a client waits: for its connection, and again for its end
  double stay_s = 0;      ///< how long it stays between the two
};

/// Each connects, sends a line, stays a while, closes its half, and waits for the FIN of the other. All of
/// them are in the hands of one thread and one epoll.
class KernelClients {
 public:
  /// Throws std::runtime_error, one sentence.
  explicit KernelClients(ClientSettings settings);
  ~KernelClients();
  KernelClients(KernelClients&&) = delete;

  /// Returns when the last client has ended: its stay and twice the patience after the schedule's end at the
  /// latest. A thread of its own.
  void run();
  /// Any thread.
  [[nodiscard]] ClientReport report() const { return log_.report(); }

 private:
  enum class Phase : std::uint8_t { kConnecting, kStaying, kClosing };
  struct Client {
    std::uint64_t intended_us;
    std::uint64_t until_us;  // what happens then, expire() says
    Phase phase;
  };
  void open(std::uint64_t number, std::uint64_t intended_us);
  void ready(int fd);
  void greet(int fd, Client& client);
  void listen_to(int fd);
  void close_half(int fd, Client& client, std::uint64_t now_us);
  void expire(std::uint64_t now_us);
  void end(int fd);
  void fail(int fd, Failure why);

  ClientSettings settings_;
  int epoll_;
  std::uint64_t expired_us_ = 0;  // when expire() last looked
  std::unordered_map<int, Client> open_;
  ClientLog log_;
};

}  // namespace synward::load
