// How much of something there is now. One row = one gauge = one metric label.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Gauge : std::uint8_t {
  kConnections4,
  kConnections6,
  kTombstones,
  kTableSlots,
  kAcceptQueue,
  kBackendHandshakes,
  kHeldPackets,
  kLimitedPrefixes,
  kOverloadedCores,
  kCount
};

inline constexpr Table<Gauge> kGaugeTable{{
    {Gauge::kConnections4, "connections4", "connections over IPv4, until the end of TIME-WAIT"},
    {Gauge::kConnections6, "connections6", "connections over IPv6, until the end of TIME-WAIT"},
    {Gauge::kTombstones, "tombstones", "closed connections whose cookie has not expired yet"},
    {Gauge::kTableSlots, "table_slots", "connections that the tables could hold at the very most"},
    {Gauge::kAcceptQueue, "accept_queue", "connections waiting in the accept queues"},
    {Gauge::kBackendHandshakes, "backend_handshakes", "handshakes with backends that are not complete yet"},
    {Gauge::kHeldPackets, "held_packets", "segments of clients that wait for them"},
    {Gauge::kLimitedPrefixes, "limited_prefixes",
     "client prefixes, IPv4 /24 or IPv6 /64, of whose SYNs some are dropped at random: see syn_budget"},
    {Gauge::kOverloadedCores, "overloaded_cores",
     "that got more than they could answer within the last 10 s: see overload"},
}};
static_assert(rows_in_enum_order(kGaugeTable));

}  // namespace synward
