#include "control/key_follower.hpp"

#include "control/clocks.hpp"

namespace synward::control {

void KeyFollower::look() {
  if (!wait_.is_over() || !watch_.changed(cookie::slot_at(wall_ms()))) return;
  for (const auto& core : cores_) core->offer_keys(watch_.ring());
  wait_.begin();
}

}  // namespace synward::control
