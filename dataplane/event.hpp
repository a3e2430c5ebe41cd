// What happened beside where packets ended: the life of connections. One row = one counter = one metric
// label.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Event : std::uint8_t { kSynAnswered, kCount };

inline constexpr Table<Event> kEventTable{{
    {Event::kSynAnswered, "syn_answered", "SYNs answered with a cookie (Linux: SyncookiesSent)"},
}};
static_assert(rows_in_enum_order(kEventTable));

}  // namespace synward
