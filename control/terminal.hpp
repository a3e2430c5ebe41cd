// The terminal that a program draws on in place, and gives back as it was.
//
// By hand, without ncurses: lines come ready made, and all that is asked of the terminal are six sequences
// that every one since the VT220 knows, so a library would add state and a terminfo database, and no line
// less here.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <termios.h>
#include <vector>

#include "control/descriptor.hpp"

namespace synward::control {

struct TerminalSize {
  std::size_t columns, rows;
};

/// Whether somebody sits there who can see a screen and press keys: standard input and output are a terminal,
/// $TERM names one that can move its cursor, and we are not in its background.
[[nodiscard]] bool has_screen();
/// Of the terminal on standard output; else, and where it does not know, what $COLUMNS and $LINES say, else
/// 80x24.
[[nodiscard]] TerminalSize terminal_size();
/// Whether the locale, of the environment, is of UTF-8.
[[nodiscard]] bool speaks_utf8();
/// Whether somebody who looks at standard output may be given colours: https://no-color.org.
[[nodiscard]] bool wants_colours();

/// The screen: its own, without what was there before, from the constructor to the destructor, and keys as
/// they are pressed. One at a time, in a process whose other threads, if any, block the same signals. Stopped
/// (Ctrl-Z) it gives the terminal back, and takes it again when it goes on. Signals that end a process stay
/// blocked behind it: a second Ctrl-C, while the process ends, is no other end than the first.
class Terminal {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Event {
    kTime,    ///< it is time
    kRedraw,  ///< the size is another, or others have used the screen: show() again
    kQuit,    ///< q, Ctrl-C, SIGTERM and the like, or the terminal is gone
  };

  /// Only where has_screen(). Throws std::system_error when the terminal refuses.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Draws lines, from the topmost on, over whatever is there; none may be wider than the terminal.
  void show(const std::vector<std::string>& lines);
  [[nodiscard]] Event wait_until(Clock::time_point time);

 private:
  void enter();
  void leave();
  void stop();
  [[nodiscard]] std::optional<Event> take_signal();
  [[nodiscard]] std::optional<Event> take_keys();

  termios before_{};
  sigset_t others_{};  // what was blocked before
  Descriptor signals_;
  bool entered_ = false, gone_ = false;
};

}  // namespace synward::control
