// Mirrors dataplane/table/connection_table.hpp: what is stored is found, whatever happened before.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/table/table_fixture.hpp"

namespace synward::table {
namespace {

/// A table and a std::map that are told the same; every answer is compared.
template <wire::Family kFamily>
class Model {
 public:
  static constexpr std::size_t kConnections = 600, kFlows = 1500;

  explicit Model(std::uint64_t seed) : owned_{kConnections, seed}, random_{seed} {}

  void insert() {
    const std::uint64_t n = below(kFlows);
    const auto phase = ConnectionPhase(below(std::uint64_t(ConnectionPhase::kCount)));
    const Tick deadline{now_.number + below(400)};
    const bool known = flows_.contains(n);
    const auto inserted = table().insert(flow<kFamily>(n), phase, deadline);
    if (!inserted) {
      ASSERT_FALSE(known);
      return;
    }
    const Evicted evicted = inserted->evicted;
    ASSERT_EQ(evicted == Evicted::kPredecessor, known);
    EXPECT_EQ(inserted->connection.key, flow<kFamily>(n));
    EXPECT_EQ(inserted->connection.state.client_next, wire::SeqNum{0});
    const auto mark = std::uint32_t(random_());
    inserted->connection.state.client_next = wire::SeqNum{mark};
    table().set_service(inserted->connection, service_of(n));
    if (evicted == Evicted::kTombstone) forget_the_missing(ConnectionPhase::kTombstone);
    if (evicted == Evicted::kUnfinished) forget_the_missing(ConnectionPhase::kUnfinished);
    flows_[n] = {phase, deadline, mark};
  }
  void find() {
    const std::uint64_t n = below(kFlows);
    auto* const entry = table().find(flow<kFamily>(n));
    const auto known = flows_.find(n);
    ASSERT_EQ(entry != nullptr, known != flows_.end());
    if (entry == nullptr) return;
    EXPECT_EQ(entry->key, flow<kFamily>(n));
    EXPECT_EQ(entry->state.client_next, wire::SeqNum{known->second.mark});
    EXPECT_EQ(entry->state.phase.get(), known->second.phase);
    EXPECT_EQ(entry->state.deadline.get(), known->second.deadline);
  }
  void change() {
    const std::uint64_t n = below(kFlows);
    auto* const entry = table().find(flow<kFamily>(n));
    if (entry == nullptr) return;
    Flow& known = flows_.at(n);
    switch (below(4)) {
      case 0:
        table().erase(*entry), flows_.erase(n);
        break;
      case 1:
        table().set_deadline(*entry, known.deadline = {now_.number + below(400)});
        break;
      case 2:
        table().set_phase(*entry, known.phase = ConnectionPhase(below(9)));
        break;
      default:
        table().bury(*entry, known.deadline = {now_.number + below(400)});
        known.phase = ConnectionPhase::kTombstone;
    }
  }
  /// Once round: exactly the due ones are seen, each once; half of them go.
  void sweep() {
    now_.number += below(kMaxStep);
    std::set<std::uint32_t> due, seen;
    for (const auto& [n, known] : flows_)
      if (known.deadline <= now_) due.insert(known.mark);
    table().sweep(now_, table().buckets(), [&](Connection<kFamily>& entry) -> std::optional<Tick> {
      EXPECT_TRUE(seen.insert(entry.state.client_next.value()).second);
      const auto known = std::ranges::find(flows_, entry.state.client_next.value(),
                                           [](const auto& item) { return item.second.mark; });
      EXPECT_NE(known, flows_.end());
      if (below(2) == 0) return known->second.deadline = {now_.number + 1 + below(400)};
      flows_.erase(known);
      return std::nullopt;
    });
    EXPECT_EQ(seen, due);
  }
  void compare_all() {
    std::map<ConnectionPhase, std::size_t> phases;
    std::map<std::uint16_t, std::size_t> live;
    for (const auto& [n, known] : flows_) {
      ++phases[known.phase];
      if (known.phase != ConnectionPhase::kTombstone) ++live[service_of(n)];
      EXPECT_NE(table().find(flow<kFamily>(n)), nullptr) << n;
    }
    EXPECT_EQ(table().size(), flows_.size());
    EXPECT_EQ(table().live(), flows_.size() - phases[ConnectionPhase::kTombstone]);
    for (int phase = 0; phase < int(ConnectionPhase::kCount); ++phase)
      EXPECT_EQ(table().size(ConnectionPhase(phase)), phases[ConnectionPhase(phase)]) << phase;
    for (std::uint64_t n = 0; n < kServices; ++n)
      EXPECT_EQ(table().live(service_of(n)), live[service_of(n)]) << n;
  }
  std::uint32_t below(std::uint64_t n) { return std::uint32_t(random_() % n); }
  [[nodiscard]] std::size_t evicted() const { return evicted_; }
  [[nodiscard]] ConnectionTable<kFamily>& table() { return owned_.table; }

