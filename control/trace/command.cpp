#include "control/trace/command.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/control_client.hpp"
#include "control/trace/pcapng.hpp"
#include "control/trace/tracing.hpp"

namespace synward::control {
namespace {

constexpr timespec kBetween{0, 50'000'000};

std::vector<std::byte> bytes_of(const std::string& hexadecimal) {
  std::vector<std::byte> bytes;
  const auto digit = [](char letter) { return letter <= '9' ? letter - '0' : letter - 'a' + 10; };
  for (std::size_t n = 0; n + 1 < hexadecimal.size(); n += 2)
    bytes.push_back(static_cast<std::byte>(digit(hexadecimal[n]) << 4 | digit(hexadecimal[n + 1])));
  return bytes;
}

std::uint64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds{now}.count());
}

/// "drop bad_cookie", "send".
std::string verdict_text(const nlohmann::json& packet) {
  std::string text = packet.at("verdict");
  if (!packet.at("reason").is_null()) text += " " + packet.at("reason").get<std::string>();
  return text;
}

void capture(Pcapng& file, const nlohmann::json& packet) {
  const auto frame = bytes_of(packet.at("frame"));
  const std::string verdict = verdict_text(packet), why = packet.at("why");
  file.write({.port = packet.at("port"),
              .wall_ns = packet.at("wall_ns"),
              .kept = frame,
              .bytes = packet.at("bytes"),
              .direction = Pcapng::Direction::kInbound,
              .comment = verdict + ": " + why});
  if (packet.at("answer").is_null()) return;
  const auto answer = bytes_of(packet.at("answer"));
  file.write({.port = packet.at("answer_port"),
              .wall_ns = packet.at("wall_ns"),
              .kept = answer,
              .bytes = packet.at("answer_bytes"),
              .direction = Pcapng::Direction::kOutbound,
              .comment = "of the packet before: " + why});
}

/// Signals that end a program end this one between two packets, so that a capture is whole.
class Ending {
 public:
  Ending() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  /// Whether one came, within this time.
  [[nodiscard]] bool came_within(const timespec& limit) const {
    return sigtimedwait(&signals_, nullptr, &limit) > 0;
  }

 private:
  sigset_t signals_{};
};

}  // namespace

CLI::App& add_trace_command(CLI::App& app, TraceOptions& options) {
  CLI::App* trace =
      app.add_subcommand("trace", "Packets that a running synward sees: what became of each, and why");
  trace->add_option("--service", options.wanted.service, "Of this service, by its name in the config");
  trace->add_option("--reason", options.wanted.reasons,
                    "Dropped for this reason, a label of `synward stats --json`; or send, forward, hold or "
                    "drop, whatever the reason. Several: any of them");
  trace->add_option("--client", options.wanted.client,
                    "Of this client, or of this prefix, in both directions");
  trace->add_option("--count", options.count, "So many, and then end; 0: until Ctrl-C")
      ->capture_default_str();
  trace->add_option("--pcap", options.pcap,
                    "Also into this file, for Wireshark (pcapng), the verdict as each packet's comment; - : "
                    "to stdout, and no text");
  trace->footer(
      "It shows samples: what comes while 256 of them wait to be shown is only counted. Each has its "
      "first 256 bytes.");
  return *trace;
}

std::string trace_text(const nlohmann::json& packet) {
  const std::uint64_t ns = packet.at("wall_ns");
  const auto second = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm local{};
  localtime_r(&second, &local);
  std::string text = fmt::format("{:02}:{:02}:{:02}.{:06} w{} {} [{}] {}\n", local.tm_hour, local.tm_min,
                                 local.tm_sec, ns % 1'000'000'000 / 1000, packet.at("worker").get<unsigned>(),
                                 packet.at("port").get<std::string>(), verdict_text(packet),
                                 packet.at("packet").get<std::string>());
  if (!packet.at("answer_packet").is_null())
    text += fmt::format("    -> {}\n", packet.at("answer_packet").get<std::string>());
  return text + fmt::format("    {}\n", packet.at("why").get<std::string>());
}

void run_trace_command(const std::string& socket, const TraceOptions& options) {
  const Ending ending;
  std::unique_ptr<Pcapng> file;
  const bool only_capture = options.pcap == "-";
  const TraceClient trace{socket, to_query(options.wanted)};
  if (!options.pcap.empty()) file = std::make_unique<Pcapng>(options.pcap);
  std::uint64_t shown = 0, missed = 0;
  const auto is_enough = [&] { return options.count != 0 && shown == options.count; };
  std::optional<std::uint64_t> ended_ns;  // what came until then is shown
  const auto is_over = [&](const nlohmann::json& packets) {
    return ended_ns && (packets.size() < Tracing::kBatch || packets.back().at("wall_ns") > *ended_ns);
  };
  while (!is_enough()) {
    const auto batch = trace.take();
    missed = batch.at("missed");
    for (const auto& packet : batch.at("packets")) {
      if (is_enough()) break;
      if (file) capture(*file, packet);
      if (!only_capture) fmt::print("{}", trace_text(packet));
      ++shown;
    }
    if (file) file->flush();
    if (std::fflush(stdout) != 0) break;  // whoever read it has gone
    if (is_over(batch.at("packets"))) break;
    const bool more_wait = batch.at("packets").size() == Tracing::kBatch;
    if (ending.came_within(more_wait ? timespec{} : kBetween) && !ended_ns) ended_ns = now_ns();
  }
  fmt::print(stderr, "{} packet(s) shown", shown);
  if (missed != 0)
    fmt::print(stderr, "; {} came while samples waited to be shown, and were not looked at", missed);
  fmt::print(stderr, "\n");
}

}  // namespace synward::control
