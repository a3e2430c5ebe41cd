// The tables that the rows are of, as use leaves them: filled, and every flow replaced once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/micro/report.hpp"
#include "bench/scale/contenders.hpp"
#include "bench/scale/memory.hpp"

namespace synward::bench {

using table::Tick;
using wire::Family;

inline constexpr std::size_t kPass = 16 * kBulk;  // packets under one reading of the clock

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

/// A row: which table, and how it is filled.
struct Setup {
  std::string label;
  std::size_t configured;   ///< connections
  std::size_t connections;  ///< that are in it; a multiple of kPass
  Pages pages = Pages::kLarge;
};

/// What a row says beside its cycles.
struct Facts {
  std::string label;
  std::size_t connections = 0, bytes = 0;
  double in_large_pages = 0;
  std::optional<double> in_second;          ///< part of the connections; of synward's tables only
  std::size_t offered = 0, refused = 0;     ///< to fill it
  std::size_t promoted = 0, displaced = 0;  ///< those that moved one to come in
};
inline std::vector<Facts> all_facts;

/// `flows` that will lie in memory without TLB misses of their own.
template <Family kFamily>
class Flows {
 public:
  using Key = table::FlowKey<kFamily>;
  explicit Flows(std::size_t count) : memory_{count * sizeof(Key)}, keys_{make(memory_, count), count} {
    std::shuffle(keys_.begin(), keys_.end(), std::mt19937_64{1});
  }
  [[nodiscard]] Key& operator[](std::size_t n) const { return keys_[n]; }
  [[nodiscard]] std::span<Key> first(std::size_t n) const { return keys_.first(n); }
  [[nodiscard]] std::span<Key> last(std::size_t n) const { return keys_.last(n); }
  [[nodiscard]] static std::size_t bytes(std::size_t count) { return count * sizeof(Key); }

 private:
  static Key* make(const HugeMemory& memory, std::size_t count) {
    auto* const keys = reinterpret_cast<Key*>(memory.data());
    for (std::size_t n = 0; n < count; ++n) new (&keys[n]) Key{flow<kFamily>(n)};
    return keys;
  }
  HugeMemory memory_;
  std::span<Key> keys_;
};

/// Goes round through flows [begin, end), a pass at a time.
class Round {
 public:
  Round(std::size_t begin, std::size_t end) : begin_{begin}, end_{end}, next_{begin} {}
  std::size_t advance() {
    next_ = next_ == end_ ? begin_ : next_;
    return (next_ += kPass) - kPass;
  }

 private:
  std::size_t begin_, end_, next_;
};

/// A table that holds the first half of the flows, and none of the others. All of them were in it before: a
/// table that has been in use is not as one that was just filled.
template <template <Family> typename Table, Family kFamily>
struct Filled {
  static constexpr Family kOf = kFamily;

  explicit Filled(const Setup& setup)
      : connections{setup.connections},
        may_refuse{4 * setup.connections > 5 * setup.configured},
        table{setup.configured, setup.pages},
        flows{2 * connections} {
    for (std::size_t n = 0; n < connections; ++n) put_old(n);
    // They end in another order than they came in: or rte_hash would get its entries back in that of memory.
    const auto old_flows = flows.last(connections);
    std::shuffle(old_flows.begin(), old_flows.end(), std::mt19937_64{2});
    for (std::size_t n = 0; n < connections; ++n) replace(n);
    if (failed != 0)
      problem = std::to_string(failed) + " flows could not be put there";
    else if (refused != 0 && !may_refuse)
      problem = std::to_string(refused) + " flows refused";
    const auto known_flows = flows.first(connections);  // and are looked up in another one again
    std::shuffle(known_flows.begin(), known_flows.end(), std::mt19937_64{3});
    all_facts.push_back({.label = setup.label,
                         .connections = connections,
                         .bytes = table.bytes(),
                         .in_large_pages = part_in_large_pages(table.memory()),
                         .offered = 2 * connections,
                         .refused = refused});
    if constexpr (requires { table.buckets(); }) {
      std::size_t elsewhere = 0;
      for (const table::Bucket& bucket : table.buckets()) elsewhere += bucket.overflow;
      all_facts.back().in_second = static_cast<double>(elsewhere) / static_cast<double>(connections);
    }
  }
  [[nodiscard]] static std::size_t bytes(const Setup& setup) {
    return Table<kFamily>::bytes(setup.configured) + Flows<kFamily>::bytes(2 * setup.connections);
  }

  std::size_t connections;
  bool may_refuse;  ///< more than a quarter beyond what is configured: the table promises no more than that
  Table<kFamily> table;
  Flows<kFamily> flows;
  std::string problem;
  Round known{0, connections}, unknown{connections, 2 * connections};
  std::size_t swept = 0;  ///< the bucket with which the sweep goes on
  bool expiring = false;
  Tick now{2};

 private:
  /// Flow `n` of the second half comes in; one that is refused changes places with its partner.
  void put_old(std::size_t n) {
    if (table.insert(flows[connections + n])) return;
    ++refused;
    std::swap(flows[n], flows[connections + n]);
    if (!table.insert(flows[connections + n])) ++failed;
  }
  /// Flow `n` takes its partner's place; when it is refused that one comes back, to the slot that it left.
  void replace(std::size_t n) {
    if (!table.erase(flows[connections + n])) ++failed;
    if (table.insert(flows[n])) return;
    ++refused;
    std::swap(flows[n], flows[connections + n]);
    if (!table.insert(flows[n])) ++failed;
  }

  std::size_t refused = 0, failed = 0;
};

/// Filling takes seconds: what the last benchmark used stays for the next.
struct Kept {
  std::string label;
  std::shared_ptr<void> filled;
};
inline Kept kept;

/// Null when it cannot be had; `state` then has the error.
template <typename Filled>
Filled* filled(benchmark::State& state, const Setup& setup) {
  if (kept.label != setup.label) {
    kept = {};
    if (const auto missing = shortage(Filled::bytes(setup))) {
      state.SkipWithError(missing->c_str());
      return nullptr;
    }
    try {
      kept = {setup.label, std::make_shared<Filled>(setup)};
    } catch (const std::bad_alloc&) {
      state.SkipWithError("no address space for it");
      return nullptr;
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
      return nullptr;
    }
  }
  auto* const set = static_cast<Filled*>(kept.filled.get());
  if (!set->problem.empty()) state.SkipWithError(set->problem.c_str());
  return set->problem.empty() ? set : nullptr;
}

}  // namespace synward::bench
