// A SYN proxy's answer as one writes it at first, at a port of DPDK's: packet by packet, until SIGTERM.
//
// usage: wire_responder EAL-ARGUMENT... -- DEVICE
//
// It answers SYNs and FINs to 198.18.0.10:443 and [2001:2::10]:443 at 02:00:00:00:00:0a
// (bench/micro/frames.hpp), on EAL's lcore 1, and nothing else: no neighbours, no connections to keep, no
// counts.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <thread>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "bench/micro/baseline.hpp"
#include "dataplane/nic/packet_pool.hpp"
#include "dataplane/nic/port.hpp"

namespace synward::bench {
namespace {

constexpr std::uint16_t kBurst = 64;
constexpr std::size_t kPackets = 16'383;

std::atomic<bool> over{false};

/// Receives, answers, sends; what has no answer, and what the port refuses, is freed.
void respond(std::uint16_t port) {
  std::array<rte_mbuf*, kBurst> mbufs, answers;
  std::array<std::byte*, kBurst> frames;
  std::array<std::uint16_t, kBurst> sizes;
  while (!over.load(std::memory_order_relaxed)) {
    const std::uint16_t count = rte_eth_rx_burst(port, 0, mbufs.data(), kBurst);
    for (std::uint16_t n = 0; n < count; ++n) {
      frames[n] = rte_pktmbuf_mtod(mbufs[n], std::byte*);
      sizes[n] = mbufs[n]->data_len;
    }
    answer_straightforwardly({frames.data(), count}, {sizes.data(), count});
    std::uint16_t answered = 0;
    for (std::uint16_t n = 0; n < count; ++n) {
      if (sizes[n] == 0) {
        rte_pktmbuf_free(mbufs[n]);
        continue;
      }
      mbufs[n]->data_len = sizes[n];
      mbufs[n]->pkt_len = sizes[n];
      answers[answered++] = mbufs[n];
    }
    const std::uint16_t sent = rte_eth_tx_burst(port, 0, answers.data(), answered);
    if (sent < answered) rte_pktmbuf_free_bulk(answers.data() + sent, answered - sent);
  }
}

int run(const char* device) {
  const nic::PacketPool pool{"packets", kPackets, nic::longest_frame(1500)};
  const nic::Port port{device, 1, pool};
  std::uint16_t id = port.id();
  rte_eal_remote_launch([](void* at) { return respond(*static_cast<std::uint16_t*>(at)), 0; }, &id, 1);
  std::puts("ready");
  std::fflush(stdout);
  // rte_eal_wait_lcore() spins, on the generator's processor.
  while (!over.load(std::memory_order_relaxed)) std::this_thread::sleep_for(std::chrono::milliseconds{50});
  rte_eal_mp_wait_lcore();
  return 0;
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  const int eal = rte_eal_init(argc, argv);
  if (eal < 0 || argc - eal != 2) {
    std::fputs("usage: wire_responder EAL-ARGUMENT... -- DEVICE\n", stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { synward::bench::over = true; });
  int code = 1;
  try {
    code = synward::bench::run(argv[eal + 1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wire_responder: %s\n", error.what());
  }
  rte_eal_cleanup();
  return code;
}
