// `synward doctor`: whether this machine is as a config wants it, and what mends it where it is not.
#pragma once

#include <string>

namespace synward::control::doctor {

struct Options {
  std::string config;  ///< empty: kUsualConfig when it is there, else the machine in general
  bool json = false;
};
inline constexpr const char* kUsualConfig = "/etc/synward/synward.toml";

/// Main thread. Looks, changes nothing, and prints on stdout what it found. Returns the exit code: 1 when
/// synward would not start, or would lose frames.
int run(const Options& options);

}  // namespace synward::control::doctor
