#include "control/memory_plan.hpp"

#include "dataplane/nic/packet_pool.hpp"

namespace synward::control {
namespace {

constexpr std::size_t kLeastFrameBytes = 2048;
/// Of one port's queue: receive and transmit rings of 1024, the ring between workers, bursts, caches.
constexpr std::size_t kPacketsPerQueue = 4096;
/// Beside a frame in its buffer: mbuf, headroom, slack, rounding.
constexpr std::size_t kBesideFrame = 1024;

std::size_t packets_per_worker(const config::Config& config) {
  return config.ports.size() * kPacketsPerQueue + (config::is_inline(config) ? kHeldPerCore : 0);
}

}  // namespace

std::size_t frame_bytes(const config::Config& config) {
  std::size_t bytes = kLeastFrameBytes;
  for (const config::Port& port : config.ports)
    bytes = std::max(bytes, nic::longest_frame(static_cast<std::uint16_t>(port.mtu)));
  return bytes;
}

std::size_t packets(const config::Config& config) {
  return config.lcores.size() * packets_per_worker(config) - 1;  // a mempool is best one below a power of two
}

std::size_t worker_bytes(const config::Config& config) {
  constexpr std::size_t kBesidePackets = std::size_t{4} << 20;
  return packets_per_worker(config) * (frame_bytes(config) + kBesideFrame) +
         table_bytes<wire::Family::kIpv4>(config) + table_bytes<wire::Family::kIpv6>(config) + kBesidePackets;
}

std::size_t ordinary_memory_mib(const config::Config& config) {
  constexpr std::size_t kMib = std::size_t{1} << 20, kForDriversMib = 256, kForEachQueueMib = 16;
  const std::size_t workers = config.lcores.size();
  const std::size_t frames = packets(config) * (frame_bytes(config) + kBesideFrame);
  const std::size_t tables =
      table_bytes<wire::Family::kIpv4>(config) + table_bytes<wire::Family::kIpv6>(config);
  return kForDriversMib + config.ports.size() * workers * kForEachQueueMib + frames / kMib + 1 +
         workers * 2 * (tables / kMib + 1);
}

}  // namespace synward::control
