#include "control/telemetry_answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "control/backend_report.hpp"

namespace synward::control {
namespace {

using Json = nlohmann::json;

std::string fitting_text(std::string_view text) {
  constexpr std::string_view kCut = "...";
  std::string fitting{text.substr(0, kTelemetryText)};
  std::ranges::replace_if(
      fitting, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > kTelemetryText) fitting.replace(kTelemetryText - kCut.size(), kCut.size(), kCut);
  return fitting;
}

/// A name that `taken` has not.
std::string fitting_name(std::string_view name, const Json& taken) {
  constexpr std::size_t kForNumber = 8;
  std::string fitting{name.substr(0, kTelemetryText - kForNumber)};
  const auto is_allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '/';
  };
  std::ranges::replace_if(
      fitting, [&](char c) { return !is_allowed(c); }, '_');
  std::string free = fitting;
  for (int n = 2; taken.contains(free); ++n) free = fmt::format("{}_{}", fitting, n);
  return free;
}

Json fitting_number(const Json& number) {
  if (number.is_boolean()) return number.get<bool>() ? 1u : 0u;
  if (number.is_number_float()) {
    constexpr double kMost = 1e18, kLeast = std::numeric_limits<int>::min();
    const double whole = std::clamp(number.get<double>(), kLeast, kMost);
    return whole < 0 ? Json(static_cast<int>(whole)) : Json(static_cast<std::uint64_t>(whole));
  }
  if (number.is_number_unsigned() || number.get<std::int64_t>() >= 0) return number.get<std::uint64_t>();
  constexpr std::int64_t kLeast = std::numeric_limits<int>::min();
  return std::max(number.get<std::int64_t>(), kLeast);
}

bool is_a_number(const Json& value) { return value.is_number() || value.is_boolean(); }

/// Of numbers, when it holds nothing else, and else of texts; it ends where there is no room.
Json fitting_array(const Json& array, std::size_t room) {
  auto fitting = Json::array();
  auto numbers = Json::array();
  for (const Json& value : array)
    numbers.push_back(is_a_number(value) ? fitting_number(value) : Json(nullptr));
  const bool are_counts = std::ranges::all_of(numbers, &Json::is_number_unsigned);
  std::size_t bytes = 2;
  for (std::size_t i = 0; i < array.size() && i < kTelemetryElements; ++i) {
    Json value = numbers[i];
    if (!are_counts)
      value = fitting_text(array[i].is_string() ? array[i].get<std::string>() : array[i].dump());
    bytes += value.dump().size() + 1;
    if (bytes > room) break;
    fitting.push_back(std::move(value));
  }
  return fitting;
}

Json fitting_object(const Json& object, std::size_t room);

Json fitting_value(const Json& value, std::size_t room) {
  if (value.is_object()) return fitting_object(value, room);
  if (value.is_array()) return fitting_array(value, room);
  if (is_a_number(value)) return fitting_number(value);
  return fitting_text(value.is_string() ? value.get<std::string>() : value.dump());
}

/// What DPDK has no word for, null, is left out, and so is an object of nothing, which it writes as an array.
Json fitting_object(const Json& object, std::size_t room) {
  constexpr std::size_t kAround = 4;  // "":, of an entry
  constexpr std::size_t kForLeftOut = 32;
  auto fitting = Json::object();
  std::size_t left_out = 0;
  room -= std::min(room, kForLeftOut);
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    const std::string free = fitting_name(name, fitting);
    const std::size_t before = free.size() + kAround;
    Json fit = fitting_value(value, room - std::min(room, before));
    if (fit.is_object() && fit.empty()) continue;
    const std::size_t bytes = before + fit.dump().size();
    if (bytes > room || fitting.size() + 1 == kTelemetryEntries) {
      ++left_out;
      continue;
    }
    room -= bytes;
    fitting[free] = std::move(fit);
  }
  if (left_out != 0) fitting["left_out"] = left_out;
  return fitting;
}

