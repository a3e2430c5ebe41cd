// The signals that the control thread waits for.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>

namespace synward::control {

class Signals {
 public:
  /// SIGINT and SIGTERM, unless whoever started synward had it ignore them, and SIGHUP.
  Signals();
  /// In this thread, and in those that it starts.
  void block() const;
  /// From here on they do what they do to any process, but SIGHUP, which does nothing.
  void unblock() const;

  enum class Word : std::uint8_t {
    kNone,  ///< nothing came
    kEnd,
    kReload,
  };
  /// Waits for the next one, less than a second. A SIGHUP is from somebody who wants a reload, or from the
  /// kernel, when the terminal goes; that ends synward, unless it was to ignore it (nohup).
  [[nodiscard]] Word next(std::chrono::milliseconds limit) const;

 private:
  sigset_t set_{};
  bool ignores_hangup_;
};

}  // namespace synward::control
