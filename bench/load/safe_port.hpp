// The rail below all others: no load leaves by the way to the Internet.
#pragma once

#include <string>

#include "config/config.hpp"

namespace synward::load {

/// The port `device`, as DPDK names it. Throws std::runtime_error, one sentence, when there is none, or when
/// this machine's default route goes by it.
[[nodiscard]] config::Port safe_port(const std::string& device);

}  // namespace synward::load
