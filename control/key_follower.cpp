#include "control/key_follower.hpp"

#include <chrono>

namespace synward::control {
namespace {

cookie::Slot slot_now() {
  using std::chrono::milliseconds;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return cookie::slot_at(static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(since).count()));
}

}  // namespace

void KeyFollower::look() {
  if (turns_left_ != 0 && !workers_.have_turned(since_)) return;
  if (turns_left_ != 0) --turns_left_;
  if (turns_left_ == 0) {
    if (!watch_.changed(slot_now())) return;
    for (const auto& core : cores_) core->offer_keys(watch_.ring());
    turns_left_ = 2;  // the next turn of each takes them, and has ended
  }
  since_ = workers_.begin_turns();
}

}  // namespace synward::control
