// What a trial is to do, complete and checked: what `--dry-run` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/attack.hpp"
#include "bench/load/backend.hpp"
#include "bench/load/clients.hpp"
#include "bench/load/rails.hpp"
#include "bench/load/trial/record.hpp"
#include "bench/load/trial/schedule.hpp"

namespace synward::load {

struct TrialPlan {
  std::string device;                   ///< as DPDK or synward's config names it
  std::string backend;                  ///< the same, where the targets are played; or none
  std::vector<Target> targets;          ///< attack and clients take them in turn
  std::optional<wire::MacAddress> mac;  ///< of all targets; else each is resolved
  std::optional<IpAddress> gateway;     ///< resolved in the targets' place
  std::vector<SourcePrefix> attack_sources, client_sources;  ///< at most one of each family; else defaults
  AttackMix mix;
  double flood_rate = 0, client_rate = 0;  ///< per second, all targets together; 0: none
  Arrivals arrivals = Arrivals::kPoisson;
  Timeline timeline;
  ClientManners manners;
  BackendManners backend_manners;
  std::uint64_t max_packets = 1'000'000'000;
  std::uint64_t seed = 0;

  [[nodiscard]] SourcePrefix attack_sources_for(const IpAddress& target) const;
  [[nodiscard]] SourcePrefix client_sources_for(const IpAddress& target) const;
};

/// Throws std::invalid_argument, one sentence, when the plan is none: nothing to do, addresses that are in
/// each other's way, more than `max_packets`, more clients than memory or tuples can hold.
void check(const TrialPlan& plan);

/// For a person, a line for each matter.
[[nodiscard]] std::string text_of(const TrialPlan& plan);

}  // namespace synward::load
