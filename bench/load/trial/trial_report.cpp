#include "bench/load/trial/trial_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/load/report.hpp"
#include "bench/load/trial/intervals.hpp"

namespace synward::load {
namespace {

constexpr std::size_t kColumns = 100, kNameColumns = 34, kValueColumns = 20;
static_assert(kNameColumns + std::size_t(Phase::kCount) * kValueColumns <= kColumns);

nlohmann::json to_json(const Latency& latency) {
  const auto measured = [&](std::uint32_t us) {
    return latency.count == 0 ? nlohmann::json(nullptr) : nlohmann::json(us);
  };
  return {{"count", latency.count},
          {"p50", measured(latency.p50_us)},
          {"p90", measured(latency.p90_us)},
          {"p99", measured(latency.p99_us)},
          {"p999", measured(latency.p999_us)},
          {"max", measured(latency.max_us)}};
}

nlohmann::json to_json(const PhaseSummary& phase) {
  const WireCounts& counts = phase.counts;
  auto outcomes = nlohmann::json::object();
  for (std::size_t n = 0; n < kOutcomeLabels.size(); ++n)
    outcomes[std::string{kOutcomeLabels[n]}] = phase.outcomes[n];
  return {{"seconds", phase.seconds},
          {"clients", phase.clients},
          {"success_percent", phase.success()},
          {"first_syn_success_percent", phase.first_syn_success()},
          {"outcomes", outcomes},
          {"unclosed", phase.unclosed},
          {"syn_ack_us", to_json(phase.syn_ack)},
          {"first_byte_us", to_json(phase.first_byte)},
          {"generator_late_us", to_json(phase.late)},
          {"saturated", phase.saturated()},
          {"wire",
           {{"sent", counts.sent},
            {"received", counts.received},
            {"refused", counts.refused},
            {"attack_due", counts.attack_due},
            {"attack_sent", counts.attack_sent},
            {"syns_sent", counts.syns_sent},
            {"syn_acks", counts.syn_acks},
            {"wrong_syn_acks", counts.wrong_syn_acks},
            {"resets", counts.resets},
            {"others", counts.others},
            {"answer_bytes", counts.answer_bytes},
            {"leaked", counts.leaked},
            {"broken", counts.broken}}},
          {"goodput_bps", 8 * phase.per_second(counts.answer_bytes)},
          {"sent_pps", phase.per_second(counts.sent)},
          {"received_pps", phase.per_second(counts.received)},
          {"syn_acks_per_syn", phase.syn_acks_per_syn()}};
}

nlohmann::json to_json(const std::optional<std::uint32_t>& us) {
  return us ? nlohmann::json(*us) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const Interval& interval) {
  return {{"from_s", static_cast<double>(interval.from_us) / 1e6},
          {"to_s", static_cast<double>(interval.to_us) / 1e6},
          {"phase", interval.phase ? nlohmann::json(std::string{kPhaseLabels[std::size_t(*interval.phase)]})
                                   : nlohmann::json(nullptr)},
          {"clients", interval.clients},
          {"succeeded", interval.succeeded},
          {"first_syn", interval.first_syn},
          {"syn_ack_p50_us", to_json(interval.syn_ack_p50_us)},
          {"syn_ack_p99_us", to_json(interval.syn_ack_p99_us)},
          {"first_byte_p99_us", to_json(interval.first_byte_p99_us)},
          {"attack_sent", interval.counts.attack_sent},
          {"syn_acks", interval.counts.syn_acks},
          {"sent", interval.counts.sent},
          {"received", interval.counts.received}};
}

std::string percent(double share) {
  // Not all and yet "100.00 %" would be a lie; so would "0.00 %" for a few.
  if (share > 99.99 && share < 100) return "99.99 %";
  if (share > 0 && share < 0.01) return "0.01 %";
  return fmt::format("{:.2f} %", share);
}

std::string milliseconds(const Latency& latency, std::uint32_t us) {
  return latency.count == 0 ? "-" : fmt::format("{:.3f} ms", us / 1e3);
}

/// A table that grows by rows, a column for each phase.
class Table {
 public:
  explicit Table(const std::vector<PhaseSummary>& phases) : phases_{phases} {}
  template <typename Value>
  void row(const std::string& name, Value&& value) {
    text_ += fmt::format("{:<{}}", name, kNameColumns);
    for (const PhaseSummary& phase : phases_) text_ += fmt::format("{:>{}}", value(phase), kValueColumns);
    text_ += '\n';
  }
  /// Only where it is true of some phase.
  template <typename Count>
  void row_if_any(const std::string& name, Count&& count) {
    if (std::ranges::any_of(phases_, [&](const PhaseSummary& phase) { return count(phase) != 0; }))
      row(name, [&](const PhaseSummary& phase) { return grouped(count(phase)); });
  }
  void latency_rows(const std::string& name, Latency PhaseSummary::*which) {
    using Part = std::uint32_t Latency::*;
    constexpr std::array<std::pair<const char*, Part>, 5> kParts{{{"p50", &Latency::p50_us},
                                                                  {"p90", &Latency::p90_us},
                                                                  {"p99", &Latency::p99_us},
                                                                  {"p99.9", &Latency::p999_us},
                                                                  {"max", &Latency::max_us}}};
    for (const auto& part : kParts) {
      row(fmt::format("{} {}", name, part.first),
          [&](const PhaseSummary& phase) { return milliseconds(phase.*which, (phase.*which).*part.second); });
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  const std::vector<PhaseSummary>& phases_;
  std::string text_;
};

/// `sentence` in lines of the report's width, broken at its blanks.
std::string wrapped(std::string_view sentence) {
  std::string text;
  while (sentence.size() > kColumns) {
    const auto blank = sentence.rfind(' ', kColumns);
    if (blank == std::string_view::npos) break;
    text += fmt::format("{}\n", sentence.substr(0, blank));
    sentence.remove_prefix(blank + 1);
  }
  return text + fmt::format("{}\n", sentence);
}

/// Why the generator's own share in the figures is small, or is not.
std::string verdict_of(const PhaseSummary& phase) {
  std::vector<std::string> why;
  if (phase.counts.attack_due != 0)
    why.push_back(fmt::format("{} of {} attack packets left", grouped(phase.counts.attack_sent),
                              grouped(phase.counts.attack_due)));
  if (phase.late.count != 0)
    why.push_back(fmt::format("clients began {:.3f} ms late at p99, {:.3f} ms at most",
                              phase.late.p99_us / 1e3, phase.late.max_us / 1e3));
  if (const auto placeless = phase.outcomes[std::size_t(Outcome::kNoTuple)]; placeless != 0)
    why.push_back(fmt::format("{} found no free port: widen --client-prefix", grouped(placeless)));
  if (why.empty()) why.emplace_back("nothing was to be sent");
  const std::string_view where = kPhaseLabels[std::size_t(phase.phase)];
  if (!phase.saturated())
    return wrapped(fmt::format("The generator kept up in the {}: {}.", where, fmt::join(why, ", ")));
  return wrapped(fmt::format("THE GENERATOR WAS SATURATED in the {}: {}; the figures hold its own delays.",
                             where, fmt::join(why, ", ")));
}

}  // namespace

nlohmann::json to_json(const Record& record, const std::vector<PhaseSummary>& phases) {
  auto by_phase = nlohmann::json::object();
  for (const PhaseSummary& phase : phases)
    by_phase[std::string{kPhaseLabels[std::size_t(phase.phase)]}] = to_json(phase);
  auto seconds = nlohmann::json::array();
  for (const Interval& interval : intervals(record)) seconds.push_back(to_json(interval));
  return {{"interrupted", record.interrupted},
          {"capped", record.capped},
          {"phases", by_phase},
          {"seconds", seconds}};
}

std::string text_of(const Record& record, const std::vector<PhaseSummary>& phases) {
  if (phases.empty()) return "It ended before anything was measured.\n";
  Table table{phases};
  table.row("", [](const PhaseSummary& p) { return kPhaseLabels[std::size_t(p.phase)]; });
  table.row("seconds", [](const PhaseSummary& p) { return fmt::format("{:.1f}", p.seconds); });
  table.row("clients", [](const PhaseSummary& p) { return grouped(p.clients); });
  if (!record.clients.empty()) {
    const auto share = [](const PhaseSummary& p, double of) { return p.clients == 0 ? "-" : percent(of); };
    table.row("succeeded with their first SYN",
              [&](const PhaseSummary& p) { return share(p, p.first_syn_success()); });
    table.row("succeeded after retries", [&](const PhaseSummary& p) { return share(p, p.success()); });
    for (std::size_t n = std::size_t(Outcome::kNoSynAck); n < kOutcomeLabels.size(); ++n)
      table.row_if_any(fmt::format("failed: {}", kOutcomeLabels[n]),
                       [n](const PhaseSummary& p) { return p.outcomes[n]; });
    table.row_if_any("succeeded, but saw no FIN", [](const PhaseSummary& p) { return p.unclosed; });
    table.row_if_any("cut off, not counted",
                     [](const PhaseSummary& p) { return p.outcomes[std::size_t(Outcome::kUnderWay)]; });
    table.latency_rows("SYN-ACK", &PhaseSummary::syn_ack);
    if (record.asks) table.latency_rows("first byte", &PhaseSummary::first_byte);
  }
  const auto rate = [](const PhaseSummary& p, std::uint64_t count) {
    return grouped(static_cast<std::uint64_t>(std::llround(p.per_second(count))));
  };
  table.row("packets out per second", [&](const PhaseSummary& p) { return rate(p, p.counts.sent); });
  table.row("packets in per second", [&](const PhaseSummary& p) { return rate(p, p.counts.received); });
  const bool attacked =
      std::ranges::any_of(phases, [](const PhaseSummary& p) { return p.counts.attack_due != 0; });
  if (record.asks)
    table.row("answers, Mbit/s", [](const PhaseSummary& p) {
      return fmt::format("{:.3f}", 8 * p.per_second(p.counts.answer_bytes) / 1e6);
    });
  if (attacked) {
    table.row("SYN-ACKs per SYN of the attack", [](const PhaseSummary& p) {
      return p.counts.syns_sent == 0 ? "-" : fmt::format("{:.4f}", p.syn_acks_per_syn());
    });
    table.row_if_any("wrong SYN-ACKs to it", [](const PhaseSummary& p) { return p.counts.wrong_syn_acks; });
    table.row_if_any("RSTs to it", [](const PhaseSummary& p) { return p.counts.resets; });
    table.row_if_any("of it, came out at the backend", [](const PhaseSummary& p) { return p.counts.leaked; });
    table.row_if_any("other segments to it", [](const PhaseSummary& p) { return p.counts.others; });
  }
  table.row_if_any("answers with a wrong checksum", [](const PhaseSummary& p) { return p.counts.broken; });
  table.row_if_any("packets that the port refused", [](const PhaseSummary& p) { return p.counts.refused; });
  std::string text = table.text();
  for (const PhaseSummary& phase : phases) text += verdict_of(phase);
  if (std::ranges::any_of(phases, [](const PhaseSummary& p) { return p.counts.broken != 0; })) {
    text += wrapped(
        "Clients take no answers with wrong checksums. The kernel at the other end of a veth leaves "
        "them "
        "unfinished until it is told not to, there: ethtool -K INTERFACE tx off.");
  }
  if (record.interrupted) text += "It was interrupted: the figures are of what there was until then.\n";
  return text;
}

}  // namespace synward::load
