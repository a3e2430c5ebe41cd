#include "config/print.hpp"

#include <arpa/inet.h>
#include <sstream>

#include <toml++/toml.h>

namespace synward::config {
namespace {

std::string text_of(const wire::Prefix& prefix) {
  char text[INET6_ADDRSTRLEN];
  const bool four = std::holds_alternative<wire::Ipv4Address>(prefix.address);
  std::visit([&](const auto& a) { inet_ntop(four ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text); },
             prefix.address);
  const std::uint8_t all = four ? 32 : 128;
  return text + (prefix.bits == all ? std::string{} : "/" + std::to_string(prefix.bits));
}

}  // namespace

std::string to_toml(const Config& config) {
  std::string lcores;
  for (const auto lcore : config.lcores) lcores += (lcores.empty() ? "" : ",") + std::to_string(lcore);
  toml::array services;
  for (const Service& service : config.services) {
    toml::table row{{"name", service.name},
                    {"address", text_of({service.address, service.prefix_bits})},
                    {"port", service.port},
                    {"then", is_inline(config) ? "proxy" : "accept"},
                    {"idle_timeout", service.idle_timeout_s}};
    if (service.close_after_s != 0) row.insert("close_after", service.close_after_s);
    services.push_back(std::move(row));
  }
  toml::array ports;
  for (const Port& port : config.ports) {
    toml::table row{{"name", port.name}, {"device", port.device}};
    if (port.mtu != 0) row.insert("mtu", port.mtu);
    if (!port.take_default_route.empty()) row.insert("take_default_route", port.take_default_route);
    ports.push_back(std::move(row));
  }
  toml::table file{{"workers", toml::table{{"lcores", lcores.empty() ? "auto" : lcores},
                                           {"poll", config.poll == Poll::kBusy ? "busy" : "adaptive"}}},
                   {"port", ports},
                   {"service", services},
                   {"table", toml::table{{"connections_per_core", config.connections_per_core}}},
                   {"control", toml::table{{"socket", config.control_socket}}}};
  if (!is_inline(config)) file.insert("accept", toml::table{{"backlog", config.accept_backlog}});
  if (is_inline(config)) file.insert("inline", toml::table{{"propagate_link", config.propagate_link}});
  const DropList& drops = config.drop_list;
  if (!drops.sources.empty() || !drops.files.empty()) {
    toml::array sources, files;
    for (const wire::Prefix& source : drops.sources) sources.push_back(text_of(source));
    for (const DropList::File& from : drops.files) files.push_back(from.path);
    file.insert("drop_list", toml::table{{"sources", sources}, {"files", files}});
  }
  std::ostringstream text;
  text << file << "\n";
  return text.str();
}

}  // namespace synward::config
