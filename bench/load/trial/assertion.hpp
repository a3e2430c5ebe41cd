// What a trial must show to pass: `--assert 'success>=99.9'`, `--assert 'recovery.first_byte.p99<20ms'`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/trial/summary.hpp"

namespace synward::load {

/// One of them, which can be asked of a trial once that is over.
class Assertion {
 public:
  /// [PHASE.]METRIC OP VALUE[UNIT]. Throws std::invalid_argument, one sentence: what is wrong, what is
  /// allowed.
  static Assertion parse(const std::string& text);
  /// How it is written, and a line for each metric or few of them, for --help.
  static std::string help();

  /// What became of it.
  struct Result {
    std::string text;   ///< as it was written
    std::string phase;  ///< of which it was asked
    std::string value;  ///< that was found, or why there is none
    bool holds = false;
  };
  /// Of the phase that it names; else of the attack, and where there is none of the first phase. What was not
  /// measured does not hold.
  [[nodiscard]] Result check(const std::vector<PhaseSummary>& phases) const;

 private:
  enum class Relation : std::uint8_t { kAtLeast, kAtMost, kMore, kLess, kEqual };
  struct Metric;
  static const std::vector<Metric>& metrics();
  [[nodiscard]] bool holds(double found) const;

  std::string text_;
  std::optional<Phase> phase_;
  const Metric* metric_ = nullptr;
  Relation relation_ = Relation::kEqual;
  double value_ = 0;  // in the metric's own unit: percent, microseconds, pieces
};

}  // namespace synward::load
