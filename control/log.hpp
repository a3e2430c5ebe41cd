// The log of `synward run`: a line each on stderr, for people or for journald, and only so many of them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include <spdlog/sinks/dist_sink.h>
#include <spdlog/spdlog.h>

namespace synward::control {

/// From here on spdlog writes to stderr through LimitedSink. Where journald reads stderr (is_journal()), a
/// line begins with its level (sd-daemon(3)) and has no date, which journald has of its own.
void begin_log();

/// What a line on stderr begins with that is an error and does not go through spdlog: "<3>" for journald,
/// else nothing.
[[nodiscard]] const char* error_prefix();

/// Whether `descriptor` is what $JOURNAL_STREAM, here `stream`, names: "DEVICE:INODE" (systemd.exec(5)). It
/// is inherited, so that it may be set where stderr is something else. `stream` may be null.
[[nodiscard]] bool is_journal(int descriptor, const char* stream);

/// "<6>[info] text": the level of sd-daemon(3), and the one for people.
[[nodiscard]] std::unique_ptr<spdlog::formatter> journal_formatter();

/// Passes on so many lines of each level: what goes wrong again and again, or is asked for so, fills no disk,
/// and hides no line of another level. How many were left out is said before the next line of their level.
class LimitedSink : public spdlog::sinks::dist_sink<std::mutex> {
 public:
  static constexpr double kAtOnce = 300;  ///< a start has a line for each worker, and one for each port of it
  static constexpr double kPerSecond = 10;

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override;

 private:
  struct Level {
    spdlog::log_clock::time_point seen;
    double budget = kAtOnce;
    std::uint64_t left_out = 0;
  };
  std::array<Level, spdlog::level::n_levels> levels_;
};

}  // namespace synward::control
