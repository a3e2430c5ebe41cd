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
  if (!wait_.is_over() || !watch_.changed(slot_now())) return;
  for (const auto& core : cores_) core->offer_keys(watch_.ring());
  wait_.begin();
}

}  // namespace synward::control
