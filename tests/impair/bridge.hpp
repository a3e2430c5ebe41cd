// Two interfaces, what passes between them, and what becomes of it on the way.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "tests/impair/delay_line.hpp"
#include "tests/impair/impairment.hpp"
#include "tests/impair/packet_port.hpp"

namespace synward::impair {

class Bridge {
 public:
  /// From here on the interfaces' frames are collected. Throws std::runtime_error, one sentence.
  Bridge(const std::string& a, const std::string& b, const Settings& settings, std::size_t most_queued);

  /// Passes frames until the descriptor `stop` can be read.
  void run(int stop);
  /// After run().
  [[nodiscard]] Counts counts(Direction direction) const { return lanes_[std::size_t(direction)].counts(); }

 private:
  /// One direction.
  struct Lane {
    PacketPort &from, &to;
    Impairment impairment;
    DelayLine queue;
    Counts own{};  // what happens before and behind the impairment

    void take_in(Clock::time_point now);
    void let_out(Clock::time_point now);
    [[nodiscard]] Counts counts() const;
  };
  [[nodiscard]] std::optional<Clock::time_point> next() const;

  PacketPort a_, b_;
  std::array<Lane, 2> lanes_;
};

}  // namespace synward::impair
