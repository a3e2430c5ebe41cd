// The traces of a running synward: one at a time, on for as long as somebody takes its samples.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/trace/explain.hpp"
#include "control/trace/request.hpp"

namespace synward::control {

class Tracing {
 public:
  using Clock = std::chrono::steady_clock;
  using Cores = std::vector<std::unique_ptr<CoreState>>;
  /// What of a trace nobody has asked about for so long is over.
  static constexpr std::chrono::seconds kPatience{2};

  struct Surroundings {
    const Cores& cores;
    const std::vector<PortInfo>& ports;
    std::vector<std::string> port_names;
    std::function<std::shared_ptr<const Policy>()> policy;
    std::function<std::uint64_t()> begin_turns;      ///< Workers::begin_turns()
    std::function<bool(std::uint64_t)> have_turned;  ///< Workers::have_turned()
  };
  /// What `around` refers to outlives this, but for workers that run: they have ended before.
  explicit Tracing(Surroundings around) : around_{std::move(around)} {}

  /// All from any thread but a worker's, and none waits for a worker.

  /// Begins one; its number, or nothing while there is another, or workers have not let go of it yet. Throws
  /// std::invalid_argument, one sentence.
  [[nodiscard]] std::optional<std::uint64_t> begin(const TraceWanted& wanted, Clock::time_point now);
  /// The samples since it was last asked, the oldest first and no more than kBatch: {"packets": [...],
  /// "missed": how many packets came, since it began, while there was no room for samples}. Of a packet:
  /// "wall_ns", "worker", "port", "verdict", "reason" (null unless dropped), "service" (null: of none), "why"
  /// and "packet", for people; "frame", hexadecimal, as far as it was kept, and "bytes", of which it was a
  /// part; and the same of what left in its place: "answer", "answer_port", "answer_packet", "answer_bytes"
  /// (null: nothing, or the same). Nothing when it is over.
  [[nodiscard]] std::optional<nlohmann::json> take(std::uint64_t number, Clock::time_point now);
  /// Whether it was this one that ended.
  bool end(std::uint64_t number);
  /// Ends the one that nobody asks about. Every so often.
  void look(Clock::time_point now);

  static constexpr std::size_t kBatch = 64;

 private:
  [[nodiscard]] nlohmann::json json_of(const TraceRecord& record,
                                       const service::ServiceTable& services) const;
  void stop();
  void let_go();

  Surroundings around_;
  std::mutex mutex_;  // over what follows
  std::uint64_t number_ = 0;
  std::vector<std::unique_ptr<TraceTap>> taps_;  // by core; empty: there is none
  std::vector<std::unique_ptr<TraceTap>> left_;  // workers may still use them
  std::uint64_t since_ = 0;                      // when they were left
  Clock::time_point asked_{};
};

}  // namespace synward::control
