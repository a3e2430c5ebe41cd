#include "control/drain_command.hpp"

#include <cstdint>
#include <thread>

#include <fmt/format.h>

#include "control/stats_server.hpp"

namespace synward::control {
namespace {

/// Connections whose end is still to come, and those that are about to begin.
std::uint64_t left_in(const nlohmann::json& stats) {
  const auto& gauges = stats.at("total").at("gauges");
  std::uint64_t left = 0;
  for (const char* label : {"connections4", "connections6"}) left += gauges.at(label).get<std::uint64_t>();
  return left;
}

}  // namespace

bool drain_and_wait(const std::string& socket, std::chrono::seconds limit) {
  using Clock = std::chrono::steady_clock;
  ask_to_drain(socket, true);
  const auto begun = Clock::now();
  std::uint64_t told = ~std::uint64_t{0};
  while (true) {
    const std::uint64_t left = left_in(ask_stats(socket));
    const auto passed = Clock::now() - begun;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(passed).count();
    if (left != told) fmt::print("{:>5} s  {} connection(s) left\n", seconds, left);
    std::fflush(stdout);
    if (left == 0) return true;
    if (passed >= limit) return false;
    told = left;
    std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::seconds{1}, limit - passed));
  }
}

}  // namespace synward::control
