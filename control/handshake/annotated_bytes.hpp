// A frame's bytes, field by field, with names.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace synward::control {

/// For a frame of handshake::build_frame(). One field a line: offset, bytes, name and value.
[[nodiscard]] std::string annotated_bytes(std::span<const std::byte> frame);

}  // namespace synward::control
