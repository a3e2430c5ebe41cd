// Mirrors dataplane/nic/rss_check.hpp: what lands where, over rings that stand for a NIC's queues.
#include "dataplane/nic/rss_check.hpp"

#include <array>
#include <numeric>
#include <random>

#include <rte_thash.h>

#include "tests/worker/wire_lab.hpp"

namespace synward::test {
namespace {

using nic::RssCheck;
using wire::Family;

/// A port of two queues whose RSS the test plays.
class RssCheckTest : public WireLab {
 protected:
  static constexpr std::uint16_t kQueues = 2;
  RssCheckTest() {
    std::mt19937 random{23};
    for (auto& byte : key_) byte = static_cast<std::uint8_t>(random());
    for (std::size_t i = 0; i < table_.size(); ++i) table_[i] = static_cast<std::uint16_t>(i / 3 % kQueues);
    const std::string device = rings({.workers = kQueues});
    pool_ = std::make_unique<nic::PacketPool>("rss" + std::to_string(made_++), 4095, 2048);
    ports_.push_back(std::make_unique<nic::Port>(device, kQueues, *pool_));
    check_ = std::make_unique<RssCheck>(ports_[0]->id(), kQueues, nic::Rss{key_, table_});
  }
  void TearDown() override {
    check_.reset();
    WireLab::TearDown();
  }

  /// By DPDK's own hash, of a client's segment at `client_port`.
  template <Family kFamily>
  std::uint32_t hash(std::uint16_t client_port) const {
    std::array<std::uint8_t, 36> fields{};
    std::size_t at = 0;
    const auto put_all = [&](const auto& bytes) {
      for (const auto byte : bytes) fields[at++] = byte;
    };
    if constexpr (kFamily == Family::kIpv4) {
      put_all(kClient4.bytes);
      put_all(kService4.bytes);
    } else {
      put_all(kClient6.bytes);
      put_all(kService6.bytes);
    }
    put_all(std::array{static_cast<std::uint8_t>(client_port >> 8), static_cast<std::uint8_t>(client_port),
                       static_cast<std::uint8_t>(kServicePort >> 8),
                       static_cast<std::uint8_t>(kServicePort)});
    std::array<std::uint32_t, 9> words{};
    for (std::size_t i = 0; i < at; ++i)
      words[i / 4] |= static_cast<std::uint32_t>(fields[i]) << (24 - 8 * (i % 4));
    return rte_softrss(words.data(), static_cast<std::uint32_t>(at / 4), key_.data());
  }
  template <Family kFamily>
  std::uint16_t queue(std::uint16_t client_port) const {
    return table_[hash<kFamily>(client_port) % table_.size()];
  }
  static FrameBuilder frame(Family family, std::uint16_t client_port) {
    FrameBuilder builder;
    builder.mac(kRingMac, kPeerMac);
    if (family == Family::kIpv4) {
      builder.ipv4(kClient4, kService4);
    } else {
      builder.ipv6(kClient6, kService6);
    }
    return builder.tcp(client_port, kServicePort, wire::TcpFlags::kAck);
  }
  void receive_all() {
    const auto burst = std::make_unique<Burst>();
    for (std::uint16_t q = 0; q < kQueues; ++q) {
      while (ports_[0]->receive(q, *burst) != 0) nic::release(*burst, Route::kReceived);
    }
  }
  /// 100 flows, each in the queue that `queue_of(port)` says.
  template <typename QueueOf>
  void deliver(Family family, QueueOf&& queue_of) {
    for (std::uint16_t port = 1000; port < 1100; ++port)
      put(queue_of(port), packet(frame(family, port).build()));
    receive_all();
  }

  alignas(4) std::array<std::uint8_t, 40> key_;
  std::array<std::uint16_t, 128> table_;
  std::unique_ptr<RssCheck> check_;
};

TEST_F(RssCheckTest, FindsThatAllCameWhereTheyShould) {
  deliver(Family::kIpv4, [&](std::uint16_t port) { return queue<Family::kIpv4>(port); });
  EXPECT_FALSE(check_->take(Family::kIpv6));
  auto tally = check_->take(Family::kIpv4);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->segments, 100u);
  EXPECT_EQ(tally->elsewhere, 0u);
  EXPECT_EQ(tally->other_hash, 0u);
  EXPECT_FALSE(tally->only_one);
  EXPECT_FALSE(check_->take(Family::kIpv4)) << "they were taken";

  check_->sample();
  deliver(Family::kIpv6, [&](std::uint16_t port) { return queue<Family::kIpv6>(port); });
  tally = check_->take(Family::kIpv6);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->segments, 100u);
  EXPECT_EQ(tally->elsewhere, 0u);
}

TEST_F(RssCheckTest, FindsThatAllCameToOneQueue) {
  deliver(Family::kIpv6, [](std::uint16_t) { return std::size_t{1}; });
  const auto tally = check_->take(Family::kIpv6);
  ASSERT_TRUE(tally);
  std::uint64_t of_queue_0 = 0;
  for (std::uint16_t port = 1000; port < 1100; ++port)
    of_queue_0 += queue<Family::kIpv6>(port) == 0 ? 1u : 0u;
  EXPECT_EQ(tally->elsewhere, of_queue_0);
  EXPECT_GT(of_queue_0, 0u);
  EXPECT_EQ(tally->only_one, std::uint16_t{1});
}

