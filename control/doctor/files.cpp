#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "control/doctor/checks.hpp"
#include "control/key_watch.hpp"
#include "control/mendable.hpp"
#include "control/stats_server.hpp"

namespace synward::control::doctor {
namespace {

namespace fs = std::filesystem;

/// Who could replace what is in `path`, or it: others than root and this user.
std::optional<Finding> written_by_others(const std::string& check, const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return Finding{check, State::kWarn,
                   fmt::format("{} belongs to another user, who may change it", path.string()),
                   "chown root " + quoted(path)};
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;  // like /tmp
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
    return Finding{
        check, State::kWarn,
        fmt::format("{}: others may change it (mode {:04o})", path.string(), status.st_mode & 07777u),
        "chmod go-w " + quoted(path)};
  return {};
}

}  // namespace

Findings check_config_file(const std::string& path, const config::Config& config) {
  if (auto others = written_by_others("config", path)) return {std::move(*others)};
  return {{"config", State::kOk,
           fmt::format("{}: {} port(s), {} service(s)", path, config.ports.size(), config.services.size()),
           ""}};
}

Findings check_keys(const config::Config& config, std::uint64_t wall_ms) {
  if (config.key_file.empty())
    return {{"key file", State::kOk,
             "none, so keys are drawn at start: a restart breaks the handshakes in flight, and no other node "
             "knows them",
             ""}};
  try {
    const auto watch = std::make_unique<KeyWatch>(config.key_file);
    if (auto others = written_by_others("key file", fs::path{config.key_file}.parent_path()))
      return {std::move(*others)};
    const cookie::Slot now = cookie::slot_at(wall_ms);
    const auto masters = watch->ring().masters();
    const auto seconds_to = [&](cookie::Slot slot) {
      return slot.number * (cookie::kSlotMs / 1000) - wall_ms / 1000;
    };
    if (masters.front().first > now)
      return {
          {"key file", State::kWarn,
           fmt::format("{}: the time of its first key begins in {} s, so it mints before its time: is this "
                       "machine's clock right?",
                       config.key_file, seconds_to(masters.front().first)),
           ""}};
    std::string text = fmt::format("{}: {} key(s), one mints", config.key_file, masters.size());
    if (masters.back().first > now)
      text += fmt::format(", the next in {} s", seconds_to(masters.back().first));
    return {{"key file", State::kOk, text, ""}};
  } catch (const std::runtime_error& error) {
    return {finding_of("key file", State::kFail, error)};
  }
}

bool serves(const nlohmann::json& stats, const config::Config& config) {
  const auto ports = stats.value("ports", nlohmann::json::array());
  if (ports.size() != config.ports.size()) return false;
  for (std::size_t p = 0; p < ports.size(); ++p) {
    if (ports[p].value("name", "") != config.ports[p].name) return false;
  }
  return true;
}

Findings check_socket(const config::Config& config, const std::optional<nlohmann::json>& running) {
  const std::string& path = config.control_socket;
  const auto found = [](State state, const std::string& text, const std::string& command = "") {
    return Findings{{"control socket", state, text, command}};
  };
  if (running && serves(*running, config))
    return found(State::kOk,
                 fmt::format("{}: a synward answers, up {:.0f} s", path, running->value("uptime_s", 0.0)));
  if (const auto why_not = why_no_socket(path); !why_not.empty())
    return found(State::kFail, path + ": " + why_not);
  // A folder that is missing is made, if one above it may be written.
  const fs::path folder = fs::path{path}.parent_path();
  fs::path nearest = folder;
  std::error_code error;
  while (!fs::exists(nearest, error) && nearest.has_relative_path()) nearest = nearest.parent_path();
  if (!fs::is_directory(nearest, error))
    return found(State::kFail, fmt::format("{}: {} is no folder", path, nearest.string()));
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    const std::string problem = fmt::format("{}: this user may make nothing in {}", path, nearest.string());
    if (nearest == folder)  // whose else it is, nobody knows here: no command takes it away from him
      return found(State::kFail,
                   problem + "; give the user a folder of his own, and [control] socket a place in it");
    return found(State::kFail, problem,
                 fmt::format("install -d -o {} {}", quoted(user_name()), quoted(folder)));
  }
  return found(State::kOk, fmt::format("{}: nobody serves it, and it can be made", path));
}

}  // namespace synward::control::doctor
