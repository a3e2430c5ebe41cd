#include "dataplane/counters.hpp"

#include <numeric>

namespace synward {
namespace {

template <std::size_t kSize>
void add(std::array<std::uint64_t, kSize>& to, const std::array<std::uint64_t, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] += from[i];
}

template <std::size_t kSize>
void copy(std::array<std::uint64_t, kSize>& to, const std::array<Counter, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] = from[i].read();
}

// The scalar fields of both structs, paired once: a field that is missing here is missing from every report.
constexpr std::pair<const Counter Counters::*, std::uint64_t CounterReading::*> kScalars[] = {
    {&Counters::rx, &CounterReading::rx},
    {&Counters::taken_over, &CounterReading::taken_over},
    {&Counters::released, &CounterReading::released},
    {&Counters::held_dropped, &CounterReading::held_dropped},
    {&Counters::held_now, &CounterReading::held_now},
    {&Counters::originated, &CounterReading::originated},
    {&Counters::originated_dropped, &CounterReading::originated_dropped},
    {&Counters::bursts, &CounterReading::bursts},
    {&Counters::empty_polls, &CounterReading::empty_polls},
};

}  // namespace

bool CounterReading::balances() const {
  const auto& self = *this;
  const std::uint64_t ended = self[Route::kSend] + self[Route::kForward] + self[Route::kHold] +
                              self[Route::kDrop] + self[Route::kHandOver];
  const std::uint64_t reasons = std::accumulate(drop.begin(), drop.end(), std::uint64_t{0});
  return rx + taken_over == ended && self[Route::kDrop] == reasons && self[Drop::kNone] == 0 &&
         self[Route::kHold] == released + held_dropped + held_now;
}

CounterReading& CounterReading::operator+=(const CounterReading& other) {
  for (const auto& [from, field] : kScalars) this->*field += other.*field;
  add(route, other.route);
  add(drop, other.drop);
  add(event, other.event);
  add(gauge, other.gauge);
  return *this;
}

CounterReading read(const Counters& counters) {
  CounterReading reading;
  for (const auto& [from, field] : kScalars) reading.*field = (counters.*from).read();
  copy(reading.route, counters.route);
  copy(reading.drop, counters.drop);
  copy(reading.event, counters.event);
  copy(reading.gauge, counters.gauge);
  return reading;
}

}  // namespace synward
