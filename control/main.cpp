// synward's command line. Exit codes: 0 done, 1 it could not be done, 2 the command line or the config is
// wrong.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "config/load.hpp"
#include "config/print.hpp"
#include "control/handshake_command.hpp"
#include "control/launch.hpp"
#include "control/stats_report.hpp"
#include "control/stats_server.hpp"
#include "control/stats_watch.hpp"

namespace synward::control {
namespace {

constexpr int kWrongUsage = 2;

/// The config in `path`, or exit code 2 with every error on stderr.
config::Config load_or_exit(const std::string& path) {
  auto [config, errors] = config::load(path);
  for (const auto& error : errors) std::cerr << error << "\n";
  if (!errors.empty()) std::exit(kWrongUsage);
  return config;
}

int dispatch(int argc, char** argv) {
  CLI::App app{"Keeps TCP services reachable under SYN floods."};
  app.set_version_flag("--version", std::string{"synward "} + SYNWARD_VERSION);
  app.require_subcommand(1);

  std::string path, socket = "/run/synward/control.sock";
  // By hand: to the parser a word behind -- is like one before it, and a stray word is a mistake.
  char** const words_end = argv + argc;
  char** const dashes = std::find(argv, words_end, std::string_view{"--"});
  auto* run_command = app.add_subcommand("run", "Serve until SIGINT, SIGTERM or SIGHUP");
  run_command->add_option("-c,--config", path, "Config file (TOML)")->required();
  RunOptions options{.eal_arguments = {std::min(dashes + 1, words_end), words_end}};
  run_command
      ->add_option("--isa", options.isa,
                   "Instruction set of the kernels; auto: the widest that the CPU and EAL allow")
      ->check(CLI::IsMember(isa_choices()))
      ->capture_default_str();
  run_command->footer("Behind -- : arguments for DPDK's EAL, like -- --log-level=debug");

  auto* check = app.add_subcommand(
      "check", "Check a config and print it with its defaults; what has none and is not set is not printed");
  check->add_option("-c,--config", path, "Config file (TOML)")->required();

  bool json = false, watch = false;
  auto* stats = app.add_subcommand("stats", "What a running synward has counted");
  stats->add_option("--socket", socket, "Its control socket")
      ->envname("SYNWARD_SOCKET")
      ->capture_default_str();
  auto* for_programs =
      stats->add_flag("--json", json, "For programs: every counter and every reason, also of each core");
  stats->add_flag("--watch", watch, "Again every second, with rates, until Ctrl-C")->excludes(for_programs);

  std::string port_name;
  auto* port = app.add_subcommand("port", "A port of a running synward")->require_subcommand(1);
  auto* port_reset = port->add_subcommand(
      "reset", "Reset the port's device, as its driver would ask for by itself; connections stay");
  port_reset->add_option("NAME", port_name, "Name of the port in the config")->required();
  port_reset->add_option("--socket", socket, "Its control socket")
      ->envname("SYNWARD_SOCKET")
      ->capture_default_str();

  HandshakeOptions handshake_options;
  const auto& handshake = add_handshake_command(app, handshake_options);

  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    if (!options.eal_arguments.empty() && !run_command->parsed()) throw CLI::ExtrasError({"--"});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (run_command->parsed()) {
    run(load_or_exit(path), options);
  } else if (check->parsed()) {
    std::cout << config::to_toml(load_or_exit(path));
  } else if (handshake.parsed()) {
    return run_handshake_command(handshake_options);
  } else if (port_reset->parsed()) {
    reset_port(socket, port_name);
    std::cout << "port " << port_name << " works again\n";
  } else if (watch) {
    watch_stats(socket);
  } else {
    const auto answer = ask_stats(socket);
    std::cout << (json ? answer.dump(2) + "\n" : stats_text(answer));
  }
  return 0;
}

}  // namespace
}  // namespace synward::control

int main(int argc, char** argv) {
  try {
    return synward::control::dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "synward: " << error.what() << "\n";
    return 1;
  }
}