TEST_F(RssCheckTest, FindsAHashThatIsNotByItsKey) {
  for (std::uint16_t port = 1000; port < 1100; ++port) {
    rte_mbuf* mbuf = packet(frame(Family::kIpv4, port).build());
    mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
    mbuf->hash.rss = hash<Family::kIpv4>(port) ^ (port < 1030 ? 1u << 31 : 0u);
    put(queue<Family::kIpv4>(port), mbuf);
  }
  receive_all();
  const auto tally = check_->take(Family::kIpv4);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->other_hash, 30u);
  EXPECT_EQ(tally->elsewhere, 0u);
}

TEST_F(RssCheckTest, LooksAtSomeUntilItIsToldToGoOn) {
  for (int round = 0; round < 3; ++round)
    deliver(Family::kIpv4, [](std::uint16_t) { return std::size_t{0}; });
  const auto tally = check_->take(Family::kIpv4);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->segments, RssCheck::kLooks);
  check_->sample();
  deliver(Family::kIpv4, [](std::uint16_t) { return std::size_t{0}; });
  EXPECT_EQ(check_->take(Family::kIpv4)->segments, 100u);
}

TEST_F(RssCheckTest, IsSilentWhileTheyAreFew) {
  for (std::uint16_t port = 1; port < RssCheck::kEnough; ++port)
    put(0, packet(frame(Family::kIpv4, port).build()));
  receive_all();
  EXPECT_FALSE(check_->take(Family::kIpv4));
  put(0, packet(frame(Family::kIpv4, 64).build()));
  receive_all();
  EXPECT_EQ(check_->take(Family::kIpv4)->segments, RssCheck::kEnough);
}

/// NICs differ in what they hash of these, so they tell nothing.
TEST_F(RssCheckTest, DoesNotCountWhatANicMayTakeForSomethingElse) {
  const Bytes plain4 = frame(Family::kIpv4, 1000).build(), plain6 = frame(Family::kIpv6, 1000).build();
  const auto changed = [](Bytes frame, std::size_t at, std::uint8_t value) {
    frame[at] = std::byte{value};
    return frame;
  };
  const std::array others{
      changed(plain4, 14, 0x46),  // with IP options
      changed(plain4, 20, 0x20),  // the first fragment
      changed(plain4, 21, 0x01),  // a later one
      changed(plain4, 23, 17),    // UDP
      changed(plain6, 20, 17),    //
      changed(plain6, 20, 0),     // hop-by-hop options
      changed(plain6, 14, 0x40),  // not IPv6
      changed(plain4, 12, 0x81),  // VLAN
      changed(plain4, 17, 39),    // too short for a TCP header
      changed(plain4, 17, 41),    // longer than its frame
      changed(plain4, 46, 0x40),  // a TCP header of 16 bytes
      changed(plain6, 19, 19),
      changed(plain6, 19, 21),
      changed(plain6, 66, 0x40),
      Bytes(plain4.begin(), plain4.begin() + 53),
      Bytes(plain6.begin(), plain6.begin() + 73),
  };
  const auto expect_not_counted = [&](const Bytes& frame, std::uint64_t flags) {
    check_->sample();
    for (std::uint64_t n = 0; n < RssCheck::kEnough; ++n) {
      rte_mbuf* mbuf = packet(frame);
      mbuf->ol_flags |= flags;
      put(0, mbuf);
    }
    receive_all();
    EXPECT_FALSE(check_->take(Family::kIpv4));
    EXPECT_FALSE(check_->take(Family::kIpv6));
  };
  for (const Bytes& other : others) expect_not_counted(other, 0);
  for (const auto flags : {RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_BAD}) {
    expect_not_counted(plain4, flags);
    expect_not_counted(plain6, flags);
  }
  check_->sample();
  deliver(Family::kIpv4, [](std::uint16_t) { return std::size_t{0}; });
  EXPECT_EQ(check_->take(Family::kIpv4)->segments, 100u) << "plain ones are";
}

/// A NIC with one queue under two workers.
class SharedQueue : public WireLab {};

TEST_F(SharedQueue, IsReceivedByOneAndSentToByAll) {
  const std::string device = rings({.workers = 1});
  pool_ = std::make_unique<nic::PacketPool>("shared", 4095, 2048);
  ports_.push_back(std::make_unique<nic::Port>(device, 2, *pool_));
  const nic::Port& port = *ports_[0];
  EXPECT_EQ(port.receive_queues(), 1);
  EXPECT_EQ(port.transmit_queues(), 1);
  put(0, packet(segment(wire::TcpFlags::kSyn)));
  const auto burst = std::make_unique<Burst>();
  EXPECT_EQ(port.receive(1, *burst), 0u);
  EXPECT_TRUE(burst->on(Route::kReceived).empty());
  EXPECT_EQ(port.receive(0, *burst), 1u);
  nic::release(*burst, Route::kReceived);
  Outbox outbox;
  Outbox::Frame& frame = *outbox.add();
  frame.port = 0;
  frame.bytes = 64;
  EXPECT_EQ(port.originate(0, 0, outbox), 1u);
  EXPECT_EQ(port.originate(1, 0, outbox), 1u);
  for (int n = 0; n < 2; ++n) {
    rte_mbuf* mbuf = sent(0);
    ASSERT_NE(mbuf, nullptr);
    rte_pktmbuf_free(mbuf);
  }
}

}  // namespace
}  // namespace synward::test
