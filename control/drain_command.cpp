#include "control/drain_command.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "control/control_client.hpp"

namespace synward::control {
namespace {

/// How long nothing must have happened: a client whose handshake was under way when SYNs ended repeats itself
/// by then (RFC 6298: an RTO of a second at first, then two).
constexpr std::chrono::seconds kQuiet{3};

struct Connections {
  std::uint64_t left;   ///< whose end is still to come
  std::uint64_t begun;  ///< since the start

  friend bool operator==(const Connections&, const Connections&) = default;
};

Connections connections_in(const nlohmann::json& stats) {
  const auto& total = stats.at("total");
  Connections connections{.left = 0, .begun = total.at("events").at("promoted").get<std::uint64_t>()};
  for (const char* label : {"connections4", "connections6"})
    connections.left += total.at("gauges").at(label).get<std::uint64_t>();
  return connections;
}

}  // namespace

bool drain_and_wait(const std::string& socket, std::chrono::seconds limit) {
  using Clock = std::chrono::steady_clock;
  ask_to_drain(socket, true);
  const auto begun = Clock::now();
  auto changed = begun;
  std::optional<Connections> seen;
  while (true) {
    const Connections now = connections_in(ask_stats(socket));
    const auto passed = Clock::now() - begun;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(passed).count();
    if (!seen || now.left != seen->left) fmt::print("{:>5} s  {} connection(s) left\n", seconds, now.left);
    std::fflush(stdout);
    if (seen && now != *seen) changed = Clock::now();
    if (now.left == 0 && Clock::now() - changed >= kQuiet) return true;
    if (passed >= limit) return now.left == 0;
    seen = now;
    std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::seconds{1}, limit - passed));
  }
}

}  // namespace synward::control
