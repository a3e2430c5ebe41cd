#include "control/telemetry.hpp"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <utility>

#include <rte_eal.h>
#include <rte_log.h>
#include <rte_telemetry.h>

#include "control/metrics_server.hpp"
#include "control/sys_files.hpp"
#include "control/telemetry_answer.hpp"

namespace synward::control {
namespace {

// The threads that ask outlive main(): what they meet is never destroyed.
struct Answering {
  std::mutex mutex;
  Telemetry* telemetry = nullptr;
  bool registered = false;
};
constinit Answering answering;

void fill(rte_tel_data* data, const nlohmann::json& object);

void fill_array(rte_tel_data* data, const nlohmann::json& array) {
  const bool of_text = !array.empty() && array.front().is_string();
  rte_tel_data_start_array(data, of_text ? RTE_TEL_STRING_VAL : RTE_TEL_U64_VAL);
  for (const auto& value : array) {
    if (of_text) {
      rte_tel_data_add_array_string(data, value.get_ref<const std::string&>().c_str());
    } else {
      rte_tel_data_add_array_u64(data, value.get<std::uint64_t>());
    }
  }
}

/// DPDK frees it, once it is written.
void add_container(rte_tel_data* data, const char* name, const nlohmann::json& value) {
  rte_tel_data* inner = rte_tel_data_alloc();
  if (inner == nullptr) return;
  value.is_array() ? fill_array(inner, value) : fill(inner, value);
  if (rte_tel_data_add_dict_container(data, name, inner, 0) != 0) rte_tel_data_free(inner);
}

/// `object` is as telemetry_answer() makes them.
void fill(rte_tel_data* data, const nlohmann::json& object) {
  rte_tel_data_start_dict(data);
  for (auto entry = object.begin(); entry != object.end(); ++entry) {
    const char* name = entry.key().c_str();
    if (entry->is_structured()) {
      add_container(data, name, *entry);
    } else if (entry->is_string()) {
      rte_tel_data_add_dict_string(data, name, entry->get_ref<const std::string&>().c_str());
    } else if (entry->is_number_unsigned()) {
      rte_tel_data_add_dict_u64(data, name, entry->get<std::uint64_t>());
    } else {
      rte_tel_data_add_dict_int(data, name, entry->get<int>());
    }
  }
}

nlohmann::json answer_of(const char* command, const char* parameters) {
  const std::scoped_lock lock{answering.mutex};
  if (answering.telemetry != nullptr) return answering.telemetry->answer(command, parameters);
  auto none = nlohmann::json::object();
  none["error"] = "synward begins, or ends";
  return none;
}

/// A thread of DPDK.
int on_command(const char* command, const char* parameters, rte_tel_data* data) {
  try {
    fill(data, answer_of(command, parameters == nullptr ? "" : parameters));
  } catch (const std::exception&) {
    return -1;  // DPDK answers null
  }
  return 0;
}

bool is_of_telemetry(int descriptor) {
  static const std::string path = std::string{rte_eal_get_runtime_dir()} + "/dpdk_telemetry.v2";
  sockaddr_un at{};
  socklen_t bytes = sizeof at;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&at), &bytes) != 0) return false;
  const std::string_view name{at.sun_path, strnlen(at.sun_path, sizeof at.sun_path)};
  return at.sun_family == AF_UNIX && name.starts_with(path);
}

bool listens(int descriptor) {
  int yes = 0;
  socklen_t bytes = sizeof yes;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &yes, &bytes) == 0 && yes != 0;
}

/// Cuts off DPDK's telemetry, whose threads are out of every command, its own as well, once they have closed
/// their clients' sockets: they read what is about to go, and nothing else ends them.
void cut_off() {
  constexpr std::chrono::seconds kPatience{2};
  constexpr std::chrono::milliseconds kBetween{1};
  rte_log_set_level_pattern("lib.telemetry", RTE_LOG_CRIT);  // it would tell that nobody can ask any more
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  int quiet = 0;  // looks in a row that found no client; one may have been let in behind the first
  for (; quiet < 2 && std::chrono::steady_clock::now() < limit; std::this_thread::sleep_for(kBetween)) {
    ++quiet;
    for (const std::string& name : names_in("/proc/self/fd")) {
      const int descriptor = static_cast<int>(std::strtol(name.c_str(), nullptr, 10));
      if (!is_of_telemetry(descriptor)) continue;
      if (!listens(descriptor)) quiet = 0;
      ::shutdown(descriptor, SHUT_RDWR);
    }
  }
}

}  // namespace

Telemetry::Telemetry(Json stats, Json health) : read_stats_{std::move(stats)}, health_{std::move(health)} {
  const std::scoped_lock lock{answering.mutex};
  for (const TelemetryCommand& command : telemetry_commands()) {
    if (!answering.registered && rte_telemetry_register_cmd(command.name, on_command, command.help) != 0)
      throw std::runtime_error("[control] telemetry: DPDK does not take the command " +
                               std::string{command.name});
  }
  answering.registered = true;
  answering.telemetry = this;
}

Telemetry::~Telemetry() {
  {
    const std::scoped_lock lock{answering.mutex};
    answering.telemetry = nullptr;
  }
  cut_off();
}

const nlohmann::json& Telemetry::stats() {
  const auto now = std::chrono::steady_clock::now();
  if (stats_.is_null() || now >= stale_at_) {
    stats_ = read_stats_();
    stale_at_ = now + kStatsFreshFor;
  }
  return stats_;
}

nlohmann::json Telemetry::answer(const char* command, const char* parameters) {
  for (const TelemetryCommand& row : telemetry_commands()) {
    if (row.of_health && std::string_view{row.name} == command)
      return telemetry_answer(command, parameters, health_());
  }
  return telemetry_answer(command, parameters, stats());
}

}  // namespace synward::control
