#include "control/top.hpp"

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "control/control_client.hpp"
#include "control/terminal.hpp"
#include "control/top_history.hpp"
#include "control/top_screen.hpp"

namespace synward::control {
namespace {

using Clock = Terminal::Clock;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

/// Asks once. Throws std::runtime_error, one sentence.
void ask(const TopOptions& options, TopHistory& history) {
  try {
    const auto stats = ask_stats(options.socket);
    history.add(stats, seconds(Clock::now().time_since_epoch()));
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(fmt::format("what answers at {} is no synward {}: {}", options.socket,
                                         SYNWARD_VERSION, error.what()));
  }
}

void print_once(const TopOptions& options, Clock::duration interval, Look look) {
  TopHistory history{options.interval_s};
  ask(options, history);
  std::this_thread::sleep_for(interval);
  ask(options, history);
  const auto [columns, rows] = terminal_size();
  look.colours = false;
  std::string text;
  for (const auto& line : top_screen(history.view(), {.columns = columns, .rows = rows, .look = look}))
    text += line + "\n";
  std::cout << text << std::flush;
}

}  // namespace

void run_top(const TopOptions& options) {
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval_s));
  const Look look{.unicode = speaks_utf8(), .colours = wants_colours()};
  if (options.once || !has_screen()) return print_once(options, interval, look);
  TopHistory history{options.interval_s};
  Terminal terminal;
  auto next = Clock::now();
  while (true) {
    try {
      ask(options, history);
    } catch (const std::exception& error) {
      history.add_silence(error.what(), seconds(Clock::now().time_since_epoch()));
    }
    next += interval;
    if (next < Clock::now()) next = Clock::now() + interval;  // a question took longer, or we were stopped
    Terminal::Event event{};
    do {
      const auto [columns, rows] = terminal_size();
      terminal.show(top_screen(history.view(), {columns, rows, look, true}));
      event = terminal.wait_until(next);
    } while (event == Terminal::Event::kRedraw);
    if (event == Terminal::Event::kQuit) return;
  }
}

}  // namespace synward::control
