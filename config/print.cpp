#include "config/print.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <sstream>
#include <stdexcept>

#include "config/schema.hpp"
#include "config/tree.hpp"

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

void print_table(std::ostream& out, const Table& row, const toml::table& values, Mode mode) {
  out << heading(row) << "\n";
  std::size_t printed = 0;
  for (const Setting& setting : settings_of(row)) {
    const toml::node* value = values.get(setting.key);
    if (value != nullptr) ++printed;
    if (!fits(setting.mode, mode)) continue;
    if (value != nullptr) {
      out << setting.key << " = " << to_text(*value) << "\n";
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
  const toml::table values = tree_of(config);
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
