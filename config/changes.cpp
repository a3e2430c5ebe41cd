#include "config/changes.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "config/print.hpp"
#include "config/schema.hpp"
#include "config/tree.hpp"

namespace synward::config {
namespace {

constexpr std::size_t kMostNamed = 20;  // services

/// Of two tables of one kind: "KEY: before -> after" for each setting that differs.
std::vector<std::string> differences(const Table& row, const toml::table& before, const toml::table& after) {
  std::vector<std::string> found;
  const auto text = [](const toml::node* value) { return value == nullptr ? "not set" : to_text(*value); };
  for (const Setting& setting : settings_of(row)) {
    const std::string was = text(before.get(setting.key)), is = text(after.get(setting.key));
    if (was == is) continue;
    std::string& line = found.emplace_back(setting.key);
    line.append(": ").append(was).append(" -> ").append(is);
  }
  return found;
}

void add_fixed(const Table& row, const toml::node& before, const toml::node& after,
               std::vector<std::string>& fixed) {
  const auto add = [&](const toml::table& one, const toml::table& other) {
    for (const auto& difference : differences(row, one, other))
      fixed.push_back(heading(row) + " " + difference);
  };
  if (const toml::array* list = before.as_array()) {
    const toml::array& others = *after.as_array();
    if (list->size() != others.size())
      fixed.push_back(heading(row) + ": " + std::to_string(list->size()) + " -> " +
                      std::to_string(others.size()));
    for (std::size_t i = 0; i < std::min(list->size(), others.size()); ++i)
      add(*list->get(i)->as_table(), *others.get(i)->as_table());
  } else {
    add(*before.as_table(), *after.as_table());
  }
}

using ByPlace = std::map<std::string, const toml::table*>;

/// The tables of the services of `config` in its tree.
ByPlace by_place(const Config& config, const toml::table& tree) {
  ByPlace tables;
  const toml::array& list = *tree.get("service")->as_array();
  for (std::size_t i = 0; i < list.size(); ++i)
    tables.emplace(place_of(config.services[i]), list.get(i)->as_table());
  return tables;
}

void add_services(const ByPlace& before, const ByPlace& after, std::vector<std::string>& live) {
  std::vector<std::string> found;
  const auto name_of = [](const ByPlace::value_type& service) {
    return "service " + to_text(*service.second->get("name")) + " (" + service.first + ")";
  };
  for (const auto& service : before) {
    if (!after.contains(service.first)) found.push_back(name_of(service) + ": no longer there");
  }
  for (const auto& service : after) {
    const auto old = before.find(service.first);
    if (old == before.end()) {
      found.push_back(name_of(service) + ": new");
    } else {
      for (const auto& difference : differences(table_row("service"), *old->second, *service.second))
        found.push_back(name_of(service) + ": " + difference);
    }
  }
  if (found.size() > kMostNamed) {
    const std::size_t more = found.size() - kMostNamed;
    found.resize(kMostNamed);
    found.push_back("and " + std::to_string(more) + " more of services");
  }
  std::ranges::move(found, std::back_inserter(live));
}

void add_drop_list(const DropList& before, const DropList& after, std::vector<std::string>& live) {
  const auto add = [&](const std::string& what, std::size_t was, std::size_t is) {
    live.push_back(what + ": " + std::to_string(was) + " -> " + std::to_string(is) +
                   " address(es) and prefix(es)");
  };
  if (before.sources != after.sources)
    add("[drop_list] sources", before.sources.size(), after.sources.size());
  const auto sources_of = [](const DropList& list, const std::string& path) -> const DropList::File* {
    const auto file = std::ranges::find(list.files, path, &DropList::File::path);
    return file == list.files.end() ? nullptr : &*file;
  };
  for (const DropList::File& file : before.files) {
    const DropList::File* now = sources_of(after, file.path);
    if (now == nullptr) {
      live.push_back("drop list " + file.path + ": no longer there");
    } else if (now->sources != file.sources) {
      add("drop list " + file.path, file.sources.size(), now->sources.size());
    }
  }
  for (const DropList::File& file : after.files) {
    if (sources_of(before, file.path) == nullptr) add("drop list " + file.path, 0, file.sources.size());
  }
}

}  // namespace

std::string place_of(const Service& service) {
  return to_text(wire::Prefix{service.address, service.prefix_bits}) + " port " +
         std::to_string(service.port);
}

Families families_of(const Config& config) {
  const auto has = [&config](bool four) {
    return std::ranges::any_of(config.services, [four](const Service& service) {
      return std::holds_alternative<wire::Ipv4Address>(service.address) == four;
    });
  };
  return {.ipv4 = has(true), .ipv6 = has(false)};
}

Changes changes(const Config& running, const Config& wanted, Families with_tables) {
  Changes found;
  const toml::table before = tree_of(running), after = tree_of(wanted);
  for (const Table& row : tables()) {
    if (!row.live) add_fixed(row, *before.get(row.name), *after.get(row.name), found.fixed);
  }
  const Families families = families_of(wanted);
  for (const auto& [wants, has, name] : {std::tuple{families.ipv4, with_tables.ipv4, "IPv4"},
                                         std::tuple{families.ipv6, with_tables.ipv6, "IPv6"}}) {
    if (wants && !has)
      found.fixed.push_back(std::string{"[[service]]: the first one over "} + name +
                            ", whose connections need memory that is taken at start");
  }
  add_services(by_place(running, before), by_place(wanted, after), found.live);
  add_drop_list(running.drop_list, wanted.drop_list, found.live);
  return found;
}

}  // namespace synward::config
