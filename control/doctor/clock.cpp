#include <sys/timex.h>

#include <fmt/format.h>

#include "control/doctor/checks.hpp"
#include "dataplane/cookie/slot_keys.hpp"

namespace synward::control::doctor {

ClockReading read_clock() {
  timex reading{};  // modes 0: it sets nothing
  const int state = ::adjtimex(&reading);
  return {.is_synchronized = state >= 0 && state != TIME_ERROR && (reading.status & STA_UNSYNC) == 0,
          .error_us = reading.esterror < 0 ? 0 : static_cast<std::uint64_t>(reading.esterror)};
}

Findings check_clock(const config::Config& config, const ClockReading& clock) {
  constexpr std::uint64_t kMs = 1000;
  const bool in_time = clock.error_us <= cookie::kSkewMs * kMs;
  if (clock.is_synchronized && in_time)
    return {{"clock", State::kOk,
             fmt::format("synchronised, wrong by {} ms at most, about", clock.error_us / kMs), ""}};
  const std::string problem = clock.is_synchronized
                                  ? fmt::format("wrong by {} ms, about", clock.error_us / kMs)
                                  : "nothing keeps it right";
  const bool shares_keys = !config.key_file.empty();
  return {{"clock", shares_keys ? State::kFail : State::kWarn,
           fmt::format("{}: {}", problem,
                       shares_keys ? fmt::format("nodes that share keys must be within {} s of each other",
                                                 cookie::kSkewMs / 1000)
                                   : "cookies do not mind while no other node takes them; logs do"),
           "apt-get install --no-install-recommends chrony"}};
}

}  // namespace synward::control::doctor
