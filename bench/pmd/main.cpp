// synward's workers at a port of EAL's, under a flood: how many SYNs they answer, in one line.
//
// usage: pmd_bench EAL-ARGUMENT... -- WORKERS MILLISECONDS
//
// Worker w runs on lcore w + 1, at queue w of port 0.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "bench/micro/frames.hpp"
#include "bench/pmd/meter.hpp"
#include "bench/pmd/syn_source.hpp"
#include "control/clocks.hpp"
#include "control/eal.hpp"
#include "control/kernels.hpp"
#include "control/memory_plan.hpp"
#include "control/random_value.hpp"
#include "dataplane/nic/table_memory.hpp"
#include "dataplane/worker.hpp"

namespace synward::bench {
namespace {

using control::random_value;

constexpr std::size_t kConnections = 65'536, kPoolPackets = 8191;

/// The port as stages shall know it. The frames are not for its own MAC address but for kOurMac, as those of
/// the micro-benchmarks. And its queue holds so many that no worker is ever behind: the source never runs
/// dry, and what is measured is how many SYNs are answered, not how many are shed.
PortInfo known_as(PortInfo info) {
  info.mac = kOurMac;
  info.queue_frames = std::numeric_limits<std::size_t>::max() / 64;
  return info;
}

/// An endpoint with one service, the flood's target.
class Endpoint {
 public:
  Endpoint(const std::string& device, std::uint16_t workers)
      : steering_{random_value<Steering::Seed>(), workers} {
    ports_.push_back(std::make_unique<nic::Port>(device, workers, pool_));
    for (std::uint16_t w = 0; w < workers; ++w) {
      const CorePlan plan{.ipv4 = {memory<wire::Family::kIpv4>(kConnections), kConnections},
                          .ipv6 = {memory<wire::Family::kIpv6>(0), 0},
                          .secret = random_value<table::HashSecret>(),
                          .shed_cells = control::kShedCellsPerCore};
      cores_.push_back(std::make_unique<CoreState>(keys_, policy_, plan));
      cores_.back()->kernels =
          simd::kernels_of(control::choose_isa(control::kAutoIsa, control::eal_max_simd_bits()));
      cores_.back()->ports.push_back(known_as(ports_.front()->info()));
    }
    workers_ = std::make_unique<Workers>(cores_, ports_, steering_, Poll::kBusy);
  }
  [[nodiscard]] std::uint16_t port() const { return ports_.front()->id(); }
  [[nodiscard]] Workers& workers() { return *workers_; }
  /// When none runs any more: why the figures must not count, or nothing.
  [[nodiscard]] std::string problem() const {
    CounterReading sum;
    for (const auto& core : cores_) sum += read(core->counters);
    if (!sum.balances()) return "the counters do not balance";
    if (sum.rx == 0 || sum[Event::kSynAnswered] != sum.rx || sum[Route::kSend] != sum.rx) {
      return "of " + std::to_string(sum.rx) + " SYNs " + std::to_string(sum[Event::kSynAnswered]) +
             " were answered, and " + std::to_string(sum[Route::kSend]) + " answers sent";
    }
    for (const auto& core : cores_) {
      if (read(core->counters).rx == 0) return "a worker got nothing";
    }
    return "";
  }

 private:
  template <wire::Family kFamily>
  std::span<std::byte> memory(std::size_t connections) {
    const std::size_t bytes = table::ConnectionTable<kFamily>::bytes_needed(connections);
    return tables_.emplace_back("a connection table", bytes, SOCKET_ID_ANY).bytes();
  }

  nic::PacketPool pool_{"packets", kPoolPackets, nic::longest_frame(1500)};
  Policy policy_{service::ServiceTable{
      {{.name = "flooded", .address = kService4, .prefix_bits = 32, .port = kServicePort}}}};
  cookie::SlotKeys keys_{crypto::best_aes(), cookie::KeyRing::random(), control::wall_ms()};
  Steering steering_;
  std::vector<nic::TableMemory> tables_;
  std::vector<std::unique_ptr<nic::Port>> ports_;
  std::vector<std::unique_ptr<CoreState>> cores_;
  std::unique_ptr<Workers> workers_;
};

/// While it lives, the workers run: worker w on lcore w + 1.
class Running {
 public:
  Running(Workers& workers, std::uint16_t count) : workers_{workers}, launched_(count) {
    for (std::uint16_t w = 0; w < count; ++w) {
      launched_[w] = {&workers, w};
      const auto run = [](void* argument) {
        const auto& [its_workers, index] = *static_cast<Launched*>(argument);
        its_workers->run(index);
        return 0;
      };
      rte_eal_remote_launch(run, &launched_[w], w + 1u);
    }
  }
  ~Running() {
    workers_.stop();
    rte_eal_mp_wait_lcore();
  }
  Running(Running&&) = delete;

 private:
  struct Launched {
    Workers* workers;
    std::uint16_t index;
  };
  Workers& workers_;
  std::vector<Launched> launched_;
};

std::string run(std::uint16_t workers, std::chrono::milliseconds time) {
  std::vector<std::uint16_t> lcores(workers);
  std::iota(lcores.begin(), lcores.end(), std::uint16_t{1});
  control::check_lcores(lcores);
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  if (rte_eth_dev_get_name_by_port(0, device.data()) != 0)
    throw std::runtime_error{"there is no port: give EAL --vdev"};
  Endpoint endpoint{device.data(), workers};
  const SynSource source{endpoint.port()};
  fill_wire(endpoint.port());
  Passage passage{};
  {
    const Running running{endpoint.workers(), workers};
    passage = measure(endpoint.port(), time);
  }
  return as_line(passage, endpoint.problem());
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  const int eal = rte_eal_init(argc, argv);
  const bool complete = eal >= 0 && argc - eal == 3;
  const long workers = complete ? std::strtol(argv[eal + 1], nullptr, 10) : 0;
  const long time = complete ? std::strtol(argv[eal + 2], nullptr, 10) : 0;
  if (workers < 1 || workers > 64 || time < 1) {
    std::fputs("usage: pmd_bench EAL-ARGUMENT... -- WORKERS MILLISECONDS\n", stderr);
    return 2;
  }
  int code = 0;
  try {
    const auto line =
        synward::bench::run(static_cast<std::uint16_t>(workers), std::chrono::milliseconds{time});
    std::fputs(line.c_str(), stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pmd_bench: %s\n", error.what());
    code = 1;
  }
  rte_eal_cleanup();
  return code;
}
