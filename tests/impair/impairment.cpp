#include "tests/impair/impairment.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace synward::impair {
namespace {

std::mt19937_64 stream_of(std::uint64_t seed, Direction direction) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(direction)};
  return std::mt19937_64{words};
}

/// False when there is no IP packet in which to flip it.
bool flip_bit(Frame& frame, std::uint64_t bit) {
  const auto packet = ip_packet(frame);
  if (packet.empty()) return false;
  const std::size_t at = bit % (packet.size() * 8);
  const auto begin = static_cast<std::size_t>(packet.data() - frame.data());
  frame[begin + at / 8] ^= std::byte{1} << at % 8;
  return true;
}

}  // namespace

Impairment::Impairment(const Settings& settings, Direction direction)
    : delay_{settings.delay}, random_{stream_of(settings.seed, direction)} {
  if (settings.only.value_or(direction) == direction) chances_ = settings.chances;
  std::ranges::copy_if(settings.rules, std::back_inserter(rules_),
                       [=](const Rule& rule) { return rule.direction == direction; });
}

/// As many numbers for every frame, so that one chance does not change what becomes of the others, and made
/// into chances by hand: the standard's distributions differ between libraries.
Impairment::Fate Impairment::draw() {
  const auto happens = [this](double chance) {
    return static_cast<double>(random_() >> 11) * 0x1p-53 < chance;
  };
  Fate fate{.lost = happens(chances_.lose),
            .duplicated = happens(chances_.duplicate),
            .reordered = happens(chances_.reorder),
            .corrupted = happens(chances_.corrupt)};
  constexpr std::chrono::nanoseconds kSpan = kMostHold - kLeastHold;
  const std::chrono::nanoseconds hold{random_() % static_cast<std::uint64_t>(kSpan.count() + 1)};
  if (fate.reordered) fate.hold = kLeastHold + hold;
  fate.bit = random_();
  return fate;
}

void Impairment::apply_rules(const Frame& frame, Fate& fate) {
  if (rules_.empty()) return;
  const auto kind = kind_of(frame);
  if (!kind) return;
  const std::uint64_t nth = ++seen_[std::size_t(*kind)];
  for (const Rule& rule : rules_) {
    if (rule.kind != *kind || rule.nth != nth) continue;
    switch (rule.action) {
      case Action::kDrop:
        fate.dropped = true;
        break;
      case Action::kDuplicate:
        fate.duplicated = true;
        break;
      case Action::kCorrupt:
        fate.corrupted = true;
        break;
      case Action::kDelay:
        fate.hold += rule.hold;
        counts_.add(Count::kDelayed);
        break;
    }
  }
}

std::vector<Departure> Impairment::pass(Frame frame, Clock::time_point now) {
  counts_.add(Count::kReceived);
  Fate fate = draw();
  apply_rules(frame, fate);
  std::vector<Departure> out;
  if (fate.dropped || fate.lost) {
    counts_.add(fate.dropped ? Count::kDropped : Count::kLost);
    return out;
  }
  out.reserve(2);
  out.push_back({now + delay_ + fate.hold, std::move(frame)});
  if (fate.reordered) counts_.add(Count::kReordered);
  if (fate.duplicated) {
    counts_.add(Count::kDuplicated);
    out.push_back({now + delay_, out.front().frame});
  }
  if (fate.corrupted && flip_bit(out.front().frame, fate.bit)) counts_.add(Count::kCorrupted);
  return out;
}

}  // namespace synward::impair
