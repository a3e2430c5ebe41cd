// Mirrors dataplane/worker.hpp, and the part of dataplane/nic/port.hpp that packets go through.
#include <limits>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "tests/worker/wire_lab.hpp"

// A driver's own: no header of DPDK for applications declares them.
extern "C" {
struct rte_eth_dev;
rte_eth_dev* rte_eth_dev_allocated(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* device, rte_eth_event_type event, void* argument);
}

namespace synward::test {
namespace {

using wire::TcpFlags;

TEST_F(WireLab, AnswersSynsAndEndsTheRest) {
  start({});
  for (int i = 0; i < 100; ++i) put(0, packet(segment(i % 2 == 0 ? TcpFlags::kSyn : TcpFlags::kAck)));
  run_until([&] { return total().rx == 100; });
  const auto counted = total();
  EXPECT_EQ(counted[Route::kSend], 50u);
  EXPECT_EQ(counted[Drop::kBadCookie], 50u);
  EXPECT_TRUE(counted.balances());
  rte_mbuf* mbuf = sent(0);
  ASSERT_NE(mbuf, nullptr);
  EXPECT_EQ(mbuf->pkt_len, 58u);  // 14 + 20 + 20 + the MSS option
  EXPECT_EQ(std::to_integer<int>(rte_pktmbuf_mtod(mbuf, std::byte*)[47]), TcpFlags::kSyn | TcpFlags::kAck);
  rte_pktmbuf_free(mbuf);
}

TEST_F(WireLab, AnswersByThePortThatTheQuestionCameFrom) {
  const Settings two_workers{.workers = 2};
  const std::vector<std::string> devices{rings(two_workers), rings(two_workers)};
  start_on(devices, two_workers);
  // Queues 0 and 1 are those of the first port, 2 and 3 those of the second.
  for (std::size_t queue = 0; queue < 4; ++queue) {
    for (std::size_t n = 0; n <= queue; ++n) put(queue, packet(segment(TcpFlags::kSyn)));
  }
  run_until([&] { return total().rx == 10; });
  for (std::size_t queue = 0; queue < 4; ++queue) {
    std::size_t answers = 0;
    while (rte_mbuf* mbuf = sent(queue)) {
      ++answers;
      rte_pktmbuf_free(mbuf);
    }
    EXPECT_EQ(answers, queue + 1) << queue;
  }
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, TwoWorkersRunOverNetNull) {
  start_on("net_null_lab,size=64,copy=1", {.workers = 2});  // frames of zeros, as fast as they are taken
  run_until([&] { return read(cores_[0]->counters).rx > 100'000 && read(cores_[1]->counters).rx > 100'000; });
  const auto counted = total();
  EXPECT_GT(counted.rx, 200'000u);
  EXPECT_EQ(counted[Drop::kOtherMac], counted.rx);
  EXPECT_TRUE(counted.balances());
}

TEST_F(WireLab, APortBeginsAnewWhenItsDriverAsksForIt) {
  start_on("net_null_lab,size=64,copy=1", {.workers = 2});
  for (std::size_t w = 0; w < 2; ++w) launch(w);
  nic::Port& port = *ports_[0];
  const auto goes_on = [this] {
    const auto rx = total().rx;
    wait_until([&] { return total().rx > rx + 1000; });
    return total().rx > rx + 1000;
  };
  ASSERT_EQ(port.why_no_reset(), "");
  for (int round = 0; round < 50; ++round) {
    EXPECT_TRUE(goes_on()) << "after round " << round;
    EXPECT_FALSE(port.wants_reset());
    rte_eth_dev_callback_process(rte_eth_dev_allocated("net_null_lab"), RTE_ETH_EVENT_INTR_RESET, nullptr);
    EXPECT_TRUE(port.wants_reset());
    port.leave_alone();
    workers_->wait_for_turns();
    const auto before = total();
    wait_until([&] { return total().empty_polls > before.empty_polls + 10; });
    EXPECT_EQ(total().rx, before.rx) << "somebody still receives";
    port.reset();
  }
  EXPECT_TRUE(goes_on());
  stop();
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, APortThatTheTestMadeIsNotForUsToReset) {
  start({});
  EXPECT_EQ(ports_[0]->why_no_reset(), "the other side of net_ring might go with it");
}

TEST_F(WireLab, CountsWhatAFullTransmitQueueRefuses) {
  start({.out_packets = 16});
  for (int i = 0; i < 40; ++i) put(0, packet(segment(TcpFlags::kSyn)));
  run_until([&] { return total().rx == 40; });
  EXPECT_EQ(total()[Route::kSend], 15u);
  EXPECT_EQ(total()[Drop::kTxFull], 25u);
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, LinearisesFramesInSeveralBuffers) {
  start({});
  const Bytes frame = segment(TcpFlags::kSyn);
  rte_mbuf* head = packet(Bytes(frame.begin(), frame.begin() + 30));
  rte_mbuf* tail = packet(Bytes(frame.begin() + 30, frame.end()));
  ASSERT_EQ(rte_pktmbuf_chain(head, tail), 0);
  put(0, head);
  run_until([&] { return total().rx == 1; });
  EXPECT_EQ(total()[Route::kSend], 1u);
}

TEST_F(WireLab, DropsWhatDoesNotFitOneBuffer) {
  start({});
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
  start({});
  rte_mbuf* mbuf = packet(segment(TcpFlags::kSyn));
  mbuf->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
  mbuf->l4_len = 20;
  put(0, mbuf);
  run_until([&] { return total().rx == 1; });
  rte_mbuf* answer = sent(0);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->ol_flags, 0u);
  rte_pktmbuf_free(answer);
}

TEST_F(WireLab, MovesSegmentsToTheirOwnersAndLosesNoneAtTheStop) {
  start({.workers = 2});
  constexpr std::uint64_t kFrames = 900;
  for (std::uint16_t i = 0; i < kFrames; ++i)
    put(i % 2, packet(segment(TcpFlags::kAck, static_cast<std::uint16_t>(40000 + i))));
  run_until([&] { return total().rx >= kFrames; });
  const auto sum = total();
  EXPECT_EQ(sum.rx, kFrames);
  EXPECT_EQ(sum[Route::kHandOver], sum.taken_over);
  EXPECT_GT(sum.taken_over, kFrames / 4);
  EXPECT_EQ(sum[Drop::kBadCookie], kFrames);  // each was decided once, by its owner
  for (const auto& core : cores_) EXPECT_TRUE(read(core->counters).balances());
}

TEST_F(WireLab, CountsWhatAFullRingToTheOwnerRefuses) {
  start({.workers = 2});
  // Only worker 0 runs, and everything belongs to worker 1, whose ring holds 1023.
  std::uint16_t client_port = 0;
  const auto put_foreign = [&](int frames) {
    while (frames != 0) {
      const wire::Port port{++client_port};
      const auto owner =
          steering().owner<wire::Family::kIpv4>(kClient4, kService4, port, wire::Port{kServicePort});
      if (owner != 1) continue;
      put(0, packet(segment(TcpFlags::kAck, client_port)));
      --frames;
    }
  };
  launch(0);
  put_foreign(1000);
  wait_until([&] { return total().rx == 1000; });
  put_foreign(100);
  wait_until([&] { return total().rx == 1100; });
  launch(1);
  stop();
  const auto sum = total();
  EXPECT_EQ(sum[Drop::kSteerFull], 77u);
  EXPECT_EQ(sum[Route::kHandOver], 1023u);
  EXPECT_EQ(sum.taken_over, 1023u);
  for (const auto& core : cores_) EXPECT_TRUE(read(core->counters).balances());
}

TEST_F(WireLab, ShedsSynsWhileItsQueueIsBehindAndNoLonger) {
  start({});
  for (std::uint16_t i = 0; i < 1000; ++i) put(0, packet(segment(TcpFlags::kSyn, 1024 + i)));
  launch(0);
  wait_until([&] { return total().rx == 1000; });
  // Until half of the queue's 1024 has come without a gap, all are answered.
  const std::uint64_t shed = total()[Drop::kOverload];
  EXPECT_GT(shed, 100u);
  EXPECT_EQ(total()[Route::kSend], 1000 - shed);
  for (std::uint16_t i = 0; i < 20; ++i) {
    put(0, packet(segment(TcpFlags::kSyn, 1024 + i)));
    wait_until([&] { return total().rx == 1001u + i; });
  }
  stop();
  EXPECT_EQ(total()[Route::kSend], 1020 - shed);
  EXPECT_LT(shed, 1000 - 512 + kBurstMax);
  EXPECT_TRUE(total().balances());
}

/// Drivers that keep many frames in one large buffer (mlx5's multi-packet receive queue) attach them.
TEST_F(WireLab, LeavesAttachedBuffersToWhomTheyBelong) {
  start({});
  std::vector<std::byte> memory(4096);
  auto length = static_cast<std::uint16_t>(memory.size());
  int frees = 0;
  auto* owner = rte_pktmbuf_ext_shinfo_init_helper(
      memory.data(), &length, [](void*, void* count) { ++*static_cast<int*>(count); }, &frees);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_->get());
  rte_pktmbuf_attach_extbuf(mbuf, memory.data(), RTE_BAD_IOVA, length, owner);
  const Bytes frame = segment(TcpFlags::kSyn);
  std::copy(frame.begin(), frame.end(), memory.begin());
  mbuf->data_len = static_cast<std::uint16_t>(frame.size());
  mbuf->pkt_len = mbuf->data_len;
  put(0, mbuf);
  run_until([&] { return total().rx == 1; });
  rte_mbuf* answer = sent(0);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(frees, 0);
  rte_pktmbuf_free(answer);
  EXPECT_EQ(frees, 1);
}

TEST_F(WireLab, TakesJumboFramesInOneBufferOrInSeveral) {
  start({.packet_bytes = nic::longest_frame(9000), .mtu = 9000});
  EXPECT_EQ(ports_.front()->info().mtu, 9000u);
  const Bytes frame = FrameBuilder{}
                          .mac(kRingMac, kPeerMac)
                          .ipv4(kClient4, kService4)
                          .tcp(40000, kServicePort, TcpFlags::kSyn)
                          .payload(Bytes(9000 - 40))
                          .build();
  put(0, packet(frame));
  rte_mbuf* head = packet(Bytes(frame.begin(), frame.begin() + 2048));
  for (std::size_t at = 2048; at < frame.size(); at += 2048) {
    const auto end = std::min(at + 2048, frame.size());
    const Bytes piece(frame.data() + at, frame.data() + end);
    ASSERT_EQ(rte_pktmbuf_chain(head, packet(piece)), 0);
  }
  put(0, head);
  run_until([&] { return total().rx == 2; });
  EXPECT_EQ(total()[Route::kSend], 2u);
  EXPECT_TRUE(total().balances());
}

TEST_F(WireLab, TellsPaddingFromPacketAndRuntsFromFrames) {
  start({});
  const Bytes syn = segment(TcpFlags::kSyn);
  Bytes padded = syn;
  padded.resize(kShortestFrame, std::byte{0xa5});
  put(0, packet(padded));
  for (const int runt : {0, 1, 13}) put(0, packet(Bytes(syn.begin(), syn.begin() + runt)));
  run_until([&] { return total().rx == 4; });
  EXPECT_EQ(total()[Drop::kTruncatedFrame], 3u);
  rte_mbuf* answer = sent(0);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->pkt_len, 58u);  // by the IP header's length, not the frame's
  rte_pktmbuf_free(answer);
}

