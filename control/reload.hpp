// The config anew while workers run: `synward reload` and SIGHUP.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/changes.hpp"
#include "config/config.hpp"
#include "control/roster.hpp"
#include "control/turn_wait.hpp"
#include "dataplane/core_state.hpp"

namespace synward::control {

/// The file is read and checked, and what follows from it made, in a thread of its own. When something in it
/// is wrong, or differs that only a start takes over, nothing is done. Else each worker goes over to all of
/// it between two turns of its loop.
class Reload {
 public:
  /// What synward runs by.
  struct Running {
    config::Config config;  ///< as it was written
    Roster roster;
    std::shared_ptr<const Policy> policy;
  };
  using Cores = std::vector<std::unique_ptr<CoreState>>;
  /// `path`: absolute, of the config. `cores` and `workers` outlive this.
  Reload(std::string path, Running running, const Cores& cores, const Workers& workers)
      : path_{std::move(path)}, running_{std::move(running)}, cores_{cores}, wait_{workers} {}

  /// Any thread: has begin() called soon. Returns the number of this reload.
  std::uint64_t ask();
  /// Control thread: the file is to be read.
  void begin() { due_ = true; }
  /// Control thread, every so often, and sooner while is_busy(). Waits for nothing.
  void look();
  [[nodiscard]] bool is_busy() const { return due_ || loading_.valid() || offered_; }

  /// Any thread: the latest; for who reads services and counters by their ids.
  [[nodiscard]] std::shared_ptr<const Policy> policy() const;
  /// Any thread: of the reload that was asked for by this number, or, as long as it has not ended, and for 0,
  /// of the last one that has. {"done": its number, "reloads", "failed": how many did what
  /// was asked, and how many did not, "outcome": of the last one, "none", "applied", "unchanged", "invalid"
  /// (the config is wrong), "refused" (it wants a start) or "failed" (no memory, no thread, or no more
  /// numbers for a service), "lines": what changed, or why not}.
  [[nodiscard]] nlohmann::json json(std::uint64_t number = 0) const;

 private:
  /// What a file came to.
  struct Loaded {
    std::vector<std::string> errors;
    config::Changes changes;
    std::optional<Running> next;
  };
  struct Ended {
    std::uint64_t number;
    std::string outcome;
    std::vector<std::string> lines;
  };
  [[nodiscard]] Loaded load() const;
  void proceed();
  void take(Loaded loaded);
  void offer(const std::shared_ptr<const Policy>& next);
  void end(std::string_view outcome, std::vector<std::string> lines);
  void let_go();

  std::string path_;
  Running running_;
  const config::Families with_tables_ = config::families_of(running_.config);
  const Cores& cores_;
  TurnWait wait_;  // for who may still read before_
  std::shared_ptr<const Policy> before_;
  bool due_ = false, offered_ = false;
  std::future<Loaded> loading_;
  std::uint64_t number_ = 0;  // of the reload that is under way
  std::vector<std::string> pending_lines_;
  std::atomic<std::uint64_t> asked_{0};
  mutable std::mutex mutex_;  // over running_.policy and what json() reads
  std::uint64_t reloads_ = 0, failed_ = 0;
  std::deque<Ended> ended_{{0, "none", {}}};  // the last ones; several of one number where SIGHUPs came, too
};

/// What `synward reload` prints of Reload::json().
[[nodiscard]] std::string reload_text(const nlohmann::json& reload);

}  // namespace synward::control
