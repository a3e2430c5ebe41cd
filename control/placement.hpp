// Where the workers of a config belong on this machine, and how many have room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/nic_devices.hpp"
#include "control/processors.hpp"

namespace synward::control {

/// Of the ports of `config`, whose devices are resolved.
[[nodiscard]] std::vector<PortNode> nodes_of(const config::Config& config, const NicDevices& devices);

/// Where workers, packets and tables belong; -1: wherever.
[[nodiscard]] int first_known(const std::vector<PortNode>& ports);

struct LcorePlan {
  std::vector<std::uint16_t> lcores;
  std::string shortage;  ///< a sentence when huge pages keep it from being more
};
/// Where the workers run when `config` says "auto": as many as there is use for on `node` (negative:
/// anywhere), of `processors`, and room for in the huge pages of their own node, of which `free_bytes_on`
/// says how many bytes are free (empty: ordinary memory is used); one at least.
[[nodiscard]] LcorePlan plan_lcores(const config::Config& config, const std::vector<Processor>& processors,
                                    int node, const std::function<std::size_t(int)>& free_bytes_on);

}  // namespace synward::control
