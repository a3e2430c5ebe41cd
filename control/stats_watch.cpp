#include "control/stats_watch.hpp"

#include <csignal>
#include <iostream>
#include <unistd.h>

#include "control/control_client.hpp"
#include "control/stats_report.hpp"

namespace synward::control {
namespace {

constexpr timespec kPeriod{1, 0};
constexpr const char* kHomeAndClear = "\033[H\033[2J";

}  // namespace

void watch_stats(const std::string& socket) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const bool in_place = isatty(STDOUT_FILENO) == 1;
  nlohmann::json before;
  do {
    auto now = ask_stats(socket);
    std::cout << (in_place ? kHomeAndClear : "") << stats_text(now, before) << (in_place ? "" : "\n")
              << std::flush;
    before = std::move(now);
  } while (sigtimedwait(&signals, nullptr, &kPeriod) < 0);
}

}  // namespace synward::control
