// The load tester's figures, for programs and for people.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "bench/load/client_log.hpp"
#include "bench/load/flood.hpp"

namespace synward::load {

/// {"elapsed_s", "sent", "refused", "per_s"}
[[nodiscard]] nlohmann::json to_json(const FloodReport& report);
/// {"started", "connected", "closed", "failed", "failures": {...}, "connect_us": {"p50", "p90", "p99",
/// "max"}}
[[nodiscard]] nlohmann::json to_json(const ClientReport& report);

[[nodiscard]] std::string text_of(const FloodReport& report);
[[nodiscard]] std::string text_of(const ClientReport& report);

/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "connect p50 0.12 ms, p99 0.31 ms, worst 1.05 ms", of those from number `first` on.
[[nodiscard]] std::string latency_text(const ClientReport& report, std::size_t first = 0);

}  // namespace synward::load
