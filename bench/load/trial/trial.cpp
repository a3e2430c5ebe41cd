#include "bench/load/trial/trial.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "bench/load/report.hpp"
#include "bench/load/safe_port.hpp"
#include "bench/load/trial/assertion.hpp"
#include "bench/load/trial/generator.hpp"
#include "bench/load/trial/neighbors.hpp"
#include "bench/load/trial/plot.hpp"
#include "bench/load/trial/summary.hpp"
#include "bench/load/trial/trial_report.hpp"
#include "bench/load/trial/wire.hpp"
#include "control/eal.hpp"
#include "control/nic_devices.hpp"
#include "control/ports.hpp"
#include "control/processors.hpp"

namespace synward::load {
namespace {

using namespace std::chrono_literals;

constexpr int kInterrupted = 130;  // 128 and SIGINT's number, as shells have it
constexpr unsigned kGeneratorLcore = 1;
constexpr std::size_t kHugeBytesWanted = std::size_t{128} << 20;
constexpr std::chrono::milliseconds kGlance = 20ms, kLinkPatience = 5s, kResolvePatience = 3s,
                                    kAskAgain = 200ms;

std::atomic<bool> interrupted{false};
void interrupt(int /*signal*/) { interrupted.store(true, std::memory_order_relaxed); }

/// SIGINT and SIGTERM end the trial, unless whoever started it has it ignore them.
void watch_signals() {
  struct sigaction action {};
  action.sa_handler = interrupt;
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

/// The plan's ports, as the machine has them.
std::vector<config::Port> ports_of(const TrialPlan& plan) {
  std::vector<config::Port> ports{safe_port(plan.device)};
  if (!plan.backend.empty()) ports.push_back(safe_port(plan.backend));
  return ports;
}

/// EAL's, but for what `extra` sets by itself: the main thread and the generator apart where there are two
/// processors, huge pages where there are some.
std::vector<std::string> eal_arguments(const std::vector<config::Port>& ports,
                                       const std::vector<std::string>& extra) {
  std::vector<std::string> arguments{"synward-load", "--no-telemetry", "--log-level=warning"};
  if (!control::sets_lcores(extra)) {
    const auto processors = control::usable_processors();
    const auto generator = control::plan_workers(processors, control::NicDevices{}.node_of(ports.front()), 1);
    arguments.insert(arguments.end(),
                     {"--lcores", fmt::format("0@{},{}@{}", control::plan_control(processors, generator),
                                              kGeneratorLcore, generator.front())});
  }
  const bool huge = control::free_huge_page_bytes(-1) >= kHugeBytesWanted;
  if (huge && !control::sets(extra, {"--no-huge"})) {
    arguments.emplace_back("--in-memory");
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", "256"});
  }
  if (std::ranges::all_of(ports, control::is_virtual)) arguments.emplace_back("--no-pci");
  for (const config::Port& port : ports) {
    if (!control::is_virtual(port) && !control::sets(extra, {"-a", "--allow", "-b", "--block"}))
      arguments.insert(arguments.end(), {"-a", port.device});
  }
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  return arguments;
}

void wait_for_link(const Wire& wire) {
  const auto limit = std::chrono::steady_clock::now() + kLinkPatience;
  while (!wire.is_up()) {
    if (std::chrono::steady_clock::now() > limit || interrupted)
      throw std::runtime_error("the port has no link: is the cable in, and the other end up?");
    std::this_thread::sleep_for(kGlance);
  }
}

/// Asks on the wire until somebody answers.
wire::MacAddress resolve(Wire& wire, const IpAddress& address, const IpAddress& source) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<wire::MacAddress> found;
  for (auto asked = begin - kAskAgain; !found;) {
    const auto now = std::chrono::steady_clock::now();
    if (now - begin > kResolvePatience || interrupted)
      throw std::runtime_error(fmt::format(
          "nobody on the port's link has {}: is it up, and on this link? Else name its --mac, or a --gateway",
          text_of(address)));
    if (now - asked >= kAskAgain) {
      std::array<std::byte, kMaxNeighborBytes> room;
      wire.send(ask_for(address, source, wire.mac(), room));
      wire.flush();
      asked = now;
    }
    wire.receive([&](std::span<const std::byte> frame) {
      if (!found) found = told_by(frame, address);
      // Who wants to answer may have to ask back first.
      std::array<std::byte, kMaxNeighborBytes> room;
      if (asked_for(frame) == source) wire.send(answer_for(frame, wire.mac(), room));
    });
    wire.flush();
    std::this_thread::sleep_for(1ms);
  }
  return *found;
}

/// The first address that clients use.
IpAddress first_client(const SourcePrefix& sources) {
  IpAddress address = sources.address();
  if (sources.bits() < (address.index() == 0 ? 32 : 128))
    std::visit([](auto& a) { a.bytes.back() = static_cast<std::uint8_t>(a.bytes.back() | 1); }, address);
  return address;
}

/// Of a target that is played at `inner`, this one's, for a defence in the cable changes no link addresses;
/// one that routes is the --gateway.
std::vector<wire::MacAddress> macs_of(const TrialPlan& plan, Wire& wire, const Wire* inner) {
  std::vector<wire::MacAddress> macs;
  for (const Target& target : plan.targets) {
    const auto source = first_client(plan.client_sources_for(target.address()));
    if (plan.mac) {
      macs.push_back(*plan.mac);
    } else if (inner != nullptr && !plan.gateway) {
      macs.push_back(inner->mac());
    } else {
      macs.push_back(resolve(wire, plan.gateway.value_or(target.address()), source));
    }
  }
  return macs;
}

std::string line_of(LiveInterval interval) {
  const double seconds = static_cast<double>(interval.to_us - interval.from_us) / 1e6;
  const auto rate = [&](std::uint64_t count) {
    return grouped(static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds)));
  };
  const Latency latency = latency_of(interval.syn_ack_us);
  std::string line =
      fmt::format("{:6.1f} s  {:<8}  out {:>12}/s  in {:>12}/s  clients {:>7} begun {:>7} fine {:>6} failed",
                  static_cast<double>(interval.to_us) / 1e6,
                  interval.phase ? kPhaseLabels[std::size_t(*interval.phase)] : "the rest",
                  rate(interval.counts.sent), rate(interval.counts.received), grouped(interval.started),
                  grouped(interval.succeeded), grouped(interval.failed));
  if (latency.count != 0)
    line += fmt::format("  SYN-ACK p50 {:.2f} p99 {:.2f} ms", latency.p50_us / 1e3, latency.p99_us / 1e3);
  return line;
}

