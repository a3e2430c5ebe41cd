#include "tests/impair/bridge.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <utility>
#include <vector>

namespace synward::impair {
namespace {

/// How long ppoll() is to wait for `next`.
timespec until(Clock::time_point next) {
  using std::chrono::nanoseconds;
  const auto left = std::max(nanoseconds{0}, std::chrono::duration_cast<nanoseconds>(next - Clock::now()));
  return {.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
}

}  // namespace

Bridge::Bridge(const std::string& a, const std::string& b, const Settings& settings, std::size_t most_queued)
    : a_{a},
      b_{b},
      lanes_{Lane{a_, b_, Impairment{settings, Direction::kAToB}, DelayLine{most_queued}},
             Lane{b_, a_, Impairment{settings, Direction::kBToA}, DelayLine{most_queued}}} {}

void Bridge::Lane::take_in(Clock::time_point now) {
  auto [frames, too_long] = from.receive();
  own.add(Count::kTooLong, too_long);
  for (Frame& frame : frames) {
    for (Departure& departure : impairment.pass(std::move(frame), now)) {
      if (!queue.push(std::move(departure))) own.add(Count::kOverflowed);
    }
  }
}

void Bridge::Lane::let_out(Clock::time_point now) {
  std::vector<Frame> due;
  while (auto frame = queue.pop(now)) due.push_back(std::move(*frame));
  const std::size_t sent = to.send(due);
  own.add(Count::kPassed, sent);
  own.add(Count::kRefused, due.size() - sent);
}

Counts Bridge::Lane::counts() const {
  Counts all = impairment.counts();
  for (const auto& row : kCounts) all.add(row.value, own[row.value]);
  all.add(Count::kLeft, queue.size());
  all.add(Count::kMissed, from.missed());
  return all;
}

std::optional<Clock::time_point> Bridge::next() const {
  std::optional<Clock::time_point> first;
  for (const Lane& lane : lanes_) {
    const auto due = lane.queue.next();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

void Bridge::run(int stop) {
  std::array<pollfd, 3> watched{pollfd{a_.descriptor(), POLLIN, 0}, pollfd{b_.descriptor(), POLLIN, 0},
                                pollfd{stop, POLLIN, 0}};
  for (;;) {
    const auto due = next();
    const timespec wait = until(due.value_or(Clock::now()));
    if (::ppoll(watched.data(), watched.size(), due ? &wait : nullptr, nullptr) < 0) {
      if (errno == EINTR) continue;
      throw std::runtime_error(std::string{"ppoll: "} + std::strerror(errno));
    }
    if (watched[2].revents != 0) return;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (watched[i].revents != 0) lanes_[i].take_in(now);
      lanes_[i].let_out(now);
    }
  }
}

}  // namespace synward::impair
