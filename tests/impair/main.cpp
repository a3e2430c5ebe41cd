// impair: a cable between two interfaces that loses, repeats, reorders, corrupts and delays, for tests on
// kernels without netem. Prints "ready" when it bridges, and at SIGTERM or SIGINT its counts as one line of
// JSON. Exit codes: 0 stopped as told, 1 something could not be done, 2 the command line is wrong.
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/signalfd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/impair/bridge.hpp"
#include "tests/impair/impairment.hpp"
#include "tests/impair/rule.hpp"

namespace synward::impair {
namespace {

constexpr int kWrongUsage = 2;

struct Options {
  std::string a, b, toward;
  double lose = 0, duplicate = 0, reorder = 0, corrupt = 0, delay_ms = 0;
  std::size_t most_queued = 20'000;
  Settings settings;
};

Settings settings_of(const Options& options) {
  Settings settings = options.settings;
  settings.chances = {.lose = options.lose / 100,
                      .duplicate = options.duplicate / 100,
                      .reorder = options.reorder / 100,
                      .corrupt = options.corrupt / 100};
  if (!options.toward.empty()) settings.only = options.toward == "B" ? Direction::kAToB : Direction::kBToA;
  settings.delay = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>{options.delay_ms});
  return settings;
}

/// A descriptor that can be read once somebody wants the program to end.
int stop_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
  if (descriptor < 0) throw std::runtime_error("no signalfd");
  return descriptor;
}

nlohmann::ordered_json to_json(const Counts& counts) {
  nlohmann::ordered_json object;
  for (const auto& row : kCounts) object[std::string{row.label}] = counts[row.value];
  return object;
}

int run(const Options& options) {
  const int stop = stop_signal();
  Bridge bridge{options.a, options.b, settings_of(options), options.most_queued};
  std::cout << "ready" << std::endl;
  bridge.run(stop);
  nlohmann::ordered_json counts;
  counts["ab"] = to_json(bridge.counts(Direction::kAToB));
  counts["ba"] = to_json(bridge.counts(Direction::kBToA));
  std::cout << counts.dump() << std::endl;
  return 0;
}

void add_percent(CLI::App& app, const std::string& name, double& percent, const std::string& what) {
  app.add_option(name, percent, "Percent of the frames " + what)
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("PERCENT");
}

void add_rules(CLI::App& app, const std::string& name, Action action, Settings& settings,
               const std::string& what) {
  const auto take = [action, name, &settings](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      try {
        settings.rules.push_back(parse_rule(action, text));
      } catch (const std::invalid_argument& refusal) {
        throw CLI::ValidationError(name, refusal.what());
      }
    }
  };
  app.add_option_function<std::vector<std::string>>(name, take, what)
      ->type_name(action == Action::kDelay ? "DIRECTION:KIND:N:MS" : "DIRECTION:KIND:N")
      ->allow_extra_args(false);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("A", options.a, "An interface, up")->required();
  app.add_option("B", options.b, "The other one")->required();
  app.add_option("--seed", options.settings.seed, "Of all chances")->capture_default_str();
  add_percent(app, "--lose", options.lose, "vanish");
  add_percent(app, "--duplicate", options.duplicate, "come twice");
  add_percent(app, "--reorder", options.reorder, "are kept back for 1 to 5 ms, so that others overtake them");
  add_percent(app, "--corrupt", options.corrupt, "have one bit of their IP packet flipped");
  app.add_option("--toward", options.toward, "The percentages hold for what goes there; else for all")
      ->check(CLI::IsMember({"A", "B"}));
  app.add_option("--delay", options.delay_ms, "Milliseconds that every frame takes, in both directions")
      ->check(CLI::Range(0.0, 60'000.0));
  app.add_option("--queue", options.most_queued, "Frames that wait at most, in each direction")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  Settings& settings = options.settings;
  add_rules(app, "--drop", Action::kDrop, settings, "This segment vanishes; may be repeated");
  add_rules(app, "--duplicate-nth", Action::kDuplicate, settings, "It comes twice");
  add_rules(app, "--corrupt-nth", Action::kCorrupt, settings, "One bit of its IP packet flips");
  add_rules(app, "--delay-nth", Action::kDelay, settings, "It is kept back for so many milliseconds");
}

int dispatch(int argc, char** argv) {
  CLI::App app{"Bridges two interfaces and impairs what passes, as the seed has it."};
  std::string kinds = "DIRECTION is ab, from A to B, or ba. The N-th segment of its KIND, from 1:\n";
  for (const auto& row : kKinds) kinds += "  " + std::string{row.label} + ": " + std::string{row.help} + "\n";
  app.footer(kinds);
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
    if (options.a == options.b) throw CLI::ValidationError("B", "a cable has two ends; A and B are one");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return run(options);
}

}  // namespace
}  // namespace synward::impair

int main(int argc, char** argv) {
  try {
    return synward::impair::dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "impair: " << error.what() << "\n";
    return 1;
  }
}
