#include "control/roster.hpp"

#include <stdexcept>
#include <utility>
#include <variant>

#include "config/changes.hpp"

namespace synward::control {
namespace {

using service::Standing;

constexpr auto kIpv6MssLess = 20;  // IPv6's header is that much longer

/// What `before` becomes.
service::Service changed(const service::Service& before, service::Service after,
                         Roster::Clock::time_point now) {
  const bool same =
      before.idle_timeout_ms == after.idle_timeout_ms && before.close_after_ms == after.close_after_ms;
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  after.timeouts_since_ms = same ? before.timeouts_since_ms : static_cast<std::uint64_t>(now_ms.count());
  return after;
}

}  // namespace

service::Service Roster::service_of(const config::Service& from) const {
  service::Service to{.name = from.name,
                      .address = from.address,
                      .prefix_bits = from.prefix_bits,
                      .port = wire::Port{from.port}};
  to.idle_timeout_ms = from.idle_timeout_s * 1000;
  to.close_after_ms = from.close_after_s * 1000;
  to.profile.mss = static_cast<std::uint16_t>(mtu_ - 40);  // RFC 9293 3.7.1: less the fixed headers
  if (std::holds_alternative<wire::Ipv6Address>(from.address)) to.profile.mss -= kIpv6MssLess;
  return to;
}

void Roster::serve(const config::Config& config, Clock::time_point now) {
  for (std::size_t id = 0; id < services_.size(); ++id) {
    if (services_[id].standing != Standing::kServed) continue;
    services_[id].standing = Standing::kRetired;
    retired_[id] = now;
  }
  for (const config::Service& from : config.services) {
    const auto [at, is_new] =
        ids_.try_emplace(config::place_of(from), static_cast<service::ServiceId>(services_.size()));
    if (!is_new) {
      services_[at->second] = changed(services_[at->second], service_of(from), now);
    } else if (services_.size() == service::kNoService) {
      throw std::runtime_error("there have been " + std::to_string(services_.size()) +
                               " services since the start, and no more have a number: restart synward");
    } else {
      services_.push_back(service_of(from));
      retired_.push_back(now);
    }
  }
}

std::vector<std::string> Roster::let_go(const std::function<bool(service::ServiceId)>& has_connections,
                                        Clock::time_point now) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const auto id = static_cast<service::ServiceId>(i);
    if (services_[i].standing != Standing::kRetired || now - retired_[i] < kSettles || has_connections(id))
      continue;
    services_[i].standing = Standing::kGone;
    names.push_back(services_[i].name);
  }
  return names;
}

std::shared_ptr<const service::DropList> drop_list_of(const config::DropList& config) {
  std::vector<wire::Prefix> dropped = config.sources;
  for (const config::DropList::File& file : config.files)
    dropped.insert(dropped.end(), file.sources.begin(), file.sources.end());
  return dropped.empty() ? nullptr : std::make_shared<const service::DropList>(dropped);
}

std::shared_ptr<const Policy> policy_of(const Roster& roster,
                                        std::shared_ptr<const service::DropList> drop_list) {
  return std::make_shared<const Policy>(service::ServiceTable{roster.services()}, std::move(drop_list));
}

}  // namespace synward::control
