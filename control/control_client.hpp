// What programs ask a running synward, at its control socket. All throw std::runtime_error, one sentence,
// when none answers there, or it does not do what it is asked to.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace synward::control {

/// What the synward that serves `path` has counted.
[[nodiscard]] nlohmann::json ask_stats(const std::string& path);

/// What it says of its health.
[[nodiscard]] nlohmann::json ask_health(const std::string& path);

/// Has it take no new connections, or again take them.
void ask_to_drain(const std::string& path, bool on);

/// Has it read its config anew, and waits until it runs by that, or has said why not: Reload::json(). Throws
/// also when that takes longer than ten seconds.
[[nodiscard]] nlohmann::json ask_to_reload(const std::string& path);

/// Has the port called `name` of the synward that serves `path` reset, and waits until it works again: some
/// tens of milliseconds, with some drivers seconds.
void reset_port(const std::string& path, const std::string& name);

/// A trace, from its beginning to its end.
class TraceClient {
 public:
  /// `query`: to_query(). Waits until another trace has ended, for four seconds.
  TraceClient(const std::string& path, const std::string& query);
  ~TraceClient();
  TraceClient(const TraceClient&) = delete;
  TraceClient& operator=(const TraceClient&) = delete;

  /// Tracing::take(); at least every two seconds, or the trace is over, which is an error.
  [[nodiscard]] nlohmann::json take() const;

 private:
  std::string path_, target_;
};

}  // namespace synward::control
