#include "config/print.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <sstream>
#include <stdexcept>

#include <toml++/toml.h>

#include "config/schema.hpp"

namespace synward::config {
std::string to_text(const wire::Prefix& prefix) {
  char text[INET6_ADDRSTRLEN];
  const bool four = std::holds_alternative<wire::Ipv4Address>(prefix.address);
  std::visit([&](const auto& a) { inet_ntop(four ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text); },
             prefix.address);
  const std::uint8_t all = four ? 32 : 128;
  return text + (prefix.bits == all ? std::string{} : "/" + std::to_string(prefix.bits));
}

std::string to_text(const SocketAddress& address) {
  const bool four = std::holds_alternative<wire::Ipv4Address>(address.address);
  const std::uint8_t all = four ? 32 : 128;
  const std::string host = to_text(wire::Prefix{address.address, all});
  return (four ? host : "[" + host + "]") + ":" + std::to_string(address.port);
}

namespace {

toml::table values_of(const Port& port) {
  toml::table values{{"name", port.name}, {"device", port.device}};
  if (port.mtu != 0) values.insert("mtu", port.mtu);
  if (!port.take_default_route.empty()) values.insert("take_default_route", port.take_default_route);
  return values;
}

toml::table values_of(const Service& service, Mode mode) {
  toml::table values{{"name", service.name},
                     {"address", to_text(wire::Prefix{service.address, service.prefix_bits})},
                     {"port", service.port},
                     {"then", mode == Mode::kTwoPorts ? "proxy" : "accept"},
                     {"idle_timeout", service.idle_timeout_s}};
  if (service.close_after_s != 0) values.insert("close_after", service.close_after_s);
  return values;
}

/// Every setting that has a value, whether the mode has a use for it or not.
toml::table values_of(const Config& config) {
  std::string lcores;
  for (const auto lcore : config.lcores) lcores += (lcores.empty() ? "" : ",") + std::to_string(lcore);
  toml::array ports, services, sources, files;
  for (const Port& port : config.ports) ports.push_back(values_of(port));
  for (const Service& service : config.services) services.push_back(values_of(service, mode_of(config)));
  for (const wire::Prefix& source : config.drop_list.sources) sources.push_back(to_text(source));
  for (const DropList::File& file : config.drop_list.files) files.push_back(file.path);
  toml::table cookie, control{{"socket", config.control_socket}};
  if (config.metrics) control.insert("metrics", to_text(*config.metrics));
  if (!config.key_file.empty()) cookie.insert("key_file", config.key_file);
  return toml::table{{"workers", toml::table{{"lcores", lcores.empty() ? "auto" : lcores},
                                             {"poll", config.poll == Poll::kBusy ? "busy" : "adaptive"}}},
                     {"port", ports},
                     {"service", services},
                     {"cookie", cookie},
                     {"drop_list", toml::table{{"sources", sources}, {"files", files}}},
                     {"table", toml::table{{"connections_per_core", config.connections_per_core}}},
                     {"accept", toml::table{{"backlog", config.accept_backlog}}},
                     {"inline", toml::table{{"propagate_link", config.propagate_link}}},
                     {"control", control}};
}

/// Double quotes, as people write them; a list in one line.
void print_value(std::ostream& out, const toml::node& node) {
  if (const toml::array* list = node.as_array()) {
    const char* separator = "";
    out << "[";
    for (const toml::node& element : *list) {
      out << separator;
      print_value(out, element);
      separator = ", ";
    }
    out << "]";
  } else {
    constexpr auto kNotAllowed =
        toml::format_flags::allow_literal_strings | toml::format_flags::allow_multi_line_strings;
    out << toml::toml_formatter{node, toml::toml_formatter::default_flags & ~kNotAllowed};
  }
}

void print_table(std::ostream& out, const Table& row, const toml::table& values, Mode mode) {
  out << heading(row) << "\n";
  std::size_t printed = 0;
  for (const Setting& setting : settings_of(row)) {
    const toml::node* value = values.get(setting.key);
    if (value != nullptr) ++printed;
    if (!fits(setting.mode, mode)) continue;
    if (value != nullptr) {
      out << setting.key << " = ";
      print_value(out, *value);
      out << "\n";
    } else if (!setting.otherwise.empty()) {
      out << "# " << setting.key << " is not set: " << setting.otherwise << "\n";
    } else {
      throw std::logic_error{"nothing prints " + std::string{row.name} + "." + std::string{setting.key}};
    }
  }
  if (printed != values.size())
    throw std::logic_error{"config/schema.cpp lacks a setting of " + heading(row)};
}

bool has_use(const Table& row, Mode mode) {
  const auto rows = settings_of(row);
  return std::any_of(rows.begin(), rows.end(),
                     [&](const Setting& setting) { return fits(setting.mode, mode); });
}

}  // namespace

std::string to_toml(const Config& config) {
  const toml::table values = values_of(config);
  const Mode mode = mode_of(config);
  std::ostringstream out;
  const auto print = [&](const Table& row, const toml::node& node) {
    if (out.tellp() > 0) out << "\n";
    print_table(out, row, *node.as_table(), mode);
  };
  for (const Table& row : tables()) {
    if (!has_use(row, mode)) continue;
    const toml::node& node = *values.get(row.name);
    if (const toml::array* list = node.as_array()) {
      for (const toml::node& element : *list) print(row, element);
    } else {
      print(row, node);
    }
  }
  return out.str();
}

}  // namespace synward::config
