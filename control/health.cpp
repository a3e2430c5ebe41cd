#include "control/health.hpp"

#include <utility>

#include <fmt/format.h>

namespace synward::control {

void Health::look(const std::vector<std::uint64_t>& turns, std::vector<std::string> troubles,
                  Clock::time_point now) {
  seen_.resize(turns.size(), {.turns = 0, .since = now});
  stuck_.clear();
  for (std::size_t w = 0; w < turns.size(); ++w) {
    if (turns[w] != seen_[w].turns) seen_[w] = {.turns = turns[w], .since = now};
    if (now - seen_[w].since > kPatience)
      stuck_.push_back(fmt::format("worker {} has not ended a turn for {} s", w,
                                   std::chrono::floor<std::chrono::seconds>(now - seen_[w].since).count()));
  }
  troubles.insert(troubles.begin(), stuck_.begin(), stuck_.end());
  const std::scoped_lock lock{mutex_};
  reasons_ = std::move(troubles);
  looked_ = now;
}

nlohmann::json Health::json(Clock::time_point now) const {
  const std::scoped_lock lock{mutex_};
  auto reasons = reasons_;
  if (now > looked_ && now - looked_ > kControlPatience)
    reasons.push_back(fmt::format("nobody has looked after the workers for {} s",
                                  std::chrono::floor<std::chrono::seconds>(now - looked_).count()));
  return {{"healthy", reasons.empty()}, {"reasons", reasons}};
}

}  // namespace synward::control
