#include "bench/load/trial/summary.hpp"

#include <algorithm>
#include <cmath>

namespace synward::load {
namespace {

constexpr std::uint32_t kLateUs = 1'000;
constexpr std::uint64_t kTolerated = 100;  // one in so many

/// Of ascending `values`, the one that `share` of them do not exceed.
std::uint32_t nearest_rank(const std::vector<std::uint32_t>& values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

/// The counts at `us`, or at the next sample behind it.
const Sample& sample_at(const std::vector<Sample>& samples, std::uint64_t us) {
  const auto at = std::ranges::lower_bound(samples, us, {}, &Sample::at_us);
  return at == samples.end() ? samples.back() : *at;
}

struct Latencies {
  std::vector<std::uint32_t> syn_ack, first_byte, late;
};

void count(const ClientRecord& client, PhaseSummary& phase, Latencies& latencies) {
  ++phase.outcomes[static_cast<std::size_t>(client.outcome)];
  if (client.outcome == Outcome::kUnderWay) return;
  ++phase.clients;
  if (client.outcome == Outcome::kSucceeded) {
    phase.first_syn += client.syns == 1 ? 1 : 0;
    phase.unclosed += client.closed ? 0 : 1;
  }
  if (client.outcome != Outcome::kNoTuple) latencies.late.push_back(client.late_us);
  if (client.syn_ack_us != kNever) latencies.syn_ack.push_back(client.syn_ack_us);
  if (client.first_byte_us != kNever) latencies.first_byte.push_back(client.first_byte_us);
}

PhaseSummary summarize(const Record& record, Phase phase) {
  PhaseSummary summary{.phase = phase};
  const std::uint64_t begin = record.timeline.begin_of(phase), end = record.timeline.end_of(phase);
  Latencies latencies;
  const auto first = std::ranges::lower_bound(record.clients, begin, {}, &ClientRecord::intended_us);
  const auto last = std::ranges::lower_bound(record.clients, end, {}, &ClientRecord::intended_us);
  for (auto client = first; client != last; ++client) count(*client, summary, latencies);
  summary.syn_ack = latency_of(latencies.syn_ack);
  summary.first_byte = latency_of(latencies.first_byte);
  summary.late = latency_of(latencies.late);
  const Sample& from = sample_at(record.samples, begin);
  const Sample& to = sample_at(record.samples, end);
  summary.seconds = static_cast<double>(to.at_us - from.at_us) / 1e6;
  summary.counts = to.counts - from.counts;
  summary.syn_acks = record.samples.back().counts.syn_acks - from.counts.syn_acks;
  return summary;
}

}  // namespace

Latency latency_of(std::vector<std::uint32_t>& us) {
  if (us.empty()) return {};
  std::ranges::sort(us);
  return {us.size(),
          nearest_rank(us, 0.5),
          nearest_rank(us, 0.9),
          nearest_rank(us, 0.99),
          nearest_rank(us, 0.999),
          us.back()};
}

bool PhaseSummary::saturated() const {
  const std::uint64_t unsent = counts.attack_due - std::min(counts.attack_sent, counts.attack_due);
  return (unsent != 0 && unsent * kTolerated >= counts.attack_due) || late.p99_us >= kLateUs ||
         outcomes[std::size_t(Outcome::kNoTuple)] != 0;
}

std::vector<PhaseSummary> summarize(const Record& record) {
  std::vector<PhaseSummary> summaries;
  if (record.samples.empty()) return summaries;
  for (const Phase phase : {Phase::kBaseline, Phase::kAttack, Phase::kRecovery}) {
    const bool begun = record.samples.back().at_us > record.timeline.begin_of(phase);
    if (record.timeline.end_of(phase) != record.timeline.begin_of(phase) && begun)
      summaries.push_back(summarize(record, phase));
  }
  return summaries;
}

}  // namespace synward::load
