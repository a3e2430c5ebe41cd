// Real ports, real mbufs, real lcores: net_ring as the wire. Frames go in at one end of a ring and are looked
// at where they come out.
#include "dataplane/worker.hpp"

#include <chrono>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <rte_eth_ring.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/nic/setup_error.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;

constexpr wire::MacAddress kRingMac{};  // net_ring's ports have the MAC address 00:00:00:00:00:00

/// A port whose queues are rings of the test's own.
class WireLab : public testing::Test {
 protected:
  void start(std::uint16_t workers, unsigned ring_packets = 1024) {
    const std::string name = "wire" + std::to_string(++made_);
    for (std::uint16_t queue = 0; queue < workers; ++queue) {
      in_.push_back(rte_ring_create((name + "i" + std::to_string(queue)).c_str(), 1024, SOCKET_ID_ANY, 0));
      out_.push_back(
          rte_ring_create((name + "o" + std::to_string(queue)).c_str(), ring_packets, SOCKET_ID_ANY, 0));
    }
    const int id = rte_eth_from_rings(name.c_str(), in_.data(), workers, out_.data(), workers, 0);
    ASSERT_GE(id, 0);
    pool_ = std::make_unique<nic::PacketPool>(name, 4095, 2048);
    ports_.push_back(std::make_unique<nic::Port>("net_ring_" + name, workers, *pool_));
    for (std::uint16_t w = 0; w < workers; ++w) {
      cores_.push_back(std::make_unique<CoreState>(
          cookie::SlotKeys{crypto::best_aes(), PipelineLab::ring(), kStartMs}, services_));
      cores_.back()->ports.push_back(ports_.front()->info());
    }
    workers_ = std::make_unique<Workers>(cores_, ports_, steering(), Poll::kAdaptive);
  }
  /// Lets worker w run on lcore w + 1 until `done()` or five seconds have passed, then stops all.
  template <typename Done>
  void run_until(Done&& done) {
    const auto running = static_cast<std::uint16_t>(cores_.size());
    for (std::uint16_t w = 0; w < running; ++w) {
      arguments_[w] = {workers_.get(), w};
      rte_eal_remote_launch(
          [](void* argument) {
            const auto& [workers, index] = *static_cast<Argument*>(argument);
            workers->run(index);
            return 0;
          },
          &arguments_[w], w + 1u);
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!done() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    workers_->stop();
    rte_eal_mp_wait_lcore();
  }
  void TearDown() override {
    workers_.reset();
    ports_.clear();
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
  void put(std::size_t queue, rte_mbuf* mbuf) { ASSERT_EQ(rte_ring_enqueue(in_[queue], mbuf), 0); }
  [[nodiscard]] CounterReading total() const {
    CounterReading sum;
    for (const auto& core : cores_) sum += read(core->counters);
    return sum;
  }
  static const Steering& steering() {
    static const Steering steering = [] {
      std::mt19937 random{7};
      Steering::Key key;
      for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
      return Steering{key, 2};
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

  struct Argument {
    Workers* workers;
    std::uint16_t index;
  };
  static inline int made_ = 0;
  service::ServiceTable services_{PipelineLab::default_services()};
  std::vector<rte_ring*> in_, out_;
  std::unique_ptr<nic::PacketPool> pool_;
  std::vector<std::unique_ptr<nic::Port>> ports_;
  std::vector<std::unique_ptr<CoreState>> cores_;
  std::unique_ptr<Workers> workers_;
  std::array<Argument, 2> arguments_{};
};

TEST_F(WireLab, AnswersSynsAndEndsTheRest) {
  start(1);
  for (int i = 0; i < 100; ++i) put(0, packet(segment(i % 2 == 0 ? TcpFlags::kSyn : TcpFlags::kAck)));
  run_until([&] { return total().rx == 100; });
  const auto counted = total();
  EXPECT_EQ(counted[Route::kSend], 50u);
  EXPECT_EQ(counted[Drop::kNoConnection], 50u);
  EXPECT_TRUE(counted.balances());
  void* answer = nullptr;
  ASSERT_EQ(rte_ring_dequeue(out_[0], &answer), 0);
  auto* mbuf = static_cast<rte_mbuf*>(answer);
  EXPECT_EQ(mbuf->pkt_len, 58u);  // 14 + 20 + 20 + the MSS option
  EXPECT_EQ(std::to_integer<int>(rte_pktmbuf_mtod(mbuf, std::byte*)[47]), TcpFlags::kSyn | TcpFlags::kAck);
  rte_pktmbuf_free(mbuf);
}

TEST_F(WireLab, CountsWhatAFullTransmitQueueRefuses) {
  start(1, 16);  // a ring of 16 holds 15
  for (int i = 0; i < 40; ++i) put(0, packet(segment(TcpFlags::kSyn)));
  run_until([&] { return total().rx == 40; });
  EXPECT_EQ(total()[Route::kSend], 15u);
  EXPECT_EQ(total()[Drop::kTxFull], 25u);
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, LinearisesFramesInSeveralBuffers) {
  start(1);
  const Bytes frame = segment(TcpFlags::kSyn);
  rte_mbuf* head = packet(Bytes(frame.begin(), frame.begin() + 30));
  rte_mbuf* tail = packet(Bytes(frame.begin() + 30, frame.end()));
  ASSERT_EQ(rte_pktmbuf_chain(head, tail), 0);
  put(0, head);
  run_until([&] { return total().rx == 1; });
  EXPECT_EQ(total()[Route::kSend], 1u);
}

TEST_F(WireLab, DropsWhatDoesNotFitOneBuffer) {
  start(1);
  rte_mbuf* head = packet(Bytes(2000));
  ASSERT_EQ(rte_pktmbuf_chain(head, packet(Bytes(2000))), 0);
  put(0, head);
  rte_mbuf* full = packet(Bytes(2048 + 1));  // fits its buffer, but not with the slack behind it
  put(0, full);
  run_until([&] { return total().rx == 2; });
  EXPECT_EQ(total()[Drop::kNotLinear], 2u);
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, ForgetsTheOffloadFlagsOfReceive) {
  start(1);
  rte_mbuf* mbuf = packet(segment(TcpFlags::kSyn));
  mbuf->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
  mbuf->l4_len = 20;
  put(0, mbuf);
  run_until([&] { return total().rx == 1; });
  void* answer = nullptr;
  ASSERT_EQ(rte_ring_dequeue(out_[0], &answer), 0);
  EXPECT_EQ(static_cast<rte_mbuf*>(answer)->ol_flags, 0u);
  EXPECT_EQ(static_cast<rte_mbuf*>(answer)->tx_offload, 0u);
  rte_pktmbuf_free(static_cast<rte_mbuf*>(answer));
}

TEST_F(WireLab, MovesSegmentsToTheirOwnersAndLosesNoneAtTheStop) {
  start(2);
  constexpr std::uint64_t kFrames = 900;
  for (std::uint16_t i = 0; i < kFrames; ++i)
    put(i % 2, packet(segment(TcpFlags::kAck, static_cast<std::uint16_t>(40000 + i))));
  run_until([&] { return total().rx >= kFrames; });
  const auto sum = total();
  EXPECT_EQ(sum.rx, kFrames);
  EXPECT_EQ(sum[Route::kHandOver], sum.taken_over);
  EXPECT_GT(sum.taken_over, kFrames / 4);
  EXPECT_EQ(sum[Drop::kNoConnection], kFrames);  // each was decided once, by its owner
  for (const auto& core : cores_) EXPECT_TRUE(read(core->counters).balances());
}

TEST_F(WireLab, SaysWhatToDoWhenAPortCannotBeOpened) {
  start(1);
  try {
    const nic::Port port{"net_af_packet9,iface=synward-none", 1, *pool_};
    FAIL() << "opened a port on an interface that is not there";
  } catch (const nic::SetupError& error) {
    EXPECT_NE(std::string(error.what()).find("synward-none"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("check that its interface exists"), std::string::npos);
  }
}

TEST_F(WireLab, SaysWhenThereAreMoreWorkersThanQueues) {
  start(1);
  EXPECT_THROW((nic::Port{"net_null_few", 2000, *pool_}), nic::SetupError);
}

}  // namespace
}  // namespace synward::test
