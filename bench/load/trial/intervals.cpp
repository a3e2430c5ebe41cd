#include "bench/load/trial/intervals.hpp"

#include <algorithm>
#include <span>

#include "bench/load/trial/summary.hpp"

namespace synward::load {
namespace {

using ClientAt = std::vector<ClientRecord>::const_iterator;

void count(ClientAt first, ClientAt last, Interval& interval) {
  std::vector<std::uint32_t> syn_ack, first_byte;
  for (const ClientRecord& client : std::span(first, last)) {
    if (client.outcome == Outcome::kUnderWay) continue;
    ++interval.clients;
    if (client.outcome == Outcome::kSucceeded) {
      ++interval.succeeded;
      interval.first_syn += client.syns == 1 ? 1u : 0u;
    }
    if (client.syn_ack_us != kNever) syn_ack.push_back(client.syn_ack_us);
    if (client.first_byte_us != kNever) first_byte.push_back(client.first_byte_us);
  }
  if (const Latency latency = latency_of(syn_ack); latency.count != 0) {
    interval.syn_ack_p50_us = latency.p50_us;
    interval.syn_ack_p99_us = latency.p99_us;
  }
  if (const Latency latency = latency_of(first_byte); latency.count != 0)
    interval.first_byte_p99_us = latency.p99_us;
}

/// Where the clients of the interval before sample `n` end. A sample may be late: who was to come behind the
/// end of a phase is the next one's all the same, as in the phases' own figures.
std::uint64_t clients_end(const Record& record, std::size_t n) {
  const std::uint64_t from_us = record.samples[n - 1].at_us, to_us = record.samples[n].at_us;
  const bool is_last = n + 1 == record.samples.size();
  if (is_last || from_us >= record.timeline.total_us()) return to_us;
  return std::min(to_us, record.timeline.end_of(record.timeline.phase_at(from_us)));
}

}  // namespace

std::vector<Interval> intervals(const Record& record) {
  std::vector<Interval> found;
  ClientAt client = record.clients.begin();
  for (std::size_t n = 1; n < record.samples.size(); ++n) {
    const Sample &from = record.samples[n - 1], &to = record.samples[n];
    Interval interval{.from_us = from.at_us, .to_us = to.at_us, .counts = to.counts - from.counts};
    if (from.at_us < record.timeline.total_us()) interval.phase = record.timeline.phase_at(from.at_us);
    const ClientAt first = client;
    client = std::ranges::lower_bound(client, record.clients.end(), clients_end(record, n), {},
                                      &ClientRecord::intended_us);
    count(first, client, interval);
    found.push_back(interval);
  }
  return found;
}

}  // namespace synward::load