 private:
  /// Of a flow; the last there can be is one of them.
  static constexpr std::uint64_t kServices = 7;
  static std::uint16_t service_of(std::uint64_t n) {
    return static_cast<std::uint16_t>(0xfffe - n % kServices);
  }
  static constexpr std::uint32_t kMaxStep = 128;
  struct Flow {
    ConnectionPhase phase;
    Tick deadline;
    std::uint32_t mark;
  };
  void forget_the_missing(ConnectionPhase phase) {
    std::vector<std::uint64_t> missing;
    for (const auto& [n, known] : flows_)
      if (known.phase == phase && table().find(flow<kFamily>(n)) == nullptr) missing.push_back(n);
    ASSERT_EQ(missing.size(), 1u);
    flows_.erase(missing[0]);
    ++evicted_;
  }

  OwnedTable<kFamily> owned_;
  std::mt19937_64 random_;
  Tick now_ = kStart;
  std::map<std::uint64_t, Flow> flows_;
  std::size_t evicted_ = 0;
};

template <typename T>
class ConnectionTables : public testing::Test {};
TYPED_TEST_SUITE(ConnectionTables, Families, FamilyNames);

TYPED_TEST(ConnectionTables, AgreeWithAMapOverRandomOperations) {
  std::size_t evicted = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Model<TypeParam::value> model(seed);
    for (int step = 0; step < 20'000 && !testing::Test::HasFatalFailure(); ++step) {
      const bool growing = step / 4'000 % 2 == 0;
      const std::uint32_t dice = model.below(100);
      if (dice < (growing ? 60u : 20u))
        model.insert();
      else if (dice < 80)
        model.find();
      else if (dice < 99 || growing)
        model.change();
      else
        model.sweep();
      if (step % 1'000 == 999) model.compare_all();
    }
    evicted += model.evicted();
  }
  EXPECT_GT(evicted, 0u);  // the table was full at times
}

TYPED_TEST(ConnectionTables, FindAsManyAtOnceAsOneByOne) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> owned(1'000);
  for (std::uint64_t n = 0; n < 1'250; ++n)  // to 93 % of the slots: many live in their second bucket
    ASSERT_TRUE(owned.table.insert(flow<kFamily>(n), ConnectionPhase::kEstablished, kStart));
  std::mt19937_64 random{5};
  for (std::size_t n = 0; n <= owned.table.kBulkMax; ++n) {
    std::vector<FlowKey<kFamily>> keys(n);
    for (auto& key : keys) key = flow<kFamily>(random() % 2'500);
    std::vector<Connection<kFamily>*> found(n), again(n);
    std::vector<typename ConnectionTable<kFamily>::Place> places(n);
    owned.table.find_bulk(keys.data(), n, found.data(), places.data());
    owned.table.find_bulk(keys.data(), n, again.data());
    EXPECT_EQ(found, again) << n;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(found[i], owned.table.find(keys[i])) << n << ' ' << i;
      EXPECT_EQ(found[i], owned.table.find(keys[i], places[i])) << n << ' ' << i;
    }
  }
}

TYPED_TEST(ConnectionTables, InsertAtAPlaceThatALookupLeftBehind) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> one_by_one(1'000), at_once(1'000);
  constexpr std::size_t kBurst = ConnectionTable<kFamily>::kBulkMax;
  for (std::uint64_t n = 0; n + kBurst <= 1'300; n += kBurst) {  // until nearly every bucket is full
    std::vector<FlowKey<kFamily>> keys(kBurst);
    for (std::uint64_t i = 0; i < kBurst; ++i) keys[i] = flow<kFamily>(n + i);
    std::vector<Connection<kFamily>*> found(kBurst);
    std::vector<typename ConnectionTable<kFamily>::Place> places(kBurst);
    at_once.table.find_bulk(keys.data(), kBurst, found.data(), places.data());
    for (std::size_t i = 0; i < kBurst; ++i) {
      at_once.table.expect(places[i]);
      static_cast<void>(at_once.table.insert(keys[i], places[i], ConnectionPhase::kEstablished, kStart));
      static_cast<void>(one_by_one.table.insert(keys[i], ConnectionPhase::kEstablished, kStart));
    }
    ASSERT_TRUE(std::ranges::equal(at_once.memory.span(), one_by_one.memory.span())) << n;
  }
}

TYPED_TEST(ConnectionTables, ExpectNewcomersWithoutChangingAnything) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> owned(1'000);
  std::uint64_t n = 0;
  while (owned.table.insert(flow<kFamily>(n), ConnectionPhase::kEstablished, kStart)) {
    const std::uint64_t version = owned.table.version();
    const std::vector<std::byte> before(owned.memory.span().begin(), owned.memory.span().end());
    owned.table.expect(owned.table.place_of(flow<kFamily>(++n)));
    ASSERT_TRUE(std::ranges::equal(before, owned.memory.span()));
    ASSERT_EQ(owned.table.version(), version);
  }
}

TYPED_TEST(ConnectionTables, RefuseANewcomerOnlyWhenNoneOfItsNeighboursCanMove) {
  constexpr auto kFamily = TypeParam::value;
  std::size_t refused = 0;
  // Three buckets: of those who live in two full ones, half could only change places.
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    OwnedTable<kFamily> owned(36, seed);
    const auto* const buckets = reinterpret_cast<const Bucket*>(owned.memory.span().data());
    const auto* const entries = reinterpret_cast<const Connection<kFamily>*>(buckets + owned.table.buckets());
    for (std::uint64_t n = 0; n < 60; ++n) {
      if (owned.table.insert(flow<kFamily>(n), ConnectionPhase::kEstablished, kStart)) continue;
      ++refused;
      const auto place = owned.table.place_of(flow<kFamily>(n));
      for (const std::size_t bucket : {place.first, place.second})
        for (std::size_t slot = 0; slot < kBucketSlots; ++slot) {
          const auto of = owned.table.place_of(entries[bucket * kBucketSlots + slot].key);
          ASSERT_TRUE(buckets[of.first].offering(Room::kFree).empty()) << seed << ' ' << n;
          ASSERT_TRUE(buckets[of.second].offering(Room::kFree).empty()) << seed << ' ' << n;
        }
    }
  }
  EXPECT_GT(refused, 0u);
}

TYPED_TEST(ConnectionTables, HoldWhatIsConfiguredWithoutRefusingOrEvicting) {
  constexpr auto kFamily = TypeParam::value;
  for (const std::size_t connections : {0u, 1u, 12u, 13u, 24u, 25u, 36u, 100u, 1'000u, 20'000u})
    for (std::uint64_t seed = 0; seed < (connections < 1'000 ? 200u : 5u); ++seed) {
      OwnedTable<kFamily> owned(connections, seed);
      for (std::uint64_t n = 0; n < connections; ++n) {
        const auto inserted =
            owned.table.insert(flow<kFamily>(seed << 33 ^ n), ConnectionPhase::kTombstone, kStart);
        ASSERT_TRUE(inserted) << connections;
        ASSERT_EQ(inserted->evicted, Evicted::kNothing) << connections;
      }
      ASSERT_EQ(owned.table.size(), connections);
    }
}

TYPED_TEST(ConnectionTables, AreFullNotBefore25PercentMoreThanConfigured) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> owned(20'000);
  std::uint64_t n = 0;
  while (owned.table.insert(flow<kFamily>(n), ConnectionPhase::kEstablished, kStart)) ++n;
  EXPECT_GE(n, 25'000u);
  EXPECT_EQ(owned.table.size(), n);
  for (std::uint64_t i = 0; i < n; ++i) EXPECT_NE(owned.table.find(flow<kFamily>(i)), nullptr);
}

TYPED_TEST(ConnectionTables, ForgetEveryErasedFlowAndTheirBucketsWithIt) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> owned(1'000);
  const std::vector<std::byte> before(owned.memory.span().begin(), owned.memory.span().end());
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t n = 0; n < 1'250; ++n)
      ASSERT_TRUE(owned.table.insert(flow<kFamily>(n), ConnectionPhase::kUnfinished, kStart));
    for (std::uint64_t n = 0; n < 1'250; ++n) owned.table.erase(*owned.table.find(flow<kFamily>(n)));
    EXPECT_EQ(owned.table.size(), 0u);
    // No bit and no count is left behind that would cost a lookup its second bucket.
    const auto* buckets = reinterpret_cast<const Bucket*>(owned.memory.span().data());
    for (std::size_t b = 0; b < owned.table.buckets(); ++b)
      EXPECT_EQ(buckets[b].occupied | buckets[b].tombstones | buckets[b].unfinished | buckets[b].overflow,
                0u);
  }
}

TYPED_TEST(ConnectionTables, TellWhenPointersBecameStale) {
  constexpr auto kFamily = TypeParam::value;
  OwnedTable<kFamily> owned(1'000);
  auto& table = owned.table;
  std::map<std::uint64_t, Connection<kFamily>*> pointers;
  std::size_t moves = 0;
  for (std::uint64_t n = 0; n < 1'300; ++n) {
    const std::uint64_t version = table.version();
    const auto inserted = table.insert(flow<kFamily>(n), ConnectionPhase::kEstablished, kStart);
    if (!inserted) break;
    pointers[n] = &inserted->connection;
    std::size_t stale = 0;
    for (const auto& [flow_number, pointer] : pointers)
      stale += table.find(flow<kFamily>(flow_number)) == pointer ? 0u : 1u;
    ASSERT_EQ(stale, table.version() - version);  // at most one entry moves
    if (stale == 0) continue;
    ++moves;
    for (auto& [flow_number, pointer] : pointers) pointer = table.find(flow<kFamily>(flow_number));
  }
  EXPECT_GT(moves, 0u);
  const std::uint64_t version = table.version();
  table.erase(*pointers[0]);
  EXPECT_NE(table.version(), version);
}

TEST(TableMemoryUse, IsAtMost64BytesPerIpv4ConnectionEverythingIncluded) {
  for (const std::size_t connections : {std::size_t{1} << 20, std::size_t{1} << 24}) {
    const auto n = static_cast<double>(connections);
    const auto v4 = ConnectionTable<wire::Family::kIpv4>::bytes_needed(connections);
    const auto v6 = ConnectionTable<wire::Family::kIpv6>::bytes_needed(connections);
    EXPECT_NEAR(static_cast<double>(v4) / n, 64, 0.001);
    EXPECT_NEAR(static_cast<double>(v6) / n, 96, 0.001);
  }
  EXPECT_EQ(ConnectionTable<wire::Family::kIpv4>::bytes_needed(12'000'000), std::size_t{64} * 12'000'000);
}

TEST(TableMemoryUse, RefusesMemoryThatDoesNotFit) {
  using Table = ConnectionTable<wire::Family::kIpv4>;
  const TableMemory memory(Table::bytes_needed(100) + 64);
  const auto make = [&](std::size_t offset, std::size_t bytes, std::size_t connections) {
    const Table table(memory.span().subspan(offset, bytes), connections, random_secret(1), kStart);
  };
  EXPECT_NO_THROW(make(64, Table::bytes_needed(100), 100));
  EXPECT_THROW(make(0, Table::bytes_needed(100) - 1, 100), std::invalid_argument);
  EXPECT_THROW(make(32, Table::bytes_needed(100), 100), std::invalid_argument);
  EXPECT_THROW(make(0, Table::bytes_needed(100), Table::kMaxConnections + 1), std::invalid_argument);
}

}  // namespace
}  // namespace synward::table
