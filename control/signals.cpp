#include "control/signals.hpp"

#include <array>
#include <ctime>

namespace synward::control {
namespace {

constexpr std::array kEnding{SIGINT, SIGTERM};

bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

Signals::Signals() : ignores_hangup_{is_ignored(SIGHUP)} {
  sigemptyset(&set_);
  for (const int signal : kEnding) {
    if (!is_ignored(signal)) sigaddset(&set_, signal);
  }
  sigaddset(&set_, SIGHUP);
}

void Signals::block() const { pthread_sigmask(SIG_BLOCK, &set_, nullptr); }

void Signals::unblock() const {
  for (const int signal : kEnding) {
    if (sigismember(&set_, signal) == 1) std::signal(signal, SIG_DFL);
  }
  std::signal(SIGHUP, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
}

Signals::Word Signals::next(std::chrono::milliseconds limit) const {
  const timespec left{0, std::chrono::nanoseconds{limit}.count()};
  siginfo_t info{};
  const int signal = sigtimedwait(&set_, &info, &left);
  if (signal < 0) return Word::kNone;
  if (signal != SIGHUP) return Word::kEnd;
  if (info.si_code != SI_KERNEL) return Word::kReload;
  return ignores_hangup_ ? Word::kNone : Word::kEnd;
}

}  // namespace synward::control
