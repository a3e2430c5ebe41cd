// synward-load's command line: without a subcommand, a trial over a port of DPDK's (trial/). `flood` and
// `connect` load a service by this machine's kernel, `demo` does both to a running synward and shows what
// comes of it, `lab` is the demo in one process. Whatever they send is bounded: rate times seconds. Exit
// codes: 0 done and all is well, 1 clients failed or something could not be done, 2 the command line is
// wrong.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/load/flood.hpp"
#include "bench/load/kernel_clients.hpp"
#include "bench/load/lab.hpp"
#include "bench/load/neighbor.hpp"
#include "bench/load/report.hpp"
#include "bench/load/safe_port.hpp"
#include "bench/load/show.hpp"
#include "bench/load/trial/command.hpp"
#include "control/control_client.hpp"

namespace synward::load {
namespace {

constexpr int kWrongUsage = 2;

/// All options of all subcommands; each takes what it needs.
struct Options {
  std::string interface, sources, mac, socket = "/run/synward/control.sock", kind = "syn";
  std::vector<std::string> targets;
  double flood_rate = 20'000, client_rate = 100, seconds = 12, patience_s = 3, stay_s = 0.5;
  std::uint16_t client_port = 0;  // 0: the service's
  bool json = false, dry_run = false;
};

/// What CLI11 shows when `parse` refuses the text; empty when it does not.
template <typename Parse>
CLI::Validator accepted_by(Parse parse) {
  const auto check = [parse](const std::string& text) -> std::string {
    try {
      (void)parse(text);
      return "";
    } catch (const std::invalid_argument& refusal) {
      return refusal.what();
    }
  };
  return {check, ""};
}

std::vector<Target> targets_of(const Options& options) {
  std::vector<Target> targets;
  targets.reserve(options.targets.size());
  for (const auto& text : options.targets) targets.push_back(Target::parse(text));
  return targets;
}

FloodSettings flood_settings(const Options& options) {
  (void)safe_port("net_af_packet0,iface=" + options.interface);
  FloodSettings settings{.interface = options.interface,
                         .rate = options.flood_rate,
                         .seconds = options.seconds,
                         .mix = AttackMix::parse(options.kind)};
  settings.targets = targets_of(options);
  if (!options.sources.empty()) settings.sources = SourcePrefix::parse(options.sources);
  if (!options.mac.empty()) settings.mac = parse_mac(options.mac);
  return settings;
}

ClientSettings client_settings(const Options& options) {
  ClientSettings settings{.targets = targets_of(options),
                          .rate = options.client_rate,
                          .seconds = options.seconds,
                          .patience_s = options.patience_s,
                          .stay_s = options.stay_s};
  for (Target& target : settings.targets) {
    if (options.client_port != 0) target = target.with_port(wire::Port{options.client_port});
  }
  return settings;
}

LabSettings lab_settings(const Options& options) {
  LabSettings settings{.flood_rate = options.flood_rate,
                       .client_rate = options.client_rate,
                       .seconds = options.seconds,
                       .patience_s = options.patience_s,
                       .stay_s = options.stay_s};
  if (options.client_port != 0) settings.client_port = wire::Port{options.client_port};
  return settings;
}

/// Runs `load` in a thread of its own, prints its report every second while it does, and once more at the
/// end.
template <typename Load>
auto run_and_report(Load& load, bool json) {
  const auto print = [json](const auto& report, bool final) {
    auto line = to_json(report);
    line["final"] = final;
    std::cout << (json ? line.dump() : text_of(report)) << std::endl;
  };
  std::atomic<bool> over{false};
  std::thread thread{[&] {
    load.run();
    over = true;
    over.notify_all();
  }};
  constexpr int kGlancesPerSecond = 50;
  for (int glance = 1; !over; ++glance) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1000 / kGlancesPerSecond});
    if (glance % kGlancesPerSecond == 0) print(load.report(), false);
  }
  thread.join();
  auto report = load.report();
  print(report, true);
  return report;
}

int run_flood(const Options& options) {
  Flood flood{flood_settings(options)};
  run_and_report(flood, options.json);
  return 0;
}

int run_connect(const Options& options) {
  KernelClients clients{client_settings(options)};
  const auto report = run_and_report(clients, options.json);
  return report.closed == report.started ? 0 : 1;
}

int run_demo(const Options& options) {
  (void)control::ask_stats(options.socket);  // before any SYN: is it there at all?
  Flood flood{flood_settings(options)};
  KernelClients clients{client_settings(options)};
  std::atomic<int> running{2};
  std::thread flooding{[&] { flood.run(), --running; }}, connecting{[&] { clients.run(), --running; }};
  const auto stats = [&] { return control::ask_stats(options.socket); };
  const Source source{.now =
                          [&] {
                            return Moment{flood.report(), clients.report(), stats()};
                          },
                      .stats = stats,
                      .is_over = [&] { return running == 0; }};
  int code = 1;
  try {
    code = show(source);
  } catch (const std::exception& gone) {
    std::cerr << "synward-load: " << gone.what() << std::endl;
    std::_Exit(1);  // the threads would go on until their time is over
  }
  flooding.join();
  connecting.join();
  return code;
}

