// synward's command line. Exit codes: 0 done, 1 it could not be done, 2 the command line or the config is
// wrong.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "config/json_schema.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "config/reference.hpp"
#include "control/control_client.hpp"
#include "control/doctor/doctor.hpp"
#include "control/drain_command.hpp"
#include "control/handshake_command.hpp"
#include "control/keys_command.hpp"
#include "control/launch.hpp"
#include "control/log.hpp"
#include "control/reload.hpp"
#include "control/stats_report.hpp"
#include "control/stats_watch.hpp"
#include "control/top.hpp"
#include "control/trace/command.hpp"

namespace synward::control {
namespace {

constexpr int kWrongUsage = 2;

/// The config in `path`, or exit code 2 with every error on stderr.
config::Config load_or_exit(const std::string& path) {
  auto [config, errors] = config::load(path);
  for (const auto& error : errors) std::cerr << error_prefix() << error << "\n";
  if (!errors.empty()) std::exit(kWrongUsage);
  return config;
}

int tell_health(const nlohmann::json& health) {
  if (health.at("healthy").get<bool>()) std::cout << "healthy\n";
  for (const auto& reason : health.at("reasons")) std::cout << reason.get<std::string>() << "\n";
  return health.at("healthy").get<bool>() ? 0 : 1;
}

int tell_reload(const nlohmann::json& reload) {
  const std::string outcome = reload.at("outcome");
  const bool done = outcome == "applied" || outcome == "unchanged";
  (done ? std::cout : std::cerr) << reload_text(reload);
  if (done) return 0;
  return outcome == "invalid" ? kWrongUsage : 1;
}

int dispatch(int argc, char** argv) {
  CLI::App app{"Keeps TCP services reachable under SYN floods."};
  app.set_version_flag("--version", std::string{"synward "} + SYNWARD_VERSION);
  app.require_subcommand(1);

  std::string path, socket = "/run/synward/control.sock";
  // By hand: to the parser a word behind -- is like one before it, and a stray word is a mistake.
  char** const words_end = argv + argc;
  char** const dashes = std::find(argv, words_end, std::string_view{"--"});
  auto* run_command =
      app.add_subcommand("run", "Serve until SIGINT or SIGTERM; SIGHUP: read the config anew");
  run_command->add_option("-c,--config", path, "Config file (TOML)")->required();
  RunOptions options{.eal_arguments = {std::min(dashes + 1, words_end), words_end}};
  run_command
      ->add_option("--isa", options.isa,
                   "Instruction set of the kernels; auto: the widest that the CPU and EAL allow")
      ->check(CLI::IsMember(isa_choices()))
      ->capture_default_str();
  run_command->footer("Behind -- : arguments for DPDK's EAL, like -- --log-level=debug");

  bool schema = false, reference = false;
  auto* check = app.add_subcommand(
      "check", "Check a config, and print every setting that is in force, defaults included");
  auto* checked = check->add_option_group("what")->require_option(1);
  checked->add_option("-c,--config", path, "Config file (TOML)");
  checked->add_flag("--schema", schema, "Of any config: JSON Schema, for editors");
  checked->add_flag("--reference", reference, "Of any config: every setting, for people (Markdown)");

  doctor::Options doctor_options;
  auto* doctor_command = app.add_subcommand(
      "doctor", "Whether this machine is as a config wants it, and the command that mends what is not");
  doctor_command->add_option("-c,--config", doctor_options.config,
                             std::string{"Config file (TOML); unless told "} + doctor::kUsualConfig +
                                 ", or, where that is not, the machine in general");
  doctor_command->add_flag("--json", doctor_options.json,
                           "For programs: an array of {check, state, text, command}");
  doctor_command->footer("It changes nothing. Exit code: 1 when a line says fail");

  bool json = false, watch = false;
  const auto add_socket = [&socket](CLI::App& command) {
    command.add_option("--socket", socket, "Its control socket")
        ->envname("SYNWARD_SOCKET")
        ->capture_default_str();
  };
  auto* stats = app.add_subcommand("stats", "What a running synward has counted");
  add_socket(*stats);
  auto* for_programs =
      stats->add_flag("--json", json, "For programs: every counter and every reason, also of each core");
  stats->add_flag("--watch", watch, "Again every second, with rates, until Ctrl-C")->excludes(for_programs);

  TopOptions top_options;
  auto* top = app.add_subcommand("top", "A screen to leave open: what a running synward does, and who to");
  add_socket(*top);
  top->add_option("--interval", top_options.interval_s, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  top->add_flag("--once", top_options.once, "For scripts: one screen as plain text, after an interval");

  std::string port_name;
  auto* port = app.add_subcommand("port", "A port of a running synward")->require_subcommand(1);
  auto* port_reset = port->add_subcommand(
      "reset", "Reset the port's device, as its driver would ask for by itself; connections stay");
  port_reset->add_option("NAME", port_name, "Name of the port in the config")->required();
  add_socket(*port_reset);

  const auto* health = app.add_subcommand("health", "Whether a running synward can be used; exit code 1: no");
  add_socket(*app.get_subcommand("health"));
  auto* drain = app.add_subcommand(
      "drain", "No new connections; wait until those that there are have ended. Exit code 1: some are left");
  add_socket(*drain);
  std::uint32_t drain_limit_s = 0;
  bool undo = false;
  constexpr std::uint32_t kWeek = 7 * 24 * 3600;
  auto* limit = drain->add_option("--wait", drain_limit_s, "Seconds to wait for them; 0: as long as it takes")
                    ->check(CLI::Range(0u, kWeek));
  drain->add_flag("--undo", undo, "New connections again")->excludes(limit);

  const auto* reload = app.add_subcommand(
      "reload", "Have a running synward read its config anew; all of it is taken over, or nothing");
  add_socket(*app.get_subcommand("reload"));

  TraceOptions trace_options;
  auto& trace = add_trace_command(app, trace_options);
  add_socket(trace);

  KeysOptions keys_options;
  const auto& keys = add_keys_command(app, keys_options);

  HandshakeOptions handshake_options;
  const auto& handshake = add_handshake_command(app, handshake_options);

  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    if (!options.eal_arguments.empty() && !run_command->parsed()) throw CLI::ExtrasError({"--"});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (run_command->parsed()) {
    begin_log();
    run(path, load_or_exit(path), options);
  } else if (check->parsed()) {
    if (schema) {
      std::cout << config::json_schema();
    } else if (reference) {
      std::cout << config::reference();
    } else {
      std::cout << config::to_toml(load_or_exit(path));
    }
  } else if (doctor_command->parsed()) {
    return doctor::run(doctor_options);
  } else if (keys.parsed()) {
    run_keys_command(keys, keys_options);
  } else if (handshake.parsed()) {
    return run_handshake_command(handshake_options);
  } else if (port_reset->parsed()) {
    reset_port(socket, port_name);
    std::cout << "port " << port_name << " works again\n";
  } else if (reload->parsed()) {
    return tell_reload(ask_to_reload(socket));
  } else if (health->parsed()) {
    return tell_health(ask_health(socket));
  } else if (undo) {
    ask_to_drain(socket, false);
  } else if (drain->parsed()) {
    return drain_and_wait(socket, std::chrono::seconds{drain_limit_s == 0 ? kWeek : drain_limit_s}) ? 0 : 1;
  } else if (top->parsed()) {
    top_options.socket = socket;
    run_top(top_options);
  } else if (trace.parsed()) {
    run_trace_command(socket, trace_options);
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
    std::cerr << synward::control::error_prefix() << "synward: " << error.what() << "\n";
    return 1;
  }
}
