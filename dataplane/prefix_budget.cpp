#include "dataplane/prefix_budget.hpp"

namespace synward {

/// The hash is that of the tables cut short, which is as good for two words as for nine. The generator takes
/// words that the tables use for the ports of IPv6 only; what it makes, nobody sees but as fates of SYNs.
PrefixBudget::PrefixBudget(const table::HashSecret& secret)
    : hash_keys_{{{secret.multipliers[0][0], secret.multipliers[0][1], secret.addends[0]},
                  {secret.multipliers[1][0], secret.multipliers[1][1], secret.addends[1]}}},
      random_{secret.multipliers[0].back(), secret.multipliers[1].back()} {
  index_.fill(kNone);
  until_sample_ = offset_ = below(kSampleEvery);
}

/// Counts conservatively: only the lesser of the two counters rises, so that a prefix adds as little as
/// possible to what others read. Neither ever reaches kSuspectSamples, and a byte holds it.
bool PrefixBudget::look_at(ClientPrefix prefix) {
  const std::size_t place = place_of(prefix);
  if (index_[place] != kNone) return true;
  auto& first = sketch_[0][hash(prefix, 0) >> (64 - kCounterBits)];
  auto& second = sketch_[1][hash(prefix, 1) >> (64 - kCounterBits)];
  const auto seen = static_cast<std::uint8_t>(std::min(first, second) + 1);
  if (seen < kSuspectSamples) {
    first = std::max(first, seen);
    second = std::max(second, seen);
    return true;
  }
  if (size_ == kMarks) return false;
  index_[place] = static_cast<std::uint16_t>(size_);
  marks_[size_++] = {.prefix = prefix, .arrivals = 0, .rate = 0, .quiet = 0};
  return true;
}

/// After kQuietWindows without a SYN there is no mark left, however many more have passed.
void PrefixBudget::end_windows(std::uint64_t window) {
  constexpr std::uint32_t kWindowsOfSketch = kSketchMs / kWindowMs;
  if (window / kWindowsOfSketch != window_ / kWindowsOfSketch) sketch_ = {};
  const std::uint64_t passed = std::min<std::uint64_t>(window - window_, kQuietWindows + 1);
  window_ = window;
  for (std::uint64_t n = 0; n < passed && size_ != 0; ++n) end_window();
}

void PrefixBudget::end_window() {
  const std::size_t before = size_;
  limited_ = 0;
  for (std::size_t m = 0; m < size_;) {
    Mark& mark = marks_[m];
    mark.rate = std::max(mark.arrivals, mark.rate - mark.rate / 4);
    mark.quiet = mark.arrivals > kPerWindow ? 0 : mark.quiet + 1;
    mark.arrivals = 0;
    if (mark.quiet == kQuietWindows) {
      mark = marks_[--size_];
      continue;
    }
    limited_ += mark.rate > kPerWindow ? 1u : 0u;
    ++m;
  }
  if (size_ == before) return;
  index_.fill(kNone);
  for (std::size_t m = 0; m < size_; ++m) index_[place_of(marks_[m].prefix)] = static_cast<std::uint16_t>(m);
}

}  // namespace synward
