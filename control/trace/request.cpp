#include "control/trace/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "config/nearest.hpp"
#include "config/values.hpp"

namespace synward::control {
namespace {

constexpr std::array kVerdicts{Route::kSend, Route::kForward, Route::kHold, Route::kDrop};

std::string_view label_of(Route verdict) { return kRouteTable[static_cast<std::size_t>(verdict)].label; }

/// RFC 3986 2.1: what is not unreserved, by its bytes.
std::string escaped(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string result;
  for (const char letter : text) {
    if (kPlain.find(letter) != std::string_view::npos) {
      result += letter;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t n = 0; n < text.size(); ++n) {
    unsigned code = 0;
    const bool is_escape = text[n] == '%' && n + 2 < text.size() &&
                           std::from_chars(&text[n + 1], &text[n + 1] + 2, code, 16).ptr == &text[n + 1] + 2;
    result += is_escape ? static_cast<char>(code) : text[n];
    if (is_escape) n += 2;
  }
  return result;
}

service::ServiceId service_of(const std::string& name, const service::ServiceTable& services) {
  std::vector<std::string_view> names;
  std::optional<service::ServiceId> found;
  for (std::size_t n = 0; n < services.size(); ++n) {
    const auto id = static_cast<service::ServiceId>(n);
    if (services[id].standing == service::Standing::kGone) continue;
    names.push_back(services[id].name);
    // Of two of one name, one is retired: the other is meant.
    if (services[id].name == name && (!found || services.is_retired(*found))) found = id;
  }
  if (found) return *found;
  throw std::invalid_argument(names.empty() ? fmt::format("there is no service \"{}\", nor any other", name)
                                            : fmt::format("there is no service \"{}\"; the nearest is \"{}\"",
                                                          name, config::nearest(name, names)));
}

void add_reason(const std::string& label, TraceFilter& filter) {
  for (const Route verdict : kVerdicts) {
    if (label == label_of(verdict)) return void(filter.verdicts |= TraceFilter::bit(verdict));
  }
  for (const auto& row : kDropTable) {
    if (row.value != Drop::kNone && label == row.label)
      return void(filter.reasons |= TraceFilter::bit(row.value));
  }
  throw std::invalid_argument(
      fmt::format("there is no reason \"{}\"; the nearest is \"{}\" (`synward stats --json` has all)", label,
                  config::nearest(label, trace_reasons())));
}

}  // namespace

std::vector<std::string_view> trace_reasons() {
  std::vector<std::string_view> labels;
  labels.reserve(kVerdicts.size() + kDropTable.size());
  for (const Route verdict : kVerdicts) labels.push_back(label_of(verdict));
  for (const auto& row : kDropTable)
    if (row.value != Drop::kNone) labels.push_back(row.label);
  return labels;
}

std::string to_query(const TraceWanted& wanted) {
  std::vector<std::string> pairs;
  if (!wanted.service.empty()) pairs.push_back("service=" + escaped(wanted.service));
  if (!wanted.client.empty()) pairs.push_back("client=" + escaped(wanted.client));
  for (const auto& reason : wanted.reasons) pairs.push_back("reason=" + escaped(reason));
  return fmt::format("{}", fmt::join(pairs, "&"));
}

TraceWanted from_query(std::string_view query) {
  TraceWanted wanted;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto key = pair.substr(0, pair.find('='));
    const std::string value = unescaped(pair.substr(std::min(key.size() + 1, pair.size())));
    if (key == "service") {
      wanted.service = value;
    } else if (key == "client") {
      wanted.client = value;
    } else if (key == "reason") {
      wanted.reasons.push_back(value);
    } else {
      throw std::invalid_argument(
          fmt::format("no trace has a \"{}\"; there are service, client and reason", key));
    }
  }
  return wanted;
}

TraceFilter filter_of(const TraceWanted& wanted, const service::ServiceTable& services) {
  TraceFilter filter;
  if (!wanted.service.empty()) filter.service = service_of(wanted.service, services);
  if (!wanted.client.empty()) {
    filter.client = config::parse_prefix(wanted.client);
    if (!filter.client)
      throw std::invalid_argument(
          fmt::format("\"{}\" names no clients: allowed is {}", wanted.client, config::kListed));
  }
  for (const auto& reason : wanted.reasons) add_reason(reason, filter);
  return filter;
}

}  // namespace synward::control
