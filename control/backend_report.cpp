#include "control/backend_report.hpp"

#include <arpa/inet.h>
#include <array>

#include <fmt/format.h>

namespace synward::control {
namespace {

std::string text_of(const std::variant<wire::Ipv4Address, wire::Ipv6Address>& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = std::holds_alternative<wire::Ipv4Address>(address) ? AF_INET : AF_INET6;
  std::visit([&](const auto& a) { inet_ntop(family, a.bytes.data(), text.data(), text.size()); }, address);
  return text.data();
}

nlohmann::json promise_json(const proxy::Promise& promise) {
  nlohmann::json object{{"mss", promise.mss},   {"window", promise.window},         {"window_scale", nullptr},
                        {"sack", promise.sack}, {"timestamps", promise.timestamps}, {"ecn", promise.ecn}};
  if (promise.window_scale) object["window_scale"] = *promise.window_scale;
  return object;
}

std::string promise_text(const nlohmann::json& promise) {
  std::string text =
      fmt::format("mss {} window {}", promise.at("mss").get<int>(), promise.at("window").get<int>());
  if (!promise.at("window_scale").is_null())
    text += fmt::format(" scale {}", promise.at("window_scale").get<int>());
  for (const char* option : {"sack", "timestamps", "ecn"}) {
    if (promise.at(option).get<bool>()) text += std::string{" "} + option;
  }
  return text;
}

}  // namespace

nlohmann::json backends_json(const proxy::BackendProfiles& profiles, std::uint64_t wall_ms,
                             std::uint64_t mono_ms) {
  auto backends = nlohmann::json::array();
  profiles.for_each(cookie::slot_at(wall_ms), mono_ms, [&backends](const proxy::BackendReading& reading) {
    nlohmann::json backend{{"address", text_of(reading.address)},
                           {"port", reading.port.host()},
                           {"down", reading.down},
                           {"handshakes", reading.handshakes},
                           {"refusals", reading.refusals},
                           {"silences", reading.silences}};
    if (reading.promise) backend["promise"] = promise_json(*reading.promise);
    backends.push_back(std::move(backend));
  });
  return backends;
}

std::string backend_place(const nlohmann::json& backend) {
  const auto address = backend.at("address").get<std::string>();
  const bool six = address.find(':') != std::string::npos;
  return fmt::format("{}:{}", six ? "[" + address + "]" : address, backend.at("port").get<int>());
}

std::string backends_text(const nlohmann::json& backends) {
  std::string text;
  for (const auto& backend : backends) {
    text += fmt::format("{:<30}{}  {} answered, {} refused, {} silent", backend_place(backend),
                        backend.at("down").get<bool>() ? "down" : "up  ", backend.at("handshakes").get<int>(),
                        backend.at("refusals").get<int>(), backend.at("silences").get<int>());
    if (backend.contains("promise")) text += "; " + promise_text(backend.at("promise"));
    text += "\n";
  }
  return text.empty() ? text : "\nBackends, and what is promised on their behalf:\n" + text;
}

}  // namespace synward::control