TEST_F(WireLab, SendsWhatStandsInTheOutboxAndCountsItApart) {
  start({.out_packets = 16});
  for (std::uint8_t i = 0; i < 20; ++i) {
    Outbox::Frame* frame = cores_[0]->outbox.add();
    ASSERT_NE(frame, nullptr);
    *frame = {.port = 0, .bytes = 60, .data = {std::byte{i}}};
  }
  run_until([&] { return total().originated != 0; });
  EXPECT_EQ(total().originated, 15u);
  EXPECT_EQ(total().originated_dropped, 5u);
  EXPECT_EQ(total().rx, 0u);
  EXPECT_EQ(cores_[0]->outbox.size(), 0u);
  for (int i = 0; i < 15; ++i) {
    rte_mbuf* mbuf = sent(0);
    ASSERT_NE(mbuf, nullptr);
    EXPECT_EQ(mbuf->pkt_len, 60u);
    EXPECT_EQ(*rte_pktmbuf_mtod(mbuf, std::byte*), std::byte(i));
    rte_pktmbuf_free(mbuf);
  }
}

/// Idle for so many turns; how often the worker slept meanwhile is the kernel's own count.
struct PollCase {
  const char* name;
  Poll poll;
  std::uint64_t turns;
  long least, most;
};
class IdleWorker : public WireLab, public testing::WithParamInterface<PollCase> {};

