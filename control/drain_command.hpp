// `synward drain`: no new connections, until those that there are have ended.
#pragma once

#include <chrono>
#include <string>

namespace synward::control {

/// Has the synward that serves `socket` take no new connections, and tells on the standard output how many
/// are left, until none is and for three seconds none has come whose handshake was under way; returns whether
/// that came within `limit`. It goes on draining either way. Throws std::runtime_error, one sentence.
[[nodiscard]] bool drain_and_wait(const std::string& socket, std::chrono::seconds limit);

}  // namespace synward::control
