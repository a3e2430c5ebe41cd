#pragma once

#include <string>

#include "config/config.hpp"

namespace synward::config {

/// The effective config as TOML, which load.hpp reads as the same: every setting for which its mode has a
/// use, in the order of schema.hpp; one that is not set and has no default is a comment that says what is
/// then the case.
[[nodiscard]] std::string to_toml(const Config& config);

/// As parse_prefix() takes it.
[[nodiscard]] std::string to_text(const wire::Prefix& prefix);

/// As parse_socket_address() takes it.
[[nodiscard]] std::string to_text(const SocketAddress& address);

}  // namespace synward::config
