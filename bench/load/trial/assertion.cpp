#include "bench/load/trial/assertion.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/nearest.hpp"

namespace synward::load {
namespace {

enum class Unit : std::uint8_t { kPercent, kMicroseconds, kPieces };

constexpr std::array<std::pair<std::string_view, double>, 3> kTimeUnits{{{"us", 1}, {"ms", 1e3}, {"s", 1e6}}};
constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(kBlank), text.size());
  const auto last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last + 1 - first);
}

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw std::invalid_argument(fmt::format("--assert '{}': {}", text, why));
}

/// A value with its unit, in the metric's own. Throws as parse() does.
double parse_value(std::string_view whole, std::string_view text, Unit unit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) refuse(whole, fmt::format("'{}' is no number", text));
  const std::string_view rest = trimmed({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  if (unit != Unit::kMicroseconds) {
    if (!rest.empty() && !(unit == Unit::kPercent && rest == "%"))
      refuse(whole,
             fmt::format("'{}' is no unit of this metric{}", rest, unit == Unit::kPercent ? ": %" : ""));
    return value;
  }
  const auto* const time = std::ranges::find(kTimeUnits, rest, &std::pair<std::string_view, double>::first);
  if (time == kTimeUnits.end()) refuse(whole, "a time has a unit: us, ms or s");
  // Whole nanoseconds: 32.2 * 1e3 is a little more than 32,200, and what was measured are whole microseconds.
  return std::round(value * time->second * 1e3) / 1e3;
}

/// As exact as it was measured: who reads why `success==100` does not hold must not read of 100 %.
std::string with_unit(double value, Unit unit) {
  switch (unit) {
    case Unit::kPercent:
      return fmt::format("{:.9g} %", value);
    case Unit::kMicroseconds:
      return value < 1e6 ? fmt::format("{:.3f} ms", value / 1e3) : fmt::format("{} s", value / 1e6);
    case Unit::kPieces:
      break;
  }
  return std::floor(value) == value ? fmt::format("{:.0f}", value) : fmt::format("{:.9g}", value);
}

}  // namespace

struct Assertion::Metric {
  std::string name;
  Unit unit;
  std::string help;  ///< one for several that follow each other: they share a line
  /// Nullopt where there is nothing to measure.
  std::function<std::optional<double>(const PhaseSummary&)> of;
};

const std::vector<Assertion::Metric>& Assertion::metrics() {
  static const std::vector<Metric> all = [] {
    std::vector<Metric> made;
    const auto of_clients = [](double (PhaseSummary::*share)() const) {
      return [share](const PhaseSummary& phase) {
        return phase.clients == 0 ? std::nullopt : std::optional{(phase.*share)()};
      };
    };
    made.push_back({"success", Unit::kPercent, "clients that succeeded, in percent",
                    of_clients(&PhaseSummary::success)});
    made.push_back({"first_syn", Unit::kPercent, "the same, with their first SYN",
                    of_clients(&PhaseSummary::first_syn_success)});
    using Part = std::uint32_t Latency::*;
    constexpr std::array<std::pair<std::string_view, Part>, 5> kParts{{{"p50", &Latency::p50_us},
                                                                       {"p90", &Latency::p90_us},
                                                                       {"p99", &Latency::p99_us},
                                                                       {"p999", &Latency::p999_us},
                                                                       {"max", &Latency::max_us}}};
    const auto add_latency = [&](const std::string& prefix, Latency PhaseSummary::*which,
                                 const std::string& what) {
      for (const auto& pair : kParts) {
        const Part part = pair.second;
        made.push_back({prefix + std::string{pair.first}, Unit::kMicroseconds, what,
                        [which, part](const PhaseSummary& phase) {
                          const Latency& latency = phase.*which;
                          return latency.count == 0 ? std::nullopt : std::optional<double>{latency.*part};
                        }});
      }
    };
    add_latency("", &PhaseSummary::syn_ack, "from a client's intended time until the SYN-ACK");
    add_latency("syn_ack.", &PhaseSummary::syn_ack, "the same");
    add_latency("first_byte.", &PhaseSummary::first_byte, "until the answer's first byte");
    add_latency("late.", &PhaseSummary::late, "until the generator sent the client's first SYN");
    const auto add = [&](const std::string& name, const std::string& help, auto of) {
      made.push_back({name, Unit::kPieces, help,
                      [of](const PhaseSummary& phase) { return std::optional<double>{of(phase)}; }});
    };
    const auto add_rate = [&](const std::string& name, const std::string& help,
                              std::uint64_t WireCounts::*which) {
      made.push_back({name, Unit::kPieces, help, [which](const PhaseSummary& phase) {
                        return phase.seconds > 0 ? std::optional{phase.per_second(phase.counts.*which)}
                                                 : std::nullopt;
                      }});
    };
    add("clients", "clients that ended", [](const PhaseSummary& p) { return double(p.clients); });
    add("unclosed", "clients that succeeded, but saw no FIN",
        [](const PhaseSummary& p) { return double(p.unclosed); });
    for (std::size_t n = std::size_t(Outcome::kNoSynAck); n < kOutcomeLabels.size(); ++n)
      add(std::string{kOutcomeLabels[n]}, "clients that failed so",
          [n](const PhaseSummary& p) { return double(p.outcomes[n]); });
    add_rate("sent_pps", "packets out per second", &WireCounts::sent);
    add_rate("received_pps", "packets in per second", &WireCounts::received);
    add_rate("syns_per_second", "SYNs of the attack", &WireCounts::syns_sent);
    add_rate("syn_acks_per_second", "SYN-ACKs to the attack", &WireCounts::syn_acks);
    made.push_back({"syn_acks_per_syn", Unit::kPieces, "SYN-ACKs for each SYN of the attack",
                    [](const PhaseSummary& phase) {
                      return phase.counts.syns_sent == 0 ? std::nullopt
                                                         : std::optional{phase.syn_acks_per_syn()};
                    }});
    add("saturated", "1 when the generator was too slow, else 0",
        [](const PhaseSummary& p) { return p.saturated() ? 1.0 : 0.0; });
    return made;
  }();
  return all;
}

