// How the connection table scales: lookups, promotions and the sweep with one, four and sixteen million
// connections, beside DPDK's rte_hash over the same flows; and with four million configured, from a tenth of
// the slots taken to nineteen of twenty. Flows come in random order.
//
// A row is a table in one state, a column what is done to it. Each state is the same in every run: the hash
// secret and the order of the flows come from fixed seeds, and each repetition does as much as in the run
// before.
#include <array>
#include <bit>
#include <cstdio>
#include <optional>
#include <string>

#include <rte_eal.h>

#include "bench/micro/report.hpp"
#include "bench/micro/tsc.hpp"
#include "bench/scale/contenders.hpp"
#include "bench/scale/filled.hpp"
#include "dataplane/core_state.hpp"

namespace synward::bench {
namespace {

constexpr std::size_t kMillion = 1'000'000;
constexpr std::size_t kPasses = 256;          // in a repetition; the next goes on behind them
constexpr std::size_t kBucketsPerCall = 512;  // the most that a worker's turn sweeps: housekeeping.cpp
/// So many repetitions expire a whole table, as many as there are unless somebody asks for more.
constexpr std::size_t kExpireInParts = 5;

/// A row that did not do what it is named for has no figure.
void expect_equal(benchmark::State& state, std::size_t happened, std::size_t expected, const char* what) {
  if (happened != expected)
    state.SkipWithError((std::to_string(happened) + " of " + std::to_string(expected) + " " + what).c_str());
}

enum class Lookup : std::uint8_t { kSingly, kInBursts, kInBurstsUnknown };

template <typename Filled>
void look_up(benchmark::State& state, const Setup& setup, Lookup how) {
  auto* const set = filled<Filled>(state, setup);
  if (set == nullptr) return;
  const table::FlowKey<Filled::kOf>* keys = nullptr;
  const bool known = how != Lookup::kInBurstsUnknown;
  const auto next = [&] { keys = &set->flows[(known ? set->known : set->unknown).advance()]; };
  std::size_t found = 0;
  if (how == Lookup::kSingly) {
    sample(state, kPass, next, [&] {
      for (std::size_t i = 0; i < kPass; ++i) found += set->table.find(keys[i]);
    });
  } else {
    sample(state, kPass, next, [&] {
      for (std::size_t i = 0; i < kPass; i += kBulk) found += set->table.find_bulk(keys + i);
    });
  }
  expect_equal(state, found, known ? kPasses * kPass : 0, "flows found");
}

/// Of rte_hash, which has none, 0.
std::uint64_t version(auto& table) {
  if constexpr (requires { table.table(); })
    return table.table().version();
  else
    return 0;
}

/// As in the pipeline: a burst is looked up and not found, then each of it is inserted. As many old ones make
/// room meanwhile, untimed.
template <typename Filled>
void promote(benchmark::State& state, const Setup& setup) {
  auto* const set = filled<Filled>(state, setup);
  if (set == nullptr) return;
  auto& flows = set->flows;
  Facts& facts = all_facts.back();
  std::size_t erased = 0, inserted = 0;
  std::uint64_t moved_or_ended = 0;
  const table::FlowKey<Filled::kOf>* keys = nullptr;
  const auto make_room = [&] {
    const std::size_t out = set->known.advance(), in = set->unknown.advance();
    for (std::size_t i = 0; i < kPass; ++i) {
      erased += set->table.erase(flows[out + i]);
      std::swap(flows[out + i], flows[in + i]);
    }
    keys = &flows[out];
    moved_or_ended -= version(set->table);
  };
  sample(state, kPass, make_room, [&] {
    for (std::size_t i = 0; i < kPass; i += kBulk) inserted += set->table.promote_bulk(keys + i);
    moved_or_ended += version(set->table);
  });
  facts.promoted += inserted;
  facts.displaced += moved_or_ended;  // nothing ended, or it would not count as inserted
  facts.offered += kPasses * kPass;
  facts.refused += kPasses * kPass - inserted;
  if (!set->may_refuse) expect_equal(state, inserted, kPasses * kPass, "flows inserted");
  expect_equal(state, erased, kPasses * kPass, "flows made room");
}

template <Family kFamily>
using OurFilled = Filled<SynwardTable, kFamily>;

/// Sums `of(bucket)` over `n` buckets, from the one with which the sweep goes on.
template <Family kFamily, typename Of>
std::size_t sum_ahead(OurFilled<kFamily>& set, std::size_t n, Of&& of) {
  const auto buckets = set.table.buckets();
  std::size_t sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    sum += static_cast<std::size_t>(of(buckets[(set.swept + i) % buckets.size()]));
  return sum;
}
template <Family kFamily>
std::size_t due_ahead(OurFilled<kFamily>& set, std::size_t n) {
  return sum_ahead(set, n, [&set](const table::Bucket& bucket) {
    std::size_t count = 0;
    for (auto due = bucket.due(set.now.number); !due.empty(); due.remove_first()) ++count;
    return count;
  });
}

/// Sweeps on, kBucketsPerCall at a time, as often as `state` says; connections whose deadline has come go.
/// Returns how many went. `per_call`: what a call handles.
template <Family kFamily>
std::size_t sweep_on(benchmark::State& state, OurFilled<kFamily>& set, double per_call) {
  std::size_t expired = 0;
  sample(
      state, 1, [] {},
      [&] {
        set.table.table().sweep(set.now, kBucketsPerCall, [&](auto&) -> std::optional<Tick> {
          ++expired;
          return std::nullopt;
        });
      });
  state.counters["cycles"] = state.counters["cycles"].value / per_call;
  set.swept = (set.swept + static_cast<std::size_t>(state.max_iterations) * kBucketsPerCall) %
              set.table.table().buckets();
  return expired;
}

/// The buckets that are left of a round, untimed.
template <Family kFamily>
std::size_t finish_round(OurFilled<kFamily>& set) {
  const std::size_t left = set.table.table().buckets() % kBucketsPerCall;
  std::size_t expired = 0;
  set.table.table().sweep(set.now, left, [&](auto&) -> std::optional<Tick> {
    ++expired;
    return std::nullopt;
  });
  set.swept = (set.swept + left) % set.table.table().buckets();
  return expired;
}

/// No bucket has anything to look at: cycles per bucket.
template <Family kFamily>
void sweep_past(benchmark::State& state, const Setup& setup) {
  auto* const set = filled<OurFilled<kFamily>>(state, setup);
  if (set == nullptr) return;
  expect_equal(state, due_ahead(*set, set->table.table().buckets()), 0, "connections due");
  expect_equal(state, sweep_on(state, *set, kBucketsPerCall) + finish_round(*set), 0, "connections expired");
}

/// Each connection is looked at, for its deadline may have come, and has not: cycles per connection. That is
/// every kMaxTurnTicks, at most.
template <Family kFamily>
void sweep_looking(benchmark::State& state, const Setup& setup) {
  auto* const set = filled<OurFilled<kFamily>>(state, setup);
  if (set == nullptr) return;
  const std::size_t buckets = set->table.table().buckets();
  set->now.number += SynwardTable<kFamily>::Table::kMaxTurnTicks;
  expect_equal(state, due_ahead(*set, buckets), set->table.table().size(), "connections due");
  const double per_bucket = static_cast<double>(set->table.table().size()) / static_cast<double>(buckets);
  expect_equal(state, sweep_on(state, *set, per_bucket * kBucketsPerCall) + finish_round(*set), 0,
               "connections expired");
  expect_equal(state, due_ahead(*set, buckets), 0, "connections due, afterwards");
}

/// Of every connection, after filling the table again if it is empty.
template <Family kFamily>
void make_all_due(OurFilled<kFamily>& set) {
  auto& connections = set.table.table();
  if (connections.size() == 0)
    for (std::size_t n = 0; n < set.connections; ++n) set.table.insert(set.flows[n]);
  ++set.now.number;
  std::array<typename SynwardTable<kFamily>::Entry*, kBulk> found;
  for (std::size_t n = 0; n < set.connections; n += kBulk) {
    connections.find_bulk(&set.flows[n], kBulk, found.data());
    for (auto* const entry : found)
      if (entry != nullptr) connections.set_deadline(*entry, set.now);
  }
}

/// All connections go, a part of the table in each repetition: cycles per connection.
template <Family kFamily>
void sweep_expired(benchmark::State& state, const Setup& setup) {
  auto* const set = filled<OurFilled<kFamily>>(state, setup);
  if (set == nullptr) return;
  auto& connections = set->table.table();
  const auto calls = static_cast<std::size_t>(state.max_iterations);
  if (!set->expiring || connections.size() == 0) make_all_due(*set);
  set->expiring = true;
  const std::size_t before = connections.size();
  const std::size_t due = due_ahead(*set, calls * kBucketsPerCall);
  const std::size_t there = sum_ahead(*set, calls * kBucketsPerCall, [](const table::Bucket& bucket) {
    return std::popcount(bucket.occupied);
  });
  const double per_call = static_cast<double>(due) / static_cast<double>(calls);
  expect_equal(state, sweep_on(state, *set, per_call), there, "connections expired");
  expect_equal(state, due, there, "connections due");
  expect_equal(state, before - connections.size(), there, "connections gone");
}

template <template <Family> typename Table, Family kFamily>
void add_row(const Setup& setup) {
  using Set = Filled<Table, kFamily>;
  const auto column = [&setup](const char* name, std::size_t iterations, auto work) {
    add(
        setup.label + "/" + name, [setup, work](auto& state) { work(state, setup); }, iterations);
  };
  column("known, singly", kPasses, [](auto& state, auto& s) { look_up<Set>(state, s, Lookup::kSingly); });
  column("known", kPasses, [](auto& state, auto& s) { look_up<Set>(state, s, Lookup::kInBursts); });
  column("unknown", kPasses, [](auto& state, auto& s) { look_up<Set>(state, s, Lookup::kInBurstsUnknown); });
  column("promoted", kPasses, promote<Set>);
  if constexpr (requires(Table<kFamily> & table) { table.buckets(); }) {
    const std::size_t calls = SynwardTable<kFamily>::Table::bucket_count(setup.configured) / kBucketsPerCall;
    column("passed", calls, sweep_past<kFamily>);
    column("looked at", calls, sweep_looking<kFamily>);
    column("expired", calls / kExpireInParts, sweep_expired<kFamily>);  // last: little is left of the table
  }
}

constexpr std::size_t whole_passes(std::size_t connections) { return connections / kPass * kPass; }

template <Family kFamily>
std::string label(const char* table, std::size_t millions) {
  return std::string{table} + (kFamily == Family::kIpv4 ? ", IPv4, " : ", IPv6, ") +
         std::to_string(millions) + "M";
}

template <Family kFamily>
void add_ours(std::size_t millions, std::size_t percent, Pages pages = Pages::kLarge) {
  const std::size_t configured = millions * kMillion;
  add_row<SynwardTable, kFamily>(
      {.label = label<kFamily>("synward", millions) + ", " + std::to_string(percent) + " % full" +
                (pages == Pages::kSmall ? ", small pages" : ""),
       .configured = configured,
       .connections = whole_passes(SynwardTable<kFamily>::slots(configured) * percent / 100),
       .pages = pages});
}

template <Family kFamily>
void add_rte_hash(std::size_t millions) {
  const std::size_t configured = millions * kMillion;
  add_row<RteHashTable, kFamily>({.label = label<kFamily>("rte_hash", millions),
                                  .configured = configured,
                                  .connections = whole_passes(configured)});
}

template <Family kFamily>
void add_family() {
  for (const std::size_t millions : {1u, 4u, 16u}) {
    for (const std::size_t percent : {10u, 25u, 50u, 75u, 85u, 90u, 95u})
      if (percent == 75 || (millions == 4 && kFamily == Family::kIpv4)) add_ours<kFamily>(millions, percent);
    if (kFamily == Family::kIpv4 && millions != 4) add_ours<kFamily>(millions, 75, Pages::kSmall);
    add_rte_hash<kFamily>(millions);
  }
}

void print_facts() {
  std::printf("\n\"passed\" is per bucket, \"looked at\" and \"expired\" per connection.\n\n");
  constexpr const char* kHeads = "%-42s %11s %9s %11s %11s %10s %11s\n";
  std::printf(kHeads, "", "connections", "bytes of", "in large", "in second", "displaced", "refused, of");
  std::printf(kHeads, "", "", "each", "pages", "bucket", "", "a million");
  const auto percent = [](std::optional<double> part) {
    std::array<char, 16> text{};
    if (part) std::snprintf(text.data(), text.size(), "%.2f %%", 100 * *part);
    return std::string{text.data()};
  };
  for (const Facts& facts : all_facts) {
    std::optional<double> displaced;
    if (facts.in_second && facts.promoted != 0)
      displaced = static_cast<double>(facts.displaced) / static_cast<double>(facts.promoted);
    std::printf("%-42s %11zu %9.1f %11s %11s %10s %11.1f\n", facts.label.c_str(), facts.connections,
                static_cast<double>(facts.bytes) / static_cast<double>(facts.connections),
                percent(facts.in_large_pages).c_str(), percent(facts.in_second).c_str(),
                percent(displaced).c_str(),
                1e6 * static_cast<double>(facts.refused) / static_cast<double>(facts.offered));
  }
  std::printf(
      "\nBeside its tables a worker has %.1f KiB of CoreState, and %zu bytes for each place in its "
      "accept queue.\n",
      sizeof(CoreState) / 1024.0, sizeof(accept::AcceptQueue::Key));
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  using namespace synward::bench;
  std::array<const char*, 10> eal{"scale_bench", "--no-huge",      "--no-shconf", "-m", "32",
                                  "--no-pci",    "--no-telemetry", "-l",          "0",  "--log-level=error"};
  if (rte_eal_init(static_cast<int>(eal.size()), const_cast<char**>(eal.data())) < 0) return 1;
  add_family<synward::wire::Family::kIpv4>();
  add_family<synward::wire::Family::kIpv6>();
  const int status = run(argc, argv, Order::kOneByOne);
  print_facts();
  kept = {};
  rte_eal_cleanup();
  return status;
}
