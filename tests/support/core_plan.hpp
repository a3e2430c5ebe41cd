// Tables of a test's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <random>

#include "dataplane/core_state.hpp"

namespace synward::test {

/// Zeroed memory for one table.
class OwnedTable {
 public:
  template <wire::Family kFamily>
  [[nodiscard]] static OwnedTable of(std::size_t connections) {
    return OwnedTable{table::ConnectionTable<kFamily>::bytes_needed(connections), connections};
  }
  [[nodiscard]] TablePlan plan() const {
    return {{reinterpret_cast<std::byte*>(lines_.get()), bytes_}, connections_};
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  OwnedTable(std::size_t bytes, std::size_t connections)
      : bytes_{bytes}, connections_{connections}, lines_{new Line[(bytes + 63) / 64]()} {}
  std::size_t bytes_, connections_;
  std::unique_ptr<Line[]> lines_;
};

/// A plan with tables for so many connections of each family; owns them, and outlives the core.
struct OwnedPlan {
  static constexpr std::size_t kBackendHandshakes = 64, kHeldPackets = 128, kShedCells = 1024;
  explicit OwnedPlan(std::size_t connections = 1000, std::size_t accept_backlog = 64)
      : four{OwnedTable::of<wire::Family::kIpv4>(connections)},
        six{OwnedTable::of<wire::Family::kIpv6>(connections)} {
    plan.ipv4 = four.plan();
    plan.ipv6 = six.plan();
    plan.backlog = accept_backlog;
    plan.backend_handshakes = kBackendHandshakes;
    plan.held_packets = kHeldPackets;
    plan.shed_cells = kShedCells;
    std::mt19937_64 random{20};
    for (auto& row : plan.secret.multipliers) {
      for (auto& word : row) word = random();
    }
    for (auto& word : plan.secret.addends) word = random();
    plan.secret.mixer = random();
  }
  OwnedTable four, six;
  CorePlan plan;
};

}  // namespace synward::test
