// A flood out of one interface, at a rate.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/attack.hpp"
#include "bench/load/packet_socket.hpp"

namespace synward::load {

struct FloodSettings {
  std::string interface;
  std::vector<Target> targets;          ///< in turn
  std::optional<SourcePrefix> sources;  ///< else the default of each target's family
  std::optional<wire::MacAddress> mac;  ///< of all targets; else each is resolved
  double rate = 0;                      ///< segments per second, all targets together
  double seconds = 0;
  AttackMix mix;
};

struct FloodReport {
  double elapsed_s = 0;  ///< of sending; grows while the flood runs
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;  ///< the interface's queue was full
  [[nodiscard]] double per_second() const {
    return elapsed_s > 0 ? static_cast<double>(sent) / elapsed_s : 0;
  }
};

class Flood {
 public:
  /// Opens the socket and resolves the targets' MAC addresses. Throws std::runtime_error or
  /// std::invalid_argument, one sentence.
  explicit Flood(const FloodSettings& settings);

  /// Sends until its time is over. A thread of its own.
  void run();
  /// Any thread.
  [[nodiscard]] FloodReport report() const;

 private:
  std::size_t send_batch(std::uint64_t count);

  double rate_, seconds_;
  PacketSocket socket_;
  std::vector<AnyAttack> attacks_;
  std::size_t turn_ = 0;
  std::atomic<std::uint64_t> sent_{0}, refused_{0}, elapsed_us_{0};
};

}  // namespace synward::load
