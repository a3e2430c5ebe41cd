// The services of a process's life, of which a config may take some out and bring some in while workers run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "dataplane/policy.hpp"

namespace synward::control {

/// Control thread. A service is the same one as long as its address and port are: it has one ServiceId, which
/// no other ever gets, for connections and counters go by it.
class Roster {
 public:
  using Clock = std::chrono::steady_clock;  ///< that of CoreState::now.mono_ms
  /// How long a retired service stays at least: a client whose handshake was under way repeats itself.
  static constexpr std::chrono::seconds kSettles{10};

  /// `mtu`: of the ports, bytes.
  explicit Roster(std::uint16_t mtu) : mtu_{mtu} {}

  /// The services of `config` are served from now on, the others that were are retired. Throws
  /// std::runtime_error, one sentence, when there have been more services than ids.
  void serve(const config::Config& config, Clock::time_point now);
  /// Those that have been retired for long enough and that `has_connections` denies are gone; returns their
  /// names.
  std::vector<std::string> let_go(const std::function<bool(service::ServiceId)>& has_connections,
                                  Clock::time_point now);
  /// By ServiceId.
  [[nodiscard]] const std::vector<service::Service>& services() const { return services_; }

 private:
  service::Service service_of(const config::Service& from) const;

  std::uint16_t mtu_;
  std::vector<service::Service> services_;
  std::vector<Clock::time_point> retired_;         // by ServiceId
  std::map<std::string, service::ServiceId> ids_;  // by config::place_of()
};

/// Whom workers drop by `config`; null: nobody.
[[nodiscard]] std::shared_ptr<const service::DropList> drop_list_of(const config::DropList& config);

/// What workers follow.
[[nodiscard]] std::shared_ptr<const Policy> policy_of(const Roster& roster,
                                                      std::shared_ptr<const service::DropList> drop_list);

}  // namespace synward::control
