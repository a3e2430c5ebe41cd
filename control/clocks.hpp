// The clocks that workers go by, for who is no worker: dataplane/core_state.hpp.
#pragma once

#include <chrono>
#include <cstdint>

namespace synward::control {

/// Since a clock's beginning.
template <typename Clock>
[[nodiscard]] std::uint64_t milliseconds_of() {
  using std::chrono::milliseconds;
  const auto since = Clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(since).count());
}

/// Since 1970 UTC: cookie slots, which a fleet must agree on.
[[nodiscard]] inline std::uint64_t wall_ms() { return milliseconds_of<std::chrono::system_clock>(); }

/// Never steps.
[[nodiscard]] inline std::uint64_t mono_ms() { return milliseconds_of<std::chrono::steady_clock>(); }

}  // namespace synward::control
