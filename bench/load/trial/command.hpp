// The command line of a trial: `synward-load --device PORT --target ADDRESS:PORT --flood RATE --clients
// RATE`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace synward::load {

/// As it stands on the command line.
struct TrialOptions {
  std::string device, backend, mac, gateway, attack = "syn", arrivals = "poisson", request, expect, json,
                                             plot, pcap = "synward-load.pcapng";
  std::vector<std::string> targets, allowed_targets, source_prefixes, client_prefixes, assertions;
  double flood_rate = 0, client_rate = 0, seconds = 10, baseline_s = 5, recovery_s = 5, patience_s = 8;
  std::uint64_t max_packets = 1'000'000'000;
  std::uint32_t answer_bytes = 0;
  std::optional<std::uint64_t> seed;  // else one is drawn, and told
  bool first_byte = false, dry_run = false;
};

void add_trial_options(CLI::App& app, TrialOptions& options);
/// `eal`: what stands behind --. The exit code: run_trial()'s. Throws std::invalid_argument when the options
/// make no plan, std::runtime_error when something cannot be done; one sentence.
[[nodiscard]] int run_trial_command(const TrialOptions& options, const std::vector<std::string>& eal);

}  // namespace synward::load
