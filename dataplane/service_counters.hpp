// What one core counts of each service. As in Counters, the core writes and anyone reads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/counters.hpp"

namespace synward {

struct ServiceCounters {
  Counter syns, cookies_valid, cookies_bad;
};

/// All of them. `label` and `help` as in enum_table.hpp.
struct ServiceCounterRow {
  Counter ServiceCounters::*counter;
  std::string_view label, help;
};
inline constexpr auto kServiceCounterTable = std::to_array<ServiceCounterRow>({
    {&ServiceCounters::syns, "syns", "SYNs that came to the service, answered or not"},
    {&ServiceCounters::cookies_valid, "cookies_valid", "connections that a cookie opened"},
    {&ServiceCounters::cookies_bad, "cookies_bad",
     "segments of no connection that carried no cookie of ours, and ended"},
});

/// By ServiceId.
using CountersOfServices = std::vector<ServiceCounters>;

}  // namespace synward
