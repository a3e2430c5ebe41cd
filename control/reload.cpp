#include "control/reload.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <unistd.h>
#include <utility>

#include <spdlog/spdlog.h>

#include "config/load.hpp"

namespace synward::control {
namespace {

constexpr std::string_view kApplied = "applied", kUnchanged = "unchanged", kInvalid = "invalid",
                           kRefused = "refused", kFailed = "failed";
constexpr std::size_t kKept = 16;  // outcomes: who asked looks every few milliseconds

}  // namespace

std::uint64_t Reload::ask() {
  const std::uint64_t number = ++asked_;
  ::kill(::getpid(), SIGHUP);  // which the control thread waits for
  return number;
}

std::shared_ptr<const Policy> Reload::policy() const {
  const std::scoped_lock lock{mutex_};
  return running_.policy;
}

nlohmann::json Reload::json(std::uint64_t number) const {
  const std::scoped_lock lock{mutex_};
  const auto first =
      std::ranges::find_if(ended_, [number](const Ended& reload) { return reload.number >= number; });
  const Ended& reload = number == 0 || first == ended_.end() ? ended_.back() : *first;
  return {{"done", reload.number},
          {"reloads", reloads_},
          {"failed", failed_},
          {"outcome", reload.outcome},
          {"lines", reload.lines}};
}

Reload::Loaded Reload::load() const {
  auto [config, errors] = config::load(path_);
  Loaded loaded{.errors = std::move(errors), .changes = {}, .next = {}};
  if (!loaded.errors.empty()) return loaded;
  loaded.changes = config::changes(running_.config, config, with_tables_);
  if (!loaded.changes.fixed.empty() || loaded.changes.live.empty()) return loaded;
  Roster roster = running_.roster;
  roster.serve(config, Roster::Clock::now());
  auto policy =
      policy_of(roster, config.drop_list == running_.config.drop_list ? running_.policy->drop_list
                                                                      : drop_list_of(config.drop_list));
  loaded.next = Running{std::move(config), std::move(roster), std::move(policy)};
  return loaded;
}

/// Want of memory or of a thread ends a reload, not synward.
void Reload::look() {
  const bool is_reload = due_ || loading_.valid();
  try {
    proceed();
  } catch (const std::exception& error) {
    if (is_reload) return end(kFailed, {error.what()});
    spdlog::error("reload: {}", error.what());
  }
}

void Reload::proceed() {
  if (offered_) {
    if (!wait_.is_over()) return;
    before_.reset();
    offered_ = false;
    if (!pending_lines_.empty()) end(kApplied, std::exchange(pending_lines_, {}));
  }
  if (loading_.valid()) {
    if (loading_.wait_for(std::chrono::seconds{0}) != std::future_status::ready) return;
    take(loading_.get());
  } else if (due_) {
    due_ = false;
    number_ = asked_.load();  // all that were asked for until now: they want the same file
    // What it reads of running_ changes only when it has ended.
    loading_ = std::async(std::launch::async, [this] { return load(); });
  } else if (running_.policy->services.has_retired()) {
    let_go();
  }
}

void Reload::take(Loaded loaded) {
  if (!loaded.errors.empty()) return end(kInvalid, std::move(loaded.errors));
  if (!loaded.changes.fixed.empty()) return end(kRefused, std::move(loaded.changes.fixed));
  if (!loaded.next) return end(kUnchanged, {});
  offer(loaded.next->policy);
  pending_lines_ = std::move(loaded.changes.live);
  running_.config = std::move(loaded.next->config);
  running_.roster = std::move(loaded.next->roster);
}

void Reload::offer(const std::shared_ptr<const Policy>& next) {
  for (const auto& core : cores_) core->make_room_for(*next);
  // Nothing throws any more: from here on workers use it.
  for (const auto& core : cores_) core->offer(*next);
  before_ = next;
  {
    const std::scoped_lock lock{mutex_};
    std::swap(before_, running_.policy);
  }
  wait_.begin();
  offered_ = true;
}

void Reload::end(std::string_view outcome, std::vector<std::string> lines) {
  const bool failed = outcome == kInvalid || outcome == kRefused || outcome == kFailed;
  if (outcome == kUnchanged) spdlog::info("reload: {} says nothing new", path_);
  for (const auto& line : lines) {
    if (failed) {
      spdlog::error("reload: {}{}", line, outcome == kRefused ? ": wants a restart" : "");
    } else {
      spdlog::info("reload: {}", line);
    }
  }
  if (failed) spdlog::error("reload: {} is not taken over, synward goes on as it was", path_);
  const std::scoped_lock lock{mutex_};
  ++(failed ? failed_ : reloads_);
  ended_.push_back({number_, std::string{outcome}, std::move(lines)});
  if (ended_.size() > kKept) ended_.pop_front();
}

void Reload::let_go() {
  const auto has_connections = [this](service::ServiceId id) {
    return std::ranges::any_of(cores_, [id](const auto& core) { return core->live(id) != 0; });
  };
  Roster roster = running_.roster;
  const auto names = roster.let_go(has_connections, Roster::Clock::now());
  if (names.empty()) return;
  offer(policy_of(roster, running_.policy->drop_list));
  running_.roster = std::move(roster);
  for (const auto& name : names) spdlog::info("service \"{}\": its last connection has ended", name);
}

std::string reload_text(const nlohmann::json& reload) {
  const std::string outcome = reload.at("outcome");
  std::string text;
  for (const auto& line : reload.at("lines")) text += line.get<std::string>() + "\n";
  if (outcome == kUnchanged) return "nothing has changed\n";
  if (outcome == kApplied) return text;
  if (outcome == kFailed) return text + "so nothing is taken over\n";
  return text + (outcome == kRefused ? "these want a restart, so nothing is taken over\n"
                                     : "the config is wrong, so nothing is taken over\n");
}

}  // namespace synward::control
