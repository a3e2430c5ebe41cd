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
  for (const ScalarRow& row : kScalarTable) this->*row.reading += other.*row.reading;
  add(route, other.route);
  add(drop, other.drop);
  add(event, other.event);
  add(gauge, other.gauge);
  for (std::size_t t = 0; t < timing.size(); ++t) {
    add(timing[t].count, other.timing[t].count);
    timing[t].sum += other.timing[t].sum;
  }
  return *this;
}

CounterReading read(const Counters& counters) {
  CounterReading reading;
  for (const ScalarRow& row : kScalarTable) reading.*row.reading = (counters.*row.counter).read();
  copy(reading.route, counters.route);
  copy(reading.drop, counters.drop);
  copy(reading.event, counters.event);
  copy(reading.gauge, counters.gauge);
  for (std::size_t t = 0; t < reading.timing.size(); ++t) {
    copy(reading.timing[t].count, counters.timing[t].count);
    reading.timing[t].sum = counters.timing[t].sum.read();
  }
  return reading;
}

}  // namespace synward
