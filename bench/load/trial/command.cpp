#include "bench/load/trial/command.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/load/neighbor.hpp"
#include "bench/load/trial/assertion.hpp"
#include "bench/load/trial/dry_run.hpp"
#include "bench/load/trial/trial.hpp"
#include "control/random_value.hpp"

namespace synward::load {
namespace {

constexpr double kMostPerSecond = 2e8, kMostSeconds = 24 * 3600;
constexpr std::uint32_t kMostAnswerBytes = 16 << 20;

std::uint64_t microseconds(double seconds) { return static_cast<std::uint64_t>(seconds * 1e6); }

/// "\r", "\n", "\t", "\0", "\\" and "\xHH" as they are meant.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      plain += text[at];
      continue;
    }
    const char letter = ++at < text.size() ? text[at] : ' ';
    if (letter == 'x' && at + 2 < text.size() && std::isxdigit(text[at + 1]) != 0 &&
        std::isxdigit(text[at + 2]) != 0) {
      plain += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
      at += 2;
      continue;
    }
    constexpr std::string_view kLetters = "rnt0\\";
    constexpr std::string_view kMeanings{"\r\n\t\0\\", 5};
    const auto which = kLetters.find(letter);
    if (which == std::string_view::npos)
      throw std::invalid_argument(text + R"(: behind a \ stands r, n, t, 0, \ or xHH)");
    plain += kMeanings[which];
  }
  return plain;
}

ClientManners manners_of(const TrialOptions& options) {
  ClientManners manners{.request = unescaped(options.request),
                        .asks = options.first_byte || !options.request.empty() || !options.expect.empty() ||
                                options.answer_bytes != 0,
                        .expect = unescaped(options.expect),
                        .answer_bytes = options.answer_bytes,
                        .patience_us = microseconds(options.patience_s)};
  if (manners.request.size() > kMaxRequestBytes)
    throw std::invalid_argument(fmt::format("--request has {} bytes, at most {} are allowed",
                                            manners.request.size(), kMaxRequestBytes));
  return manners;
}

/// Says what clients that wait for something want to hear.
BackendManners backend_for(const ClientManners& clients) {
  if (!clients.asks) return {};
  std::string answer = clients.expect;
  answer.resize(std::max<std::size_t>({answer.size(), clients.answer_bytes, 1}), '.');
  return {.answer = answer, .speaks_first = clients.request.empty()};
}

TrialPlan plan_of(const TrialOptions& options) {
  if (options.device.empty())
    throw std::invalid_argument("--device is missing: the port by which it all leaves");
  TrialPlan plan{.device = options.device, .backend = options.backend};
  std::vector<wire::Prefix> allowed;
  for (const auto& text : options.allowed_targets) allowed.push_back(parse_prefix(text));
  for (const auto& text : options.targets) plan.targets.push_back(Target::parse(text, allowed));
  for (const auto& text : options.source_prefixes) plan.attack_sources.push_back(SourcePrefix::parse(text));
  for (const auto& text : options.client_prefixes) plan.client_sources.push_back(SourcePrefix::parse(text));
  if (!options.mac.empty()) plan.mac = parse_mac(options.mac);
  if (!options.gateway.empty()) plan.gateway = parse_prefix(options.gateway).address;
  plan.mix = AttackMix::parse(options.attack);
  plan.flood_rate = options.flood_rate;
  plan.client_rate = options.client_rate;
  plan.arrivals = options.arrivals == "constant" ? Arrivals::kConstant : Arrivals::kPoisson;
  plan.timeline = {.baseline_us = microseconds(options.baseline_s),
                   .attack_us = microseconds(options.seconds),
                   .recovery_us = microseconds(options.recovery_s)};
  plan.manners = manners_of(options);
  plan.backend_manners = backend_for(plan.manners);
  plan.max_packets = options.max_packets;
  plan.seed = options.seed ? *options.seed : control::random_value<std::uint32_t>();
  check(plan);
  return plan;
}

}  // namespace