/// Runs the generator on its lcore, and shows what it does.
void run_generator(Generator& generator, std::ostream& live) {
  rte_eal_remote_launch([](void* at) { return static_cast<Generator*>(at)->run(), 0; }, &generator,
                        rte_get_next_lcore(LCORE_ID_ANY, 1, 0));
  const auto show = [&] {
    for (auto& interval : generator.take_live()) live << line_of(std::move(interval)) << std::endl;
  };
  while (!generator.is_over()) {
    std::this_thread::sleep_for(kGlance);
    if (interrupted) generator.stop();
    show();
  }
  rte_eal_mp_wait_lcore();
  show();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

std::string title_of(const TrialPlan& plan) {
  std::vector<std::string> targets;
  for (const Target& target : plan.targets) targets.push_back(target.text());
  return fmt::format("{}: {:g} clients/s, flood of {}/s", fmt::join(targets, " "), plan.client_rate,
                     grouped(static_cast<std::uint64_t>(plan.flood_rate)));
}

/// The report, wherever it is wanted; whether all of `assertions` hold.
bool report(const TrialPlan& plan, const TrialOutput& output, const std::vector<Assertion>& assertions,
            const Record& record) {
  const auto phases = summarize(record);
  bool passed = true;
  auto json = to_json(record, phases);
  json["seed"] = plan.seed;
  json["assertions"] = nlohmann::json::array();
  std::string text = text_of(record, phases);
  for (const Assertion& assertion : assertions) {
    const auto result = assertion.check(phases);
    passed = passed && result.holds;
    json["assertions"].push_back(
        {{"text", result.text}, {"phase", result.phase}, {"value", result.value}, {"holds", result.holds}});
    text += fmt::format("{}: {} ({} in the {})\n", result.holds ? "holds" : "DOES NOT HOLD", result.text,
                        result.value, result.phase);
  }
  json["passed"] = passed;
  if (record.capped) text += "It was cut off: no more packets may be sent than --max-packets.\n";
  if (output.json != "-") std::cout << text << std::flush;
  if (output.json == "-") std::cout << json.dump(1) << std::endl;
  if (!output.json.empty() && output.json != "-") write_file(output.json, json.dump(1) + "\n");
  if (!output.plot.empty()) write_file(output.plot, svg_of(record, title_of(plan)));
  return passed;
}

}  // namespace

int run_trial(const TrialPlan& plan, const TrialOutput& output, const std::vector<std::string>& eal) {
  std::vector<Assertion> assertions;
  for (const auto& text : output.assertions) assertions.push_back(Assertion::parse(text));
  check(plan);
  const std::vector<config::Port> ports = ports_of(plan);
  watch_signals();
  const control::Eal running{eal_arguments(ports, eal)};
  std::optional<Wire> wire, inner;
  {
    const control::QuietDrivers quiet{true};
    wire.emplace("load", ports.front().device);
    if (ports.size() > 1) inner.emplace("backend", ports.back().device);
  }
  wait_for_link(*wire);
  if (inner) wait_for_link(*inner);
  Wire* const behind = inner ? &*inner : nullptr;
  const auto macs = macs_of(plan, *wire, behind);
  std::ostream& live = output.json == "-" ? std::cerr : std::cout;
  live << text_of(plan) << std::flush;
  Generator generator{plan, macs, *wire, behind};
  run_generator(generator, live);
  const bool passed = report(plan, output, assertions, generator.record());
  if (interrupted) return kInterrupted;
  return passed && !generator.record().capped ? 0 : 1;
}

}  // namespace synward::load
