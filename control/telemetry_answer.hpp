// What synward answers DPDK's telemetry: the numbers of `synward stats --json` by command, cut to what the
// protocol of DPDK 22.11 carries (lib/telemetry): ASCII, 16 KiB, and so many entries; without floats and
// without arrays of objects.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

namespace synward::control {

/// Of an answer, as text; DPDK writes the command's name before it, and wants a little space behind.
inline constexpr std::size_t kTelemetryBytes = 16'000;
inline constexpr std::size_t kTelemetryEntries = 256;   ///< of an object
inline constexpr std::size_t kTelemetryElements = 512;  ///< of an array
inline constexpr std::size_t kTelemetryText = 127;      ///< bytes of a text, and of a name

struct TelemetryCommand {
  const char *name, *help;
  bool of_health;  ///< it is answered from Health::json(), not from the stats
};
[[nodiscard]] std::span<const TelemetryCommand> telemetry_commands();

/// What `command`, one of telemetry_commands(), answers, of `from`: what StatsServer serves as /stats, or as
/// /health. Any thread. An object of texts, of numbers as DPDK has them (unsigned, or an int below zero), of
/// arrays of only one of these, and of such objects, none of them empty; in each, "left_out" says how many
/// entries found no room. {"error": why} for a parameter that makes no sense.
[[nodiscard]] nlohmann::json telemetry_answer(std::string_view command, std::string_view parameters,
                                              const nlohmann::json& from);

}  // namespace synward::control
