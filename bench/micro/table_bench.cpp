// What a lookup and a promotion cost with a million and with sixteen million connections, beside DPDK's
// rte_hash over the same flows. Flows come in random order.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <rte_eal.h>

#include "bench/micro/report.hpp"
#include "bench/micro/table_contenders.hpp"
#include "bench/micro/tsc.hpp"
#include "dataplane/core_state.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr std::size_t kMillion = 1'000'000;
constexpr std::size_t kPass = 16 * kBulk;  // packets under one reading of the clock

template <Family kFamily>
table::FlowKey<kFamily> flow(std::size_t n) {
  table::FlowKey<kFamily> key{};
  auto& client = key.client.bytes;
  for (std::size_t i = 0; i < 4; ++i) client[client.size() - 1 - i] = static_cast<std::uint8_t>(n >> 8 * i);
  key.service.bytes[0] = 198;
  key.client_port = wire::Port{static_cast<std::uint16_t>(n * 7)};
  key.service_port = wire::Port{443};
  return key;
}

/// A table that holds the first half of the flows, and has room for no more of them at once.
template <template <Family> typename Table, Family kFamily>
struct Filled {
  explicit Filled(std::size_t wanted) : connections{wanted / kPass * kPass}, table{wanted} {
    flows.reserve(2 * connections);
    for (std::size_t n = 0; n < 2 * connections; ++n) flows.push_back(flow<kFamily>(n));
    std::shuffle(flows.begin(), flows.end(), std::mt19937_64{1});
    const auto middle = flows.begin() + static_cast<std::ptrdiff_t>(connections);
    std::for_each(flows.begin(), middle, [this](const auto& key) { table.insert(key); });
    // Not the order of insertion, in which entries would follow one another in memory.
    std::shuffle(flows.begin(), middle, std::mt19937_64{2});
  }
  std::size_t connections;
  Table<kFamily> table;
  std::vector<table::FlowKey<kFamily>> flows;
};

/// Goes round through flows [begin, end), a pass at a time.
class Round {
 public:
  Round(std::size_t begin, std::size_t end) : begin_{begin}, end_{end}, next_{end} {}
  std::size_t advance() {
    next_ = next_ == end_ ? begin_ : next_;
    return (next_ += kPass) - kPass;
  }

 private:
  std::size_t begin_, end_, next_;
};

std::size_t available_bytes() {
  std::ifstream info{"/proc/meminfo"};
  std::string name, unit;
  for (std::size_t kilobytes; info >> name >> kilobytes && std::getline(info, unit);)
    if (name == "MemAvailable:") return kilobytes * 1024;
  return 0;
}

/// Filling takes seconds: what the last benchmark used stays for the next.
struct Kept {
  const void* type = nullptr;
  std::size_t connections = 0;
  std::shared_ptr<void> filled;
};
Kept kept;

/// Null where the machine has not enough memory.
template <template <Family> typename Table, Family kFamily>
Filled<Table, kFamily>* filled(std::size_t connections) {
  static const char kType = 0;
  if (kept.type != &kType || kept.connections != connections) {
    kept = {};
    if (available_bytes() < connections * 320) return nullptr;
    kept = {&kType, connections, std::make_shared<Filled<Table, kFamily>>(connections)};
  }
  return static_cast<Filled<Table, kFamily>*>(kept.filled.get());
}

template <template <Family> typename Table, Family kFamily>
void look_up(benchmark::State& state, std::size_t connections, bool in_bursts, bool hit) {
  auto* const set = filled<Table, kFamily>(connections);
  if (set == nullptr) return state.SkipWithError("no memory");
  Round round{hit ? 0 : set->connections, hit ? set->connections : set->flows.size()};
  const table::FlowKey<kFamily>* keys = nullptr;
  const auto next = [&] { keys = &set->flows[round.advance()]; };
  if (in_bursts) {
    sample(state, kPass, next, [&] {
      for (std::size_t i = 0; i < kPass; i += kBulk) benchmark::DoNotOptimize(set->table.find_bulk(keys + i));
    });
  } else {
    sample(state, kPass, next, [&] {
      for (std::size_t i = 0; i < kPass; ++i) benchmark::DoNotOptimize(set->table.find(keys[i]));
    });
  }
}