/// Braces around one pair are an object to one compiler and an array to another.
Json only(const char* name, Json value) {
  auto object = Json::object();
  object[name] = std::move(value);
  return object;
}
Json error(const std::string& why) { return only("error", why); }

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (trouble != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

struct Asked {
  std::string_view parameters;
  const Json& of;
};

/// Things in the stats that have names.
struct Kind {
  const char *key, *one;
  std::string (*name_of)(const Json& row);

  [[nodiscard]] const Json& rows(const Json& stats) const {
    static const Json kNone = Json::array();
    return stats.contains(key) ? stats.at(key) : kNone;  // an endpoint has no backends
  }
};
std::string own_name(const Json& row) { return row.at("name").get<std::string>(); }
constexpr Kind kServices{"services", "service", own_name};
constexpr Kind kPorts{"ports", "port", own_name};
constexpr Kind kBackends{"backends", "backend", backend_place};

/// Names from the one on that the parameter counts to; "next" is where the next answer begins.
Json names(const Kind& kind, const Asked& asked) {
  constexpr std::size_t kRoom = kTelemetryBytes - 200;  // but for the other entries
  const Json& rows = kind.rows(asked.of);
  const auto first = asked.parameters.empty() ? 0 : number_of(asked.parameters);
  if (!first || *first > rows.size())
    return error(fmt::format("the first one to name: a number from 0 to {}", rows.size()));
  auto found = Json::array();
  std::size_t next = *first, bytes = 2;
  for (; next < rows.size() && found.size() < kTelemetryElements; ++next) {
    Json name = fitting_text(kind.name_of(rows[next]));
    bytes += name.dump().size() + 1;
    if (bytes > kRoom) break;
    found.push_back(std::move(name));
  }
  Json answer{{"count", rows.size()}, {"first", *first}, {"names", std::move(found)}};
  if (next < rows.size()) answer["next"] = next;
  return answer;
}

/// The one that is called so, or that names() calls so. A service that is retired left its name to another.
Json named(const Kind& kind, const Asked& asked) {
  const Json* best = nullptr;
  int most = 0;
  for (const Json& row : kind.rows(asked.of)) {
    const std::string name = kind.name_of(row);
    const int likeness = name == asked.parameters ? 2 : fitting_text(name) == asked.parameters ? 1 : 0;
    if (likeness == 0) continue;
    const int score = 2 * likeness - (row.value("retired", false) ? 1 : 0);
    if (score <= most) continue;
    best = &row;
    most = score;
  }
  if (best != nullptr) return *best;
  return error(
      asked.parameters.empty()
          ? fmt::format("which {}: /synward/{} has the names", kind.one, kind.key)
          : fmt::format("no {} has this name: /synward/{} has those that there are", kind.one, kind.key));
}

Json stats(const Asked& asked) {
  Json answer = asked.of.at("total");
  answer["workers"] = asked.of.at("cores").size();
  for (const char* key : {"version", "uptime_s", "draining", "table"}) {
    if (asked.of.contains(key)) answer[key] = asked.of.at(key);
  }
  return answer;
}

Json core(const Asked& asked) {
  const Json& cores = asked.of.at("cores");
  const auto number = number_of(asked.parameters);
  if (!number || *number >= cores.size())
    return error(fmt::format("which worker: a number from 0 to {}", cores.size() - 1));
  return cores[*number];
}

/// Of each kind the prefixes, and in another array what each sent.
Json talkers(const Asked& asked) {
  auto answer = Json::object();
  for (const auto& [kind, rows] : asked.of.at("talkers").items()) {
    auto prefixes = Json::array(), counts = Json::array();
    for (const Json& row : rows) {
      prefixes.push_back(row.at("prefix"));
      counts.push_back(row.at("count"));
    }
    answer[kind] = {{"prefixes", prefixes}, {"counts", counts}};
  }
  return answer;
}

struct Row {
  TelemetryCommand command;
  bool takes_parameters;
  Json (*answer)(const Asked& asked);
};
constexpr auto kRows = std::to_array<Row>({
    {{"/synward/stats", "Totals of all workers, as synward stats --json has them. Takes no parameters",
      false},
     false,
     stats},
    {{"/synward/drops", "Frames that ended here, by reason. Takes no parameters", false},
     false,
     [](const Asked& asked) { return asked.of.at("total").at("drops"); }},
    {{"/synward/events", "What happened to SYNs and connections, by event. Takes no parameters", false},
     false,
     [](const Asked& asked) { return asked.of.at("total").at("events"); }},
    {{"/synward/core", "What one worker counted. Parameters: its number, from 0 on", false}, true, core},
    {{"/synward/services", "Names of services. Parameters: the number of the first, when they are many",
      false},
     true,
     [](const Asked& asked) { return names(kServices, asked); }},
    {{"/synward/service", "One service. Parameters: its name", false},
     true,
     [](const Asked& asked) { return named(kServices, asked); }},
    {{"/synward/ports", "Names of ports. Takes no parameters", false},
     true,
     [](const Asked& asked) { return names(kPorts, asked); }},
    {{"/synward/port", "One port, with what it lost. Parameters: its name", false},
     true,
     [](const Asked& asked) { return named(kPorts, asked); }},
    {{"/synward/backends", "Places of backends. Parameters: the number of the first, when they are many",
      false},
     true,
     [](const Asked& asked) { return names(kBackends, asked); }},
    {{"/synward/backend", "One backend. Parameters: its place, as ADDRESS:PORT", false},
     true,
     [](const Asked& asked) { return named(kBackends, asked); }},
    {{"/synward/talkers", "Client networks that sent the most in the last minute. Takes no parameters",
      false},
     false,
     talkers},
    {{"/synward/health", "Whether synward does its work, and why not. Takes no parameters", true},
     false,
     [](const Asked& asked) { return asked.of; }},
    {{"/synward/reload", "How the config was read anew. Takes no parameters", false},
     false,
     [](const Asked& asked) { return asked.of.at("reload"); }},
    {{"/synward/version", "synward's version. Takes no parameters", false},
     false,
     [](const Asked& asked) { return only("version", asked.of.at("version")); }},
});

constexpr auto kCommands = [] {
  std::array<TelemetryCommand, kRows.size()> commands{};
  std::ranges::transform(kRows, commands.begin(), &Row::command);
  return commands;
}();

}  // namespace

std::span<const TelemetryCommand> telemetry_commands() { return kCommands; }

Json telemetry_answer(std::string_view command, std::string_view parameters, const Json& from) {
  const auto row =
      std::ranges::find(kRows, command, [](const Row& r) { return std::string_view{r.command.name}; });
  if (row == kRows.end()) return error("no such command");
  if (!row->takes_parameters && !parameters.empty()) return error("it takes no parameters");
  return fitting_object(row->answer({parameters, from}), kTelemetryBytes);
}

}  // namespace synward::control
