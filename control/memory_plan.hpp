// How much memory a config asks for, before anything takes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <variant>

#include "config/config.hpp"
#include "dataplane/table/connection_table.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::control {

/// Packets of one core that wait, in inline mode, for the backend to answer its half of their connection.
inline constexpr std::size_t kHeldPerCore = 2048;
/// Handshakes with backends that one core may have open: at a round trip of 1 ms to the backend, 4 million
/// connections a second; with one that never answers, 585 a second (7 s each). 2 MiB.
inline constexpr std::size_t kBackendHandshakesPerCore = 4096;
/// SYNs that one core sheds and remembers: 32 bytes a cell, 4 MiB.
inline constexpr std::size_t kShedCellsPerCore = 131'072;

/// Of one packet's buffer: the longest frame of every port fits one.
[[nodiscard]] std::size_t frame_bytes(const config::Config& config);

/// Packets of the process: as many as its queues, rings, caches and bursts can have at once, and those held.
[[nodiscard]] std::size_t packets(const config::Config& config);

/// How many connections of this family a core must hold: a family without a service needs no table.
template <wire::Family kFamily>
[[nodiscard]] std::size_t connections_of(const config::Config& config) {
  const auto uses = [](const config::Service& service) {
    return std::holds_alternative<wire::Address<kFamily>>(service.address);
  };
  const bool used = std::any_of(config.services.begin(), config.services.end(), uses);
  return used ? config.connections_per_core : 0;
}

template <wire::Family kFamily>
[[nodiscard]] std::size_t table_bytes(const config::Config& config) {
  return table::ConnectionTable<kFamily>::bytes_needed(connections_of<kFamily>(config));
}

/// What each worker takes of huge pages, about, in bytes: its share of the packets, its tables, rings.
/// Whatever `config` says of the number of workers.
[[nodiscard]] std::size_t worker_bytes(const config::Config& config);

/// What ordinary memory must hold, in MiB: packets, rings and drivers, and the tables, which must each find
/// room in one piece.
[[nodiscard]] std::size_t ordinary_memory_mib(const config::Config& config);

}  // namespace synward::control