void add_trial_options(CLI::App& app, TrialOptions& options) {
  const auto seconds = [&](const std::string& name, double& value, const std::string& help) {
    app.add_option(name, value, help)->check(CLI::Range(0.0, kMostSeconds))->capture_default_str();
  };
  const auto rate = [&](const std::string& name, double& value, const std::string& help) {
    app.add_option(name, value, help)->check(CLI::Range(0.0, kMostPerSecond))->capture_default_str();
  };
  app.option_defaults()->group("What is loaded");
  app.add_option("--target", options.targets, "ADDRESS:PORT, also several of them, in turn");
  app.add_option("--device", options.device,
                 "The port: a PCI address, MAC address or interface of a NIC that DPDK has, or a device of "
                 "DPDK's, like net_af_packet0,iface=eth1");
  app.add_option(
      "--backend", options.backend,
      "A second port, behind a defence that stands in the cable: the targets are played there, and "
      "answer as the clients expect");
  app.add_option("--mac", options.mac, "Of the targets' station; else each is asked for on the link");
  app.add_option("--gateway", options.gateway, "Asked for in their place, when they lie behind it");
  app.add_option("--allow-target", options.allowed_targets,
                 "A network of your own that is neither private nor for benchmarks: ADDRESS/BITS");

  app.option_defaults()->group("The attack");
  rate("--flood", options.flood_rate, "Segments per second; 0: none");
  app.add_option("--attack", options.attack,
                 "KIND or KIND=WEIGHT, several with commas between them, or mixed; the kinds: syn, odd-syn, "
                 "ack, replay, rst, fin, syn-ack")
      ->capture_default_str();
  app.add_option("--source-prefix", options.source_prefixes,
                 "Where it claims to come from, one for each family (default: 198.19.0.0/16, "
                 "2001:2:0:8000::/49)");

  app.option_defaults()->group("The clients");
  rate("--clients", options.client_rate, "Connections begun per second, whatever becomes of others; 0: none");
  app.add_option("--arrivals", options.arrivals, "At random times or at equal distances")
      ->check(CLI::IsMember({"poisson", "constant"}))
      ->capture_default_str();
  app.add_option(
      "--request", options.request,
      R"(What each says when it is connected, like 'GET / HTTP/1.0\r\n\r\n'; it waits for an answer)");
  app.add_option("--expect", options.expect, "What the answer must begin with");
  app.add_option("--answer-bytes", options.answer_bytes,
                 "How long the answer must be; 0: its beginning will do")
      ->check(CLI::Range(std::uint32_t{0}, kMostAnswerBytes))
      ->capture_default_str();
  app.add_flag("--first-byte", options.first_byte, "Wait for what the server says first");
  seconds("--patience", options.patience_s,
          "How long a client waits in all, sending SYNs after 0, 1, 3, 7 s");
  app.add_option("--client-prefix", options.client_prefixes,
                 "Where they come from, one for each family (default: 198.18.64.0/24, 2001:2:0:4000::/64)");

  app.option_defaults()->group("The trial");
  seconds("--duration", options.seconds, "Seconds of attack");
  seconds("--baseline", options.baseline_s, "Seconds before it, clients alone");
  seconds("--recovery", options.recovery_s, "Seconds after it, clients alone");
  app.add_option("--max-packets", options.max_packets, "Ends it when so many were sent")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "The same number, the same frames at the same times");
  app.add_flag("--dry-run", options.dry_run, "Only print the plan, and write 64 of its frames to --pcap");
  app.add_option("--pcap", options.pcap, "Where --dry-run writes")->capture_default_str();

  app.option_defaults()->group("The report");
  app.add_option("--json", options.json, "All of it, for programs, to this file; -: to standard output");
  app.add_option("--plot", options.plot, "Success and latency over time, to this SVG file");
  app.add_option("--assert", options.assertions,
                 "The exit code is 1 unless it holds, like 'success>=99.9' or 'p99<5ms'; also several.\n" +
                     Assertion::help());
  app.option_defaults()->group("Options");
}

int run_trial_command(const TrialOptions& options, const std::vector<std::string>& eal) {
  const TrialPlan plan = plan_of(options);
  if (!options.dry_run)
    return run_trial(plan, {.json = options.json, .plot = options.plot, .assertions = options.assertions},
                     eal);
  for (const auto& text : options.assertions) (void)Assertion::parse(text);
  const std::size_t frames = write_dry_run(plan, options.pcap);
  std::cout << text_of(plan) << frames << " of its frames are in " << options.pcap << "; nothing was sent\n";
  return 0;
}

}  // namespace synward::load
