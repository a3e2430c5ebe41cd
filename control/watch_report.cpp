#include "control/watch_report.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <map>

#include <fmt/format.h>

#include "config/print.hpp"

namespace synward::control {
namespace {

constexpr std::size_t kMostTalkers = 10;

wire::Prefix as_prefix(ClientPrefix prefix) {
  const auto bytes = std::bit_cast<std::array<std::uint8_t, 8>>(prefix);
  if (bytes[0] == 0xff) return {wire::Ipv4Address{{bytes[5], bytes[6], bytes[7], 0}}, 24};
  wire::Ipv6Address address{};
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return {address, 64};
}

}  // namespace

nlohmann::json services_json(const service::ServiceTable& services,
                             const std::vector<std::unique_ptr<CoreState>>& cores) {
  auto json = nlohmann::json::array();
  for (std::size_t id = 0; id < services.size(); ++id) {
    const service::Service& service = services[static_cast<service::ServiceId>(id)];
    if (service.standing == service::Standing::kGone) continue;
    std::size_t connections = 0;
    for (const auto& core : cores) connections += core->live(static_cast<service::ServiceId>(id));
    nlohmann::json row{{"connections", connections},
                       {"retired", service.standing == service::Standing::kRetired},
                       {"name", service.name},
                       {"address", config::to_text(wire::Prefix{service.address, service.prefix_bits})},
                       {"port", service.port.host()}};
    for (const ServiceCounterRow& counter : kServiceCounterTable) {
      std::uint64_t count = 0;
      for (const auto& core : cores) count += (core->of_services[id].*counter.counter).read();
      row[std::string{counter.label}] = count;
    }
    json.push_back(std::move(row));
  }
  return json;
}

nlohmann::json talkers_json(const std::vector<std::unique_ptr<CoreState>>& cores) {
  auto json = nlohmann::json::object();
  for (const auto& row : kTalkTable) {
    std::map<ClientPrefix, std::uint64_t> counts;
    for (const auto& core : cores) {
      for (const Talker& talker : core->talkers.read(row.value)) counts[talker.prefix] += talker.count;
    }
    std::vector<Talker> talkers;
    talkers.reserve(counts.size());
    for (const auto& [prefix, count] : counts) talkers.push_back({prefix, count});
    std::ranges::stable_sort(talkers, std::ranges::greater{}, &Talker::count);
    talkers.resize(std::min(talkers.size(), kMostTalkers));
    auto& list = json[std::string{row.label}] = nlohmann::json::array();
    for (const Talker& talker : talkers)
      list.push_back({{"prefix", config::to_text(as_prefix(talker.prefix))}, {"count", talker.count}});
  }
  return json;
}

nlohmann::json table_json(const service::ServiceTable& services,
                          const std::vector<std::unique_ptr<CoreState>>& cores) {
  auto json = nlohmann::json::object();
  const auto add = [&]<wire::Family kFamily>(const char* label) {
    if (services.levels<kFamily>().empty()) return;
    std::size_t slots = 0;
    for (const auto& core : cores) slots += core->table<kFamily>().slots();
    json[label] = slots;
  };
  add.operator()<wire::Family::kIpv4>("connections4");
  add.operator()<wire::Family::kIpv6>("connections6");
  return json;
}

std::string services_text(const nlohmann::json& services) {
  constexpr std::size_t kMost = 20;
  std::string text = "\nServices:\n";
  std::size_t shown = 0;
  for (const auto& service : services) {
    if (++shown > kMost)
      return text + fmt::format("and {} more: synward stats --json\n", services.size() - kMost);
    const auto count = [&](const char* label) { return service.at(label).get<std::uint64_t>(); };
    text += fmt::format(
        "{:<16}{:<30}{} connections; {} SYNs, {} valid cookies, {} bad ones{}\n",
        service.at("name").get<std::string>(),
        fmt::format("{} port {}", service.at("address").get<std::string>(), service.at("port").get<int>()),
        count("connections"), count("syns"), count("cookies_valid"), count("cookies_bad"),
        service.at("retired").get<bool>() ? "; no longer in the config" : "");
  }
  return text;
}

std::string talkers_text(const nlohmann::json& talkers) {
  std::string text;
  for (const auto& row : kTalkTable) {
    std::string of_kind;
    for (const auto& talker : talkers.at(std::string{row.label}))
      of_kind += fmt::format("{:>14}  {}\n", talker.at("count").get<std::uint64_t>(),
                             talker.at("prefix").get<std::string>());
    if (!of_kind.empty()) text += fmt::format("\nMost {}, of the last minute, about:\n{}", row.help, of_kind);
  }
  return text;
}

}  // namespace synward::control
