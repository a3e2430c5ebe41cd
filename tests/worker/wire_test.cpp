// A bump in the wire with real mbufs: what leaves by which port, in which order, and that nothing is lost or
// kept.
#include <optional>

#include "tests/worker/wire_lab.hpp"

namespace synward::test {
namespace {

using wire::Family;
using Flags = wire::TcpFlags;

/// Queues [0, workers) are the outside port's, the next as many the inside one's.
class Inline : public WireLab {
 protected:
  void start_inline(std::uint16_t workers) {
    workers_count = workers;
    const Settings settings{.workers = workers, .is_inline = true};
    const std::vector<std::string> devices{rings(settings), rings(settings)};
    start_on(devices, settings);
    for (std::size_t w = 0; w < workers; ++w) launch(w);
  }
  /// The next frame that leaves by `port`, by whichever queue; five seconds at most.
  std::optional<Bytes> next(std::size_t port) {
    rte_mbuf* mbuf = nullptr;
    wait_until([&] {
      for (std::size_t q = 0; q < workers_count && mbuf == nullptr; ++q)
        mbuf = sent(port * workers_count + q);
      return mbuf != nullptr;
    });
    if (mbuf == nullptr) return std::nullopt;
    const auto* data = rte_pktmbuf_mtod(mbuf, const std::byte*);
    Bytes frame(data, data + mbuf->data_len);
    rte_pktmbuf_free(mbuf);
    return frame;
  }
  handshake::Segment segment_from(std::size_t port) {
    const auto frame = next(port);
    if (!frame) {
      ADD_FAILURE() << "nothing left by port " << port;
      return {};
    }
    const auto received = handshake::parse_frame<Family::kIpv4>(*frame);
    EXPECT_TRUE(received) << "no intact segment";
    return received ? received->segment : handshake::Segment{};
  }
  static FrameBuilder from_client(int flags, std::uint32_t seq, std::uint32_t ack,
                                  std::uint16_t port = 40000) {
    FrameBuilder built;
    built.ipv4(kClient4, kService4).tcp(port, kServicePort, static_cast<std::uint8_t>(flags));
    built.seq(seq).ack(ack);
    return built;
  }
  static FrameBuilder from_backend(int flags, std::uint32_t seq, std::uint32_t ack,
                                   std::uint16_t port = 40000) {
    FrameBuilder built;
    built.ipv4(kService4, kClient4).tcp(kServicePort, port, static_cast<std::uint8_t>(flags));
    built.seq(seq).ack(ack);
    return built;
  }
  void put_outside(const Bytes& frame) { put(0, packet(frame)); }
  void put_inside(const Bytes& frame) { put(workers_count, packet(frame)); }

  /// What asks the backend: twice the same SYN.
  handshake::Segment syn_to_backend() {
    const auto syn = segment_from(1), again = segment_from(1);
    EXPECT_EQ(syn.flags, Flags::kSyn);
    EXPECT_EQ(again.flags, Flags::kSyn);
    EXPECT_EQ(again.seq.value(), syn.seq.value());
    return syn;
  }

  std::size_t workers_count = 1;
  static constexpr std::uint32_t kIsn = 1000, kBackendIsn = 77'000;
};

TEST_F(Inline, PassesWhatConcernsNoServiceToTheOtherSide) {
  start_inline(1);
  const Bytes ping = FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 2).payload("ping").build();
  put_outside(ping);
  EXPECT_EQ(next(1), ping);
  put_inside(ping);
  EXPECT_EQ(next(0), ping);
  stop();
  EXPECT_TRUE(total().balances());
  EXPECT_EQ(total()[Route::kForward], 2u);
}

TEST_F(Inline, LosesAndCountsWhatIsForAPortThatIsLeftAlone) {
  start_inline(1);
  ports_[1]->leave_alone();
  workers_->wait_for_turns();
  const Bytes ping = FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 2).payload("ping").build();
  put_outside(ping);
  wait_until([&] { return total().rx == 1; });
  stop();
  EXPECT_EQ(total()[Drop::kTxFull], 1u);
  EXPECT_TRUE(total().balances());
}

TEST_F(Inline, ReleasesWhatWasHeldBehindTheAckAndInOrder) {
  start_inline(1);
  put_outside(from_client(Flags::kSyn, kIsn, 0).build());
  const auto cookie = segment_from(0);
  ASSERT_EQ(cookie.flags, Flags::kSyn | Flags::kAck);
  const std::uint32_t ack = cookie.seq.value() + 1;
  put_outside(from_client(Flags::kAck, kIsn + 1, ack).build());
  for (std::uint32_t n = 0; n < 10; ++n)
    put_outside(from_client(Flags::kAck | Flags::kPsh, kIsn + 1 + n, ack).payload("x").build());
  EXPECT_EQ(syn_to_backend().seq.value(), kIsn);
  wait_until([&] { return total().rx == 12 && total().held_now == 11; });
  put_inside(from_backend(Flags::kSyn | Flags::kAck, kBackendIsn, kIsn + 1).build());
  EXPECT_EQ(segment_from(1).ack.value(), kBackendIsn + 1);  // our own
  EXPECT_EQ(segment_from(1).text_bytes, 0u);                // the client's
  for (std::uint32_t n = 0; n < 10; ++n) {
    const auto text = segment_from(1);
    EXPECT_EQ(text.seq.value(), kIsn + 1 + n);
    EXPECT_EQ(text.ack.value(), kBackendIsn + 1);
  }
  put_inside(from_backend(Flags::kAck, kBackendIsn + 1, kIsn + 11).payload("answer").build());
  EXPECT_EQ(segment_from(0).seq.value(), ack);
  stop();
  EXPECT_TRUE(total().balances());
  EXPECT_EQ(total().released, 11u);
  EXPECT_EQ(total().held_now, 0u);
}

TEST_F(Inline, AStopGivesBackWhatIsStillHeld) {
  start_inline(1);
  put_outside(from_client(Flags::kSyn, kIsn, 0).build());
  const std::uint32_t ack = segment_from(0).seq.value() + 1;
  put_outside(from_client(Flags::kAck, kIsn + 1, ack).payload("never delivered").build());
  syn_to_backend();
  stop();
  EXPECT_TRUE(total().balances());
  EXPECT_EQ(total().held_dropped, 1u);
  EXPECT_EQ(total().held_now, 0u);  // and TearDown() looks whether a packet leaked
}

TEST_F(Inline, BothDirectionsMeetAtOneOfTwoWorkers) {
  start_inline(2);
  for (std::uint16_t port = 40000; port < 40016; ++port) {
    put_outside(from_client(Flags::kSyn, kIsn, 0, port).build());
    const std::uint32_t ack = segment_from(0).seq.value() + 1;
    put_outside(from_client(Flags::kAck, kIsn + 1, ack, port).build());
    ASSERT_EQ(syn_to_backend().seq.value(), kIsn) << port;
    put_inside(from_backend(Flags::kSyn | Flags::kAck, kBackendIsn, kIsn + 1, port).build());
    ASSERT_EQ(segment_from(1).ack.value(), kBackendIsn + 1) << port;
    ASSERT_EQ(segment_from(1).ack.value(), kBackendIsn + 1) << port;
    put_inside(from_backend(Flags::kAck, kBackendIsn + 1, kIsn + 1, port).payload("hello").build());
    ASSERT_EQ(segment_from(0).seq.value(), ack) << port;
  }
  stop();
  EXPECT_TRUE(total().balances());
  EXPECT_EQ(total()[Event::kBackendEstablished], 16u);
  EXPECT_GT(total().taken_over, 0u);
}

}  // namespace
}  // namespace synward::test
