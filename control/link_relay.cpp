#include "control/link_relay.hpp"

namespace synward::control {

std::array<LinkRelay::Action, 2> LinkRelay::decide(const std::array<bool, 2>& up, std::uint64_t now_ms) {
  std::array<Action, 2> actions{Action::kNone, Action::kNone};
  for (std::size_t port = 0; port < 2; ++port) {
    const std::size_t other = 1 - port;
    if (taken_down_[port]) {
      if (!up[other]) continue;
      actions[port] = Action::kLetUp;
      taken_down_[port] = false;
      sure_from_ms_[port] = now_ms + kNegotiationMs;
    } else if (up[port] && !up[other] && !taken_down_[other] && now_ms >= sure_from_ms_[other]) {
      actions[port] = Action::kTakeDown;
      taken_down_[port] = true;
    }
  }
  return actions;
}

bool LinkRelay::begun_anew(std::size_t port, std::uint64_t now_ms) {
  sure_from_ms_[port] = now_ms + kNegotiationMs;
  return taken_down_[port];
}

}  // namespace synward::control