void add_targets(CLI::App& command, Options& options) {
  command.add_option("--target", options.targets, "ADDRESS:PORT, also several of them, in turn")
      ->required()
      ->check(accepted_by([](const std::string& text) { return Target::parse(text); }));
}
void add_seconds(CLI::App& command, Options& options) {
  command.add_option("--seconds", options.seconds, "How long clients start, and the flood lasts")
      ->check(CLI::Range(0.1, 3'600.0))
      ->capture_default_str();
}
void add_rate(CLI::App& command, const std::string& name, double& rate, const std::string& what) {
  command.add_option(name, rate, what)->check(CLI::Range(1.0, 1e7))->capture_default_str();
}
void add_flood_options(CLI::App& command, Options& options) {
  command.add_option("--interface", options.interface, "The SYNs leave by it")->required();
  command
      .add_option("--source", options.sources,
                  "Where they claim to come from (default: 198.19.0.0/16 or 2001:2:0:8000::/49)")
      ->check(accepted_by(SourcePrefix::parse));
  command.add_option("--mac", options.mac, "Of the target's station; else it is resolved")
      ->check(accepted_by(parse_mac));
}
void add_client_options(CLI::App& command, Options& options) {
  command
      .add_option("--patience", options.patience_s,
                  "Seconds that a client waits to connect, and again to close")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command.add_option("--stay", options.stay_s, "Seconds that a client stays connected")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
}
void add_demo_options(CLI::App& command, Options& options) {
  add_client_options(command, options);
  add_rate(command, "--flood-rate", options.flood_rate, "SYNs per second");
  add_rate(command, "--client-rate", options.client_rate, "Real connections per second");
  add_seconds(command, options);
  command
      .add_option("--client-port", options.client_port,
                  "Clients connect there instead: nobody serves it, so this shows what failing looks like")
      ->check(CLI::Range(1, 65535));
}

int dispatch(int argc, char** argv) {
  CLI::App app{
      "What clients of a TCP service experience under a SYN flood: both at once, over a port of DPDK's.\nA "
      "tool for laboratories, and for systems of your own: " +
      std::string{kAllowedTargets} + "; " + kAllowedSources + "."};
  app.footer(
      "synward-load --device PORT --target ADDRESS:PORT --flood RATE --clients RATE [OPTIONS] [-- EAL "
      "ARGUMENTS]");
  app.require_subcommand(0, 1);
  Options options;
  TrialOptions trial;
  add_trial_options(app, trial);

  auto& flood = *app.add_subcommand(
      "flood", "From spoofed addresses at a rate: SYNs as Linux, macOS and Windows send them, or others");
  add_targets(flood, options);
  add_flood_options(flood, options);
  add_rate(flood, "--rate", options.flood_rate, "Segments per second");
  flood.add_option("--kind", options.kind, "What it is made of, as --attack of a trial has it")
      ->check(accepted_by(AttackMix::parse))
      ->capture_default_str();
  add_seconds(flood, options);
  flood.add_flag("--json", options.json, "One JSON object a line, for programs");

  auto& connect =
      *app.add_subcommand("connect", "Real connections of this machine's kernel, at their intended times");
  add_targets(connect, options);
  add_client_options(connect, options);
  add_rate(connect, "--rate", options.client_rate, "Connections per second");
  add_seconds(connect, options);
  connect.add_flag("--json", options.json, "One JSON object a line, for programs");

  auto& demo =
      *app.add_subcommand("demo", "Both at once against a running synward, and what it makes of them");
  add_targets(demo, options);
  add_flood_options(demo, options);
  add_demo_options(demo, options);
  demo.add_option("--socket", options.socket, "synward's control socket")
      ->envname("SYNWARD_SOCKET")
      ->capture_default_str();

  auto& lab = *app.add_subcommand(
      "lab", "The same in one process, without root: synward, a flood and clients in memory");
  add_demo_options(lab, options);
  lab.add_flag("--dry-run", options.dry_run, "Only say what is wrong with the options");

  // What stands behind -- is EAL's.
  char** const dashes =
      std::find_if(argv, argv + argc, [](const char* word) { return std::string{word} == "--"; });
  const std::vector<std::string> eal(std::min(dashes + 1, argv + argc), argv + argc);
  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    if (!eal.empty() && !app.get_subcommands().empty()) throw CLI::ExtrasError({"--"});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (flood.parsed()) return run_flood(options);
  if (connect.parsed()) return run_connect(options);
  if (lab.parsed()) return options.dry_run ? 0 : run_lab(lab_settings(options));
  if (demo.parsed()) return run_demo(options);
  return run_trial_command(trial, eal);
}

}  // namespace
}  // namespace synward::load

int main(int argc, char** argv) {
  try {
    return synward::load::dispatch(argc, argv);
  } catch (const std::invalid_argument& refusal) {
    std::cerr << "synward-load: " << refusal.what() << "\n";
    return synward::load::kWrongUsage;
  } catch (const std::exception& error) {
    std::cerr << "synward-load: " << error.what() << "\n";
    return 1;
  }
}
