// `synward keys`: makes the file of keys, adds the next one, shows what is in it.
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace synward::control {

struct KeysOptions {
  std::string file = "/etc/synward/keys.toml";
  std::uint32_t after_s = 300;  ///< the time that it takes to get the file to every node
};

/// Adds `keys` and what stands below it, which fill `options`; that must live as long as `app` parses.
CLI::App& add_keys_command(CLI::App& app, KeysOptions& options);

/// What was parsed, on stdout. Throws std::runtime_error, one sentence.
void run_keys_command(const CLI::App& command, const KeysOptions& options);

}  // namespace synward::control
