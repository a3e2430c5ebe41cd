#include "config/tree.hpp"

#include <sstream>

#include "config/print.hpp"
#include "config/schema.hpp"

namespace synward::config {
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

}  // namespace

toml::table tree_of(const Config& config) {
  std::string lcores;
  for (const auto lcore : config.lcores) lcores += (lcores.empty() ? "" : ",") + std::to_string(lcore);
  toml::array ports, services, sources, files;
  for (const Port& port : config.ports) ports.push_back(values_of(port));
  for (const Service& service : config.services) services.push_back(values_of(service, mode_of(config)));
  for (const wire::Prefix& source : config.drop_list.sources) sources.push_back(to_text(source));
  for (const DropList::File& file : config.drop_list.files) files.push_back(file.path);
  toml::table cookie, control{{"socket", config.control_socket}, {"telemetry", config.telemetry}};
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

namespace {

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

}  // namespace

std::string to_text(const toml::node& value) {
  std::ostringstream out;
  print_value(out, value);
  return out.str();
}

}  // namespace synward::config