/// As in the pipeline: a burst is looked up and not found, then each of it is inserted. As many old ones make
/// room meanwhile, untimed.
template <template <Family> typename Table, Family kFamily>
void promote(benchmark::State& state, std::size_t connections) {
  auto* const set = filled<Table, kFamily>(connections);
  if (set == nullptr) return state.SkipWithError("no memory");
  auto& flows = set->flows;
  Round oldest{0, set->connections}, newest{set->connections, flows.size()};
  const table::FlowKey<kFamily>* keys = nullptr;
  const auto make_room = [&] {
    const std::size_t out = oldest.advance(), in = newest.advance();
    for (std::size_t i = 0; i < kPass; ++i) {
      set->table.erase(flows[out + i]);
      std::swap(flows[out + i], flows[in + i]);
    }
    keys = &flows[out];
  };
  sample(state, kPass, make_room, [&] {
    for (std::size_t i = 0; i < kPass; i += kBulk) set->table.promote_bulk(keys + i);
  });
}

template <template <Family> typename Table, Family kFamily>
void add_rows(std::size_t millions) {
  const std::string ending = std::string{": "} + Table<kFamily>::kName +
                             (kFamily == Family::kIpv4 ? "/IPv4, " : "/IPv6, ") + std::to_string(millions) +
                             "M";
  const std::size_t n = millions * kMillion;
  add("known flows, one by one" + ending,
      [n](auto& state) { look_up<Table, kFamily>(state, n, false, true); });
  add("known flows, in bursts" + ending, [n](auto& state) { look_up<Table, kFamily>(state, n, true, true); });
  add("unknown flows, in bursts" + ending,
      [n](auto& state) { look_up<Table, kFamily>(state, n, true, false); });
  add("unknown, then inserted" + ending, [n](auto& state) { promote<Table, kFamily>(state, n); });
}

template <Family kFamily>
double print_table_memory(const char* family, std::size_t millions) {
  const std::size_t connections = millions * kMillion;
  const std::size_t bytes = table::ConnectionTable<kFamily>::bytes_needed(connections);
  std::printf("%s %3zuM  %8.1f MiB  %5.1f bytes per connection, of an entry's %zu\n", family, millions,
              static_cast<double>(bytes) / (1 << 20),
              static_cast<double>(bytes) / static_cast<double>(connections),
              sizeof(table::Connection<kFamily>));
  return static_cast<double>(bytes);
}

/// Of one worker that has services of both families, but for its packet buffers, which follow its queues.
void print_memory() {
  std::printf("\nconfigured connections, and the memory of a worker's tables for them\n");
  for (const std::size_t millions : {1u, 16u}) {
    const double bytes = print_table_memory<Family::kIpv4>("IPv4", millions) +
                         print_table_memory<Family::kIpv6>("IPv6", millions);
    std::printf("both %3zuM  %8.1f MiB\n", millions, bytes / (1 << 20));
  }
  std::printf("beside them %.1f KiB of CoreState, and %zu bytes for each place in the accept queue\n",
              sizeof(CoreState) / 1024.0, sizeof(accept::AcceptQueue::Key));
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  using namespace synward::bench;
  std::array<const char*, 10> eal{"table_bench", "--no-huge",      "--no-shconf", "-m", "32",
                                  "--no-pci",    "--no-telemetry", "-l",          "0",  "--log-level=error"};
  if (rte_eal_init(static_cast<int>(eal.size()), const_cast<char**>(eal.data())) < 0) return 1;
  for (const std::size_t millions : {1u, 16u}) {
    add_rows<SynwardTable, Family::kIpv4>(millions);
    add_rows<RteHashTable, Family::kIpv4>(millions);
    add_rows<SynwardTable, Family::kIpv6>(millions);
    add_rows<RteHashTable, Family::kIpv6>(millions);
  }
  const int status = run(argc, argv, Order::kOneByOne);
  print_memory();
  kept = {};
  rte_eal_cleanup();
  return status;
}