TEST_P(IdleWorker, SleepsOnlyWhenItMay) {
  const PollCase& row = GetParam();
  start({.poll = row.poll});
  run_until([&] { return total().empty_polls >= row.turns; });
  EXPECT_GE(total().empty_polls, row.turns);
  EXPECT_GE(arguments_[0].sleeps, row.least);
  EXPECT_LE(arguments_[0].sleeps, row.most);
}
// An adaptive worker spins for 256 turns and naps in each that follows; a nap that is over at once counts for
// none. A busy worker may wait for a lock of the kernel's now and then.
constexpr PollCase kPollCases[] = {
    {.name = "Adaptive",
     .poll = Poll::kAdaptive,
     .turns = 512,
     .least = 128,
     .most = std::numeric_limits<long>::max()},
    {.name = "Busy", .poll = Poll::kBusy, .turns = 100'000, .least = 0, .most = 100},
};
INSTANTIATE_TEST_SUITE_P(Polling, IdleWorker, testing::ValuesIn(kPollCases),
                         [](const auto& test) { return std::string(test.param.name); });

struct VerdictCase {
  const char* name;
  std::uint64_t flags;
  bool corrupt;
  Route verdict;
};
class NicVerdict : public WireLab, public testing::WithParamInterface<VerdictCase> {};

TEST_P(NicVerdict, CountsOnlyWhenItIsGood) {
  const auto& [name, flags, corrupt, verdict] = GetParam();
  start({});
  FrameBuilder frame;
  frame.mac(kRingMac, kPeerMac).ipv4(kClient4, kService4).tcp(40000, kServicePort, TcpFlags::kSyn);
  if (corrupt) frame.wrong_checksum().wrong_ip_checksum();
  rte_mbuf* mbuf = packet(frame.build());
  mbuf->ol_flags = flags;
  put(0, mbuf);
  run_until([&] { return total().rx == 1; });
  EXPECT_EQ(total()[verdict], 1u);
}

constexpr VerdictCase kVerdicts[] = {
    {.name = "GoodIsTrusted",
     .flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
     .corrupt = true,
     .verdict = Route::kSend},
    {.name = "BadMayMeanNotUnderstood",
     .flags = RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD,
     .corrupt = false,
     .verdict = Route::kSend},
    // "None" is both bits, so a test for the good bit alone would trust it.
    {.name = "NoneIsNotGood",
     .flags = RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE,
     .corrupt = true,
     .verdict = Route::kDrop},
    {.name = "UnknownIsVerified", .flags = 0, .corrupt = true, .verdict = Route::kDrop},
};
INSTANTIATE_TEST_SUITE_P(ChecksumFlags, NicVerdict, testing::ValuesIn(kVerdicts),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::test
