#include "control/terminal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <langinfo.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>

namespace synward::control {
namespace {

// xterm's control sequences. A second screen; no cursor; lines end at the right edge.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l";
constexpr std::string_view kLeave = "\033[?7h\033[?25h\033[?1049l";
// Terminals that know this show what is between them at once; the others pass over it.
constexpr std::string_view kBegin = "\033[?2026h", kEnd = "\033[?2026l";
constexpr std::string_view kEraseLine = "\033[2K", kEraseBelow = "\033[J";

constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kEnding) sigaddset(&set, signal);
  for (const int signal : {SIGWINCH, SIGTSTP, SIGCONT}) sigaddset(&set, signal);
  return set;
}

/// From here on they wait to be read. `before`: what was blocked until now.
int signals_as_file(sigset_t& before) {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, &before);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool is_in_foreground() { return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

bool is_ending_asked_for() {
  sigset_t pending;
  sigpending(&pending);
  return std::ranges::any_of(kEnding, [&](int signal) { return sigismember(&pending, signal) == 1; });
}

/// False when the terminal is gone.
bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (written < 0 && errno == EAGAIN) {  // who shares the terminal made it so
      pollfd wait{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::size_t number_or(const char* variable, std::size_t otherwise) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return otherwise;
  const std::string_view digits{text};
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool fits =
      error == std::errc{} && end == digits.data() + digits.size() && number > 0 && number < 10'000;
  return fits ? number : otherwise;
}

}  // namespace

bool has_screen() {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1 || !is_in_foreground()) return false;
  const char* const kind = std::getenv("TERM");
  return kind != nullptr && *kind != '\0' && std::string_view{kind} != "dumb";
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
    return {size.ws_col, size.ws_row};
  return {number_or("COLUMNS", 80), number_or("LINES", 24)};
}

bool speaks_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view{::nl_langinfo(CODESET)} == "UTF-8";
}

bool wants_colours() {
  const char* const no = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no == nullptr || *no == '\0');
}

Terminal::Terminal() : signals_{signals_as_file(others_)} {
  if (signals_.get() < 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) {
    const std::error_code why{errno, std::generic_category()};
    pthread_sigmask(SIG_SETMASK, &others_, nullptr);
    throw std::system_error(why, "the terminal cannot be used");
  }
  enter();
}

Terminal::~Terminal() {
  leave();
  signalfd_siginfo signal;
  while (::read(signals_.get(), &signal, sizeof signal) > 0) {  // nobody is there for them any more
  }
  for (const int ending : kEnding) sigaddset(&others_, ending);
  pthread_sigmask(SIG_SETMASK, &others_, nullptr);
}

void Terminal::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // keys at once and unseen; Ctrl-C and Ctrl-Z stay
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  gone_ = !write_all(kEnter);
  entered_ = true;
}

void Terminal::leave() {
  if (!entered_) return;
  entered_ = false;
  write_all(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

/// Until somebody has us go on, and in the foreground: in the background, the terminal is another's.
void Terminal::stop() {
  leave();
  do {
    std::raise(SIGSTOP);
  } while (!is_in_foreground() && !is_ending_asked_for());
  if (is_in_foreground()) enter();
}

void Terminal::show(const std::vector<std::string>& lines) {
  std::string all{kBegin};
  if (lines.empty()) all += "\033[H\033[J";
  // Erased before, not behind: behind the last column, or below the last row, that would take what stands in
  // it. Placed, not ended: a terminal that has become lower would scroll.
  for (std::size_t row = 0; row < lines.size(); ++row) {
    all += "\033[" + std::to_string(row + 1) + ";1H";
    all += row + 1 < lines.size() ? kEraseLine : kEraseBelow;
    all += lines[row];
  }
  all += kEnd;
  if (!write_all(all)) gone_ = true;
}

std::optional<Terminal::Event> Terminal::take_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return {};
  switch (static_cast<int>(signal.ssi_signo)) {
    case SIGTSTP:
      stop();
      return Event::kRedraw;
    case SIGCONT:  // somebody stopped us with SIGSTOP, and the shell has used the terminal since
      if (is_in_foreground()) {
        enter();
      } else {
        stop();
      }
      return Event::kRedraw;
    case SIGWINCH:
      return Event::kRedraw;
    default:
      return Event::kQuit;
  }
}

std::optional<Terminal::Event> Terminal::take_keys() {
  constexpr char kCtrlL = 'L' - '@';
  std::array<char, 64> keys;
  const ssize_t count = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (count <= 0) return errno == EINTR && count < 0 ? std::nullopt : std::optional{Event::kQuit};
  const std::string_view pressed{keys.data(), static_cast<std::size_t>(count)};
  if (pressed.find_first_of("qQ") != std::string_view::npos) return Event::kQuit;
  if (pressed.find(kCtrlL) != std::string_view::npos) return Event::kRedraw;
  return {};
}

Terminal::Event Terminal::wait_until(Clock::time_point time) {
  while (!gone_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
    const auto timeout_ms = std::clamp<std::int64_t>(left.count(), 0, 60'000);
    std::array<pollfd, 2> waits{{{signals_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(timeout_ms));
    std::optional<Event> event;
    if (ready > 0 && waits[0].revents != 0) event = take_signal();
    if (!event && ready > 0 && waits[1].revents != 0) event = take_keys();
    if (event) return *event;
    if (ready == 0 && Clock::now() >= time) return Event::kTime;
  }
  return Event::kQuit;
}

}  // namespace synward::control