Assertion Assertion::parse(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, Relation>, 5> kRelations{{{">=", Relation::kAtLeast},
                                                                             {"<=", Relation::kAtMost},
                                                                             {"==", Relation::kEqual},
                                                                             {">", Relation::kMore},
                                                                             {"<", Relation::kLess}}};
  const auto at = text.find_first_of("<>=");
  const auto* const relation = std::ranges::find_if(kRelations, [&](const auto& pair) {
    return at != std::string::npos && std::string_view{text}.substr(at).starts_with(pair.first);
  });
  if (relation == kRelations.end())
    refuse(text,
           "it is [PHASE.]METRIC OP VALUE, like success>=99.9 or attack.p99<5ms; OP is one of >= > <= < ==");
  Assertion made;
  made.text_ = text;
  made.relation_ = relation->second;
  std::string name{trimmed(std::string_view{text}.substr(0, at))};
  const auto dot = name.find('.');
  const auto* const phase = std::ranges::find(kPhaseLabels, name.substr(0, std::min(dot, name.size())));
  if (dot != std::string::npos && phase != kPhaseLabels.end()) {
    made.phase_ = static_cast<Phase>(phase - kPhaseLabels.begin());
    name = name.substr(dot + 1);
  }
  const auto metric = std::ranges::find(metrics(), name, &Metric::name);
  if (metric == metrics().end()) {
    std::vector<std::string_view> names;
    for (const Metric& known : metrics()) names.push_back(known.name);
    refuse(text,
           fmt::format("there is no metric '{}'; the nearest is {}; all are in --help, and phases are {}",
                       name, config::nearest(name, names), fmt::join(kPhaseLabels, ", ")));
  }
  made.metric_ = &*metric;
  made.value_ =
      parse_value(text, trimmed(std::string_view{text}.substr(at + relation->first.size())), metric->unit);
  return made;
}

std::string Assertion::help() {
  std::string text =
      "[PHASE.]METRIC OP VALUE[UNIT]: PHASE is baseline, attack (the default) or recovery; OP >= > <= < or "
      "==;\n"
      "times have a unit (us, ms, s), percent may have one (%). METRIC:";
  for (auto metric = metrics().begin(); metric != metrics().end();) {
    const auto first = metric;
    std::vector<std::string_view> names;
    for (; metric != metrics().end() && metric->help == first->help; ++metric) names.push_back(metric->name);
    text += fmt::format("\n{}: {}", fmt::join(names, " "), first->help);
  }
  return text;
}

bool Assertion::holds(double found) const {
  switch (relation_) {
    case Relation::kAtLeast:
      return found >= value_;
    case Relation::kAtMost:
      return found <= value_;
    case Relation::kMore:
      return found > value_;
    case Relation::kLess:
      return found < value_;
    case Relation::kEqual:
      break;
  }
  return found == value_;
}

Assertion::Result Assertion::check(const std::vector<PhaseSummary>& phases) const {
  auto phase = std::ranges::find(phases, phase_.value_or(Phase::kAttack), &PhaseSummary::phase);
  if (phase == phases.end() && !phase_) phase = phases.begin();
  const Phase asked = phase == phases.end() ? phase_.value_or(Phase::kAttack) : phase->phase;
  Result result{.text = text_, .phase = std::string{kPhaseLabels[std::size_t(asked)]}};
  if (phase == phases.end()) {
    result.value = "there was no such phase";
    return result;
  }
  const auto found = metric_->of(*phase);
  result.value = found ? with_unit(*found, metric_->unit) : "nothing was measured";
  result.holds = found && holds(*found);
  return result;
}

}  // namespace synward::load
