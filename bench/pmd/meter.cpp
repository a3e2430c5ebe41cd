#include "bench/pmd/meter.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_version.h>

namespace synward::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 10s;
constexpr auto kWarmUp = 100ms;

Passage now(std::uint16_t port) {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(port, &stats) != 0) throw std::runtime_error{"the port counts nothing"};
  return {.received = stats.ipackets, .sent = stats.opackets, .cycles = rte_rdtsc()};
}

}  // namespace

Passage measure(std::uint16_t port, std::chrono::milliseconds time) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (now(port).received == 0) {
    if (std::chrono::steady_clock::now() > limit) throw std::runtime_error{"no packet came"};
    std::this_thread::sleep_for(1ms);
  }
  std::this_thread::sleep_for(kWarmUp);
  const Passage before = now(port);
  std::this_thread::sleep_for(time);
  const Passage after = now(port);
  return {after.received - before.received, after.sent - before.sent, after.cycles - before.cycles};
}

std::string as_line(const Passage& passage, const std::string& problem) {
  std::array<char, 512> line;
  std::snprintf(line.data(), line.size(),
                "pmd: {\"received\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"cycles\": %" PRIu64
                ", \"tsc_hz\": %" PRIu64 ", \"dpdk\": \"%s\", \"compiler\": \"%s\", \"problem\": \"%s\"}\n",
                passage.received, passage.sent, passage.cycles, rte_get_tsc_hz(), rte_version(), __VERSION__,
                problem.c_str());
  return line.data();
}

}  // namespace synward::bench
