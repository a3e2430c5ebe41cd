#include "control/handshake_command.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <random>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/handshake/ladder.hpp"
#include "control/handshake/pcap_file.hpp"

namespace synward::control {
namespace {

using handshake::State;

constexpr std::uint32_t kMaxDrops = 1000;

/// "SYNACK:2": the first two SYN-ACKs. Nullopt for anything else.
std::optional<Loss> parse_loss(std::string_view text) {
  constexpr struct {
    std::string_view name;
    SegmentKind kind;
  } kKinds[] = {{"SYN", SegmentKind::kSyn}, {"SYNACK", SegmentKind::kSynAck}, {"ACK", SegmentKind::kAck}};
  const auto colon = std::min(text.find(':'), text.size());
  std::uint32_t count = 1;
  if (colon != text.size()) {
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, count);
    if (error != std::errc{} || stopped != end || count == 0 || count > kMaxDrops) return std::nullopt;
  }
  for (const auto& [name, kind] : kKinds) {
    if (text.substr(0, colon) == name) return Loss{kind, count};
  }
  return std::nullopt;
}

/// What CLI11 shows when the text is wrong; empty when it is right.
std::string check_loss(const std::string& text) {
  return parse_loss(text) ? "" : fmt::format("{}: give SYN, SYNACK or ACK, or with a count, SYN:3", text);
}

Scenario scenario_of(const HandshakeOptions& options) {
  Scenario scenario = options.scenario;
  auto& client = scenario.client;
  if (options.no_window_scale) client.window_scale.reset();
  client.timestamps = !options.no_timestamps;
  client.sack = !options.no_sack;
  scenario.server.mss = options.ipv6 ? 1440 : 1460;
  client.mss = options.mss.value_or(scenario.server.mss);
  client.family = scenario.server.family = options.ipv6 ? wire::Family::kIpv6 : wire::Family::kIpv4;
  scenario.server.retries = handshake::kSynAckRetries;
  scenario.latency_us = std::uint64_t{options.latency_ms} * 1000;
  scenario.seed = options.seed ? *options.seed : std::random_device{}();
  for (const auto& text : options.drop) scenario.losses.push_back(*parse_loss(text));
  return scenario;
}

LadderStyle style_for_stdout(bool bytes) {
  LadderStyle style{.bytes = bytes};
  winsize window{};
  if (isatty(STDOUT_FILENO) == 1) {
    style.color = std::getenv("NO_COLOR") == nullptr;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col != 0) style.columns = window.ws_col;
  }
  return style;
}

void write_capture(const Story& story, const std::string& path) {
  PcapFile capture{path};
  for (const Flight& flight : story.flights) capture.add(flight.sent_us, flight.frame);
  capture.close();
}

}  // namespace

CLI::App& add_handshake_command(CLI::App& app, HandshakeOptions& options) {
  auto& command = *app.add_subcommand("handshake", "Draw a three-way handshake, segment by segment");
  auto& client = options.scenario.client;
  command.add_option("--mss", options.mss, "The client's MSS, 1460 or 1440 unless told")
      ->check(CLI::Range(1, 65535));
  command.add_option("--wscale", client.window_scale, "The client's window scale, 7 unless told")
      ->check(CLI::Range(0, 14));
  command.add_flag("--no-wscale", options.no_window_scale, "The client offers no window scale")
      ->excludes("--wscale");
  command.add_flag("--no-timestamps", options.no_timestamps, "The client offers no timestamps");
  command.add_flag("--no-sack", options.no_sack, "The client offers no selective acknowledgments");
  command.add_flag("--ipv6", options.ipv6, "Over IPv6");
  command.add_flag("--simultaneous", options.scenario.simultaneous, "Both ends open at the same time");
  command.add_option("--drop", options.drop, "Lose the first SYN, SYNACK or ACK, or with :N the first N")
      ->check(check_loss, "KIND[:N]");
  command.add_option("--data", options.scenario.text_bytes, "Bytes that the client then sends")
      ->check(CLI::Range(0, 1'000'000));
  command.add_option("--latency", options.latency_ms, "Of the wire, one way, in ms")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of both ends' secrets: the same seed, the same numbers");
  command.add_option("--isn-client", options.scenario.client_isn, "Instead of a secret one");
  command.add_option("--isn-server", options.scenario.server_isn, "Instead of a secret one");
  command.add_flag("--bytes", options.bytes, "Show the bytes of every frame, field by field");
  command.add_option("--pcap", options.pcap, "Write all frames, lost ones too, to a capture file");
  return command;
}

int run_handshake_command(const HandshakeOptions& options) {
  const Scenario scenario = scenario_of(options);
  const Story story = simulate(scenario);
  fmt::print("{}", draw_ladder(story, style_for_stdout(options.bytes)));
  if (!options.seed) fmt::print("again with: --seed {}\n", scenario.seed);
  if (!options.pcap.empty()) write_capture(story, options.pcap);
  const auto established = [](const handshake::Tcb& tcb) { return tcb.state == State::kEstablished; };
  return established(story.at_last[kClient]) && established(story.at_last[kServer]) ? 0 : 1;
}

}  // namespace synward::control
