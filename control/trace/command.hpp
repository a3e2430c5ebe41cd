// `synward trace`: packets of a running synward with what became of each, and why.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "control/trace/request.hpp"

namespace CLI {
class App;
}

namespace synward::control {

struct TraceOptions {
  TraceWanted wanted;
  std::uint64_t count = 0;  ///< 0: until a signal comes
  std::string pcap;         ///< where to; empty: text alone; "-": the capture alone, on stdout
};

/// Adds `trace`, which fills `options`; that must live as long as `app` parses.
CLI::App& add_trace_command(CLI::App& app, TraceOptions& options);

/// What the synward that serves `socket` sees, until there are enough, or SIGINT or SIGTERM comes, or whoever
/// reads has gone. Throws std::runtime_error, one sentence. Main thread, before any other.
void run_trace_command(const std::string& socket, const TraceOptions& options);

/// A packet of Tracing::take() for people: "09:41:07.123456 w0 out  [drop bad_cookie] ... \n    why".
[[nodiscard]] std::string trace_text(const nlohmann::json& packet);

}  // namespace synward::control
