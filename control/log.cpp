#include "control/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace synward::control {
namespace {

/// sd-daemon(3), whose numbers are syslog's.
char priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return '2';
    case spdlog::level::err:
      return '3';
    case spdlog::level::warn:
      return '4';
    case spdlog::level::info:
      return '6';
    default:
      return '7';
  }
}

class Priority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&, spdlog::memory_buf_t& text) override {
    for (const char c : {'<', priority_of(line.level), '>'}) text.push_back(c);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }
};

bool stderr_is_journal() { return is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM")); }

}  // namespace

bool is_journal(int descriptor, const char* stream) {
  struct stat file {};
  return stream != nullptr && ::fstat(descriptor, &file) == 0 &&
         stream == std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

const char* error_prefix() { return stderr_is_journal() ? "<3>" : ""; }

std::unique_ptr<spdlog::formatter> journal_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Priority>('*').set_pattern("%*[%l] %v");
  return formatter;
}

void begin_log() {
  auto sink = std::make_shared<LimitedSink>();
  sink->add_sink(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  if (stderr_is_journal()) sink->set_formatter(journal_formatter());
  // Not "synward": a logger without a name is one whose lines have none.
  auto logger = std::make_shared<spdlog::logger>("", std::move(sink));
  spdlog::set_default_logger(std::move(logger));
}

void LimitedSink::sink_it_(const spdlog::details::log_msg& line) {
  Level& level = levels_[static_cast<std::size_t>(line.level)];
  // A clock that was set back gives nothing.
  const std::chrono::duration<double> passed = std::max(line.time - level.seen, {});
  level.seen = line.time;
  level.budget = std::min(level.budget + passed.count() * kPerSecond, kAtOnce);
  const double wanted = level.left_out == 0 ? 1 : 2;  // lines
  if (level.budget < wanted) {
    ++level.left_out;
    return;
  }
  level.budget -= wanted;
  if (level.left_out != 0) {
    const std::string note = std::to_string(std::exchange(level.left_out, 0)) + " more line(s) were left out";
    dist_sink::sink_it_({line.time, {}, line.logger_name, line.level, note});
  }
  dist_sink::sink_it_(line);
}

}  // namespace synward::control
