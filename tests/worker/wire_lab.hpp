// Real ports, real mbufs, real lcores: net_ring as the wire. Frames go in at one end of a ring and are looked
// at where they come out.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "control/clocks.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/worker.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {

inline constexpr wire::MacAddress kRingMac{};  // net_ring's ports have the MAC address 00:00:00:00:00:00

/// A port whose queues are rings of the test's own.
class WireLab : public testing::Test {
 protected:
  struct Settings {
    std::uint16_t workers = 1;
    unsigned out_packets = 1024;      ///< of a transmit queue; it holds one less
    std::size_t packet_bytes = 2048;  ///< of a packet's buffer
    std::uint16_t mtu = 0;
    Poll poll = Poll::kAdaptive;
    bool is_inline = false;  ///< the two devices are outside and inside
  };
  void start(Settings settings) { start_on(rings(settings), settings); }
  /// Over a device of DPDK's instead of rings.
  void start_on(const std::string& device, Settings settings) { start_on(std::vector{device}, settings); }
  void start_on(const std::vector<std::string>& devices, Settings settings) {
    pool_ = std::make_unique<nic::PacketPool>("pool" + std::to_string(made_++), 4095, settings.packet_bytes);
    ports_.reserve(devices.size());
    for (const auto& device : devices)
      ports_.push_back(std::make_unique<nic::Port>(device, settings.workers, *pool_, settings.mtu));
    for (std::uint16_t w = 0; w < settings.workers; ++w) {
      cores_.push_back(
          std::make_unique<CoreState>(cookie::SlotKeys{crypto::best_aes(), PipelineLab::ring(), kStartMs},
                                      policy_, memories_.emplace_back().plan));
      cores_.back()->kernels = simd::kernels_of(simd::best_isa(512));
      for (const auto& port : ports_) cores_.back()->ports.push_back(port->info());
      if (settings.is_inline) make_inline(*cores_.back());
    }
    workers_ = std::make_unique<Workers>(cores_, ports_, steering(), settings.poll);
  }
  /// A device whose queues are the next ones of in_ and out_.
  std::string rings(Settings settings) {
    const std::uint16_t workers = settings.workers;
    const std::size_t first = in_.size();
    const std::string name = "wire" + std::to_string(made_) + "_" + std::to_string(first);
    for (std::uint16_t queue = 0; queue < workers; ++queue) {
      in_.push_back(rte_ring_create((name + "i" + std::to_string(queue)).c_str(), 1024, SOCKET_ID_ANY, 0));
      out_.push_back(rte_ring_create((name + "o" + std::to_string(queue)).c_str(), settings.out_packets,
                                     SOCKET_ID_ANY, 0));
    }
    const int id = rte_eth_from_rings(name.c_str(), &in_[first], workers, &out_[first], workers, 0);
    EXPECT_GE(id, 0);
    return devices_.emplace_back("net_ring_" + name);
  }
  /// Lets worker w run, on lcore w + 1.
  void launch(std::size_t w) {
    arguments_[w] = {workers_.get(), static_cast<std::uint16_t>(w)};
    rte_eal_remote_launch(
        [](void* argument) {
          auto& [workers, index, sleeps] = *static_cast<Argument*>(argument);
          rusage before{}, after{};
          getrusage(RUSAGE_THREAD, &before);
          workers->run(index);
          getrusage(RUSAGE_THREAD, &after);
          sleeps = after.ru_nvcsw - before.ru_nvcsw;
          return 0;
        },
        &arguments_[w], static_cast<unsigned>(w) + 1);
  }
  /// Five seconds at most.
  template <typename Done>
  void wait_until(Done&& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!done() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
  void stop() {
    workers_->stop();
    rte_eal_mp_wait_lcore();
  }
  /// Lets all workers run until `done()`, then stops them.
  template <typename Done>
  void run_until(Done&& done) {
    for (std::size_t w = 0; w < cores_.size(); ++w) launch(w);
    wait_until(done);
    stop();
  }
  void TearDown() override {
    workers_.reset();
    ports_.clear();
    for (const auto& device : devices_)
      rte_eal_hotplug_remove("vdev", device.c_str());  // ethdev has 32 ports
    for (rte_ring* ring : out_) {
      void* packet;
      while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
      rte_ring_free(ring);
    }
    for (rte_ring* ring : in_) rte_ring_free(ring);
    if (pool_) {
      EXPECT_EQ(pool_->available(), pool_->size()) << "a packet leaked";
    }
  }

  [[nodiscard]] rte_mbuf* packet(const Bytes& frame) const {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_->get());
    std::copy(
        frame.begin(), frame.end(),
        reinterpret_cast<std::byte*>(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size()))));
    return mbuf;
  }
  /// The next packet that left by `queue`, or null. The caller frees it.
  [[nodiscard]] rte_mbuf* sent(std::size_t queue) {
    void* packet = nullptr;
    return rte_ring_dequeue(out_[queue], &packet) == 0 ? static_cast<rte_mbuf*>(packet) : nullptr;
  }
  void put(std::size_t queue, rte_mbuf* mbuf) { ASSERT_EQ(rte_ring_enqueue(in_[queue], mbuf), 0); }
  [[nodiscard]] CounterReading total() const {
    CounterReading sum;
    for (const auto& core : cores_) sum += read(core->counters);
    return sum;
  }
  static const Steering& steering() {
    static const Steering steering = [] {
      std::mt19937 random{7};
      Steering::Seed seed;
      for (auto& byte : seed) byte = static_cast<std::uint8_t>(random());
      return Steering{seed, 2};
    }();
    return steering;
  }
  static Bytes segment(std::uint8_t flags, std::uint16_t client_port = 40000) {
    return FrameBuilder{}
        .mac(kRingMac, kPeerMac)
        .ipv4(kClient4, kService4)
        .tcp(client_port, kServicePort, flags)
        .build();
  }

  /// Both services are known already.
  void make_inline(CoreState& core) {
    core.ports[0].side = Side::kOutside;
    core.ports[0].other = 1;
    core.ports[1].side = Side::kInside;
    core.ports[1].other = 0;
    core.profiles = &profiles_;
    const proxy::SynAckFacts facts{.mss = 1460, .window = 65160};
    profiles_.learn<wire::Family::kIpv4>(kService4, wire::Port{kServicePort}, facts,
                                         cookie::slot_at(control::wall_ms()));
  }

  struct Argument {
    Workers* workers;
    std::uint16_t index;
    long sleeps;  // how often the worker gave up its processor of its own accord
  };
  static inline int made_ = 0;
  Policy policy_{service::ServiceTable{PipelineLab::default_services()}};
  proxy::BackendProfiles profiles_{table::HashSecret{}, 16};
  std::vector<rte_ring*> in_, out_;
  std::vector<std::string> devices_;  // made by rings()
  std::unique_ptr<nic::PacketPool> pool_;
  std::vector<std::unique_ptr<nic::Port>> ports_;
  std::deque<OwnedPlan> memories_;
  std::vector<std::unique_ptr<CoreState>> cores_;
  std::unique_ptr<Workers> workers_;
  std::array<Argument, 2> arguments_{};
};

}  // namespace synward::test
