// What differs between two configs, for a synward that runs by the first and is to go on by the second.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace synward::config {

struct Changes {
  /// What only a start takes over, each by the name of its setting and with both values.
  std::vector<std::string> fixed;
  /// What can be taken over, each in a few words. Those of many services or sources as one.
  std::vector<std::string> live;
};

/// Of the services.
struct Families {
  bool ipv4 = false, ipv6 = false;
};
[[nodiscard]] Families families_of(const Config& config);

/// `with_tables`: those of the services that there were at start, for which memory was taken.
[[nodiscard]] Changes changes(const Config& running, const Config& wanted, Families with_tables);

/// What makes two services of two configs the same one: "198.18.0.10 port 443".
[[nodiscard]] std::string place_of(const Service& service);

}  // namespace synward::config
