// From the client's cookie to the splice: the backend's half of the handshake.
#include "tests/support/lab_backend.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;
using Flags = wire::TcpFlags;

template <typename Type>
using BackendHandshake = ProxyTest<Type>;
TYPED_TEST_SUITE(BackendHandshake, Families);

TYPED_TEST(BackendHandshake, AsksTheBackendWithTheClientsOwnIsnAndOptions) {
  const handshake::Segment syn = this->promote();
  EXPECT_EQ(syn.flags, Flags::kSyn);
  EXPECT_EQ(syn.seq.value(), this->client.isn);
  EXPECT_EQ(syn.options.mss, 1460);
  EXPECT_EQ(syn.options.window_scale, 7);
  EXPECT_TRUE(syn.options.sack_permitted);
  ASSERT_TRUE(syn.options.timestamps);
  EXPECT_EQ(syn.options.timestamps->tsval, this->client.tsval);
  EXPECT_EQ(syn.options.timestamps->tsecr, 0u);
  EXPECT_EQ(syn.window, 65535);  // 64240 << 7 is more than a SYN can say
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kUnfinished);
}

TYPED_TEST(BackendHandshake, TheAckIsNoSampleOfTheRoundTripAndWhatWasHeldFollowsInOrder) {
  const handshake::Segment syn = this->promote();
  EXPECT_EQ(this->lab.run(this->client.text("one")).verdict, Route::kHold);
  EXPECT_EQ(this->lab.run(this->client.text("three")).verdict, Route::kHold);
  const auto got = this->answer(syn);
  ASSERT_EQ(got.size(), 4u);
  for (const auto& segment : got) {
    EXPECT_EQ(segment.ack.value(), this->backend.isn + 1);
    ASSERT_TRUE(segment.options.timestamps);
    EXPECT_EQ(segment.options.timestamps->tsecr, &segment == got.data() ? 0 : this->backend.tsval);
  }
  EXPECT_EQ(got[0].flags, Flags::kAck);
  EXPECT_EQ(got[0].seq.value(), this->client.isn + 1);
  EXPECT_EQ(got[2].seq.value(), this->client.isn + 1);
  EXPECT_EQ(got[2].text_bytes, 3u);
  EXPECT_EQ(got[3].seq.value(), this->client.isn + 4);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  EXPECT_EQ(this->lab.core.held.size(), 0u);
  EXPECT_EQ(this->lab.core.pending.size(), 0u);
  EXPECT_EQ(this->counted(Event::kBackendEstablished), 1u);
}

TYPED_TEST(BackendHandshake, TheFirstTextPromotesAsWellWhenTheAckWasLost) {
  this->client.ask();
  EXPECT_EQ(this->lab.run(this->client.text("GET /")).verdict, Route::kHold);
  const auto got = this->answer(this->syn_to_backend());
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[1].text_bytes, 5u);
}

TYPED_TEST(BackendHandshake, SegmentsOfOneBurstAreHeldInTheirOrder) {
  this->client.ask();
  const std::vector<Bytes> burst{this->client.ack(), this->client.text("a"), this->client.fin()};
  for (const Outcome& outcome : this->lab.run(burst)) EXPECT_EQ(outcome.verdict, Route::kHold);
  const auto got = this->answer(this->syn_to_backend());
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[2].text_bytes, 1u);
  EXPECT_TRUE(got[3].has(Flags::kFin));
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kCloseWait);
}

TYPED_TEST(BackendHandshake, HoldsABoundedNumberOfSegmentsOfOneConnection) {
  this->promote();
  for (std::size_t n = 1; n < proxy::kHeldMost; ++n)
    EXPECT_EQ(this->lab.run(this->client.text("x")).verdict, Route::kHold);
  EXPECT_EQ(this->lab.run(this->client.text("x")).reason, Drop::kHoldFull);
}

/// Of the places of a core, one backend alone has four fifths: what OwnedPlan gives, 128 packets and 64
/// handshakes.
constexpr std::size_t kHeldOfOne = 103, kPendingOfOne = 52;

TYPED_TEST(BackendHandshake, HoldsABoundedNumberOfSegmentsOfOneBackend) {
  std::size_t held = 0;
  for (std::uint16_t c = 0; c < kHeldOfOne / proxy::kHeldMost + 2; ++c) {
    typename TestFixture::Client one{this->lab, static_cast<std::uint16_t>(41000 + c)};
    one.ask();
    for (std::size_t n = 0; n < proxy::kHeldMost; ++n) {
      const Outcome outcome = this->lab.run(n == 0 ? one.ack() : one.text("x"));
      held += outcome.verdict == Route::kHold ? 1 : 0;
      EXPECT_EQ(outcome.reason, outcome.verdict == Route::kHold ? Drop::kNone : Drop::kHoldFull);
    }
    EXPECT_EQ(one.phase(), ConnectionPhase::kUnfinished);  // the handshake goes on all the same
  }
  EXPECT_EQ(held, kHeldOfOne);
}

TYPED_TEST(BackendHandshake, OpensABoundedNumberOfHandshakesWithOneBackend) {
  for (std::uint16_t c = 0; c < kPendingOfOne + 1; ++c) {
    typename TestFixture::Client one{this->lab, static_cast<std::uint16_t>(41000 + c)};
    one.ask();
    const Outcome outcome = this->lab.run(one.ack());
    EXPECT_EQ(outcome.verdict, c == kPendingOfOne ? Route::kDrop : Route::kHold);
    EXPECT_EQ(outcome.reason, c == kPendingOfOne ? Drop::kPendingFull : Drop::kNone);
    if (c == kPendingOfOne) {
      EXPECT_EQ(one.phase(), std::nullopt);
    }
  }
}

TYPED_TEST(BackendHandshake, ABackendThatAnswersNobodyLeavesRoomForTheOthers) {
  for (std::uint16_t c = 0; c < kPendingOfOne; ++c) {
    typename TestFixture::Client one{this->lab, static_cast<std::uint16_t>(41000 + c)};
    one.ask();
    for (std::size_t n = 0; n < proxy::kHeldMost; ++n) this->lab.run(n == 0 ? one.ack() : one.text("x"));
  }
  this->lab.take_originated();
  constexpr auto kOther =
      TestFixture::kFamily == wire::Family::kIpv4 ? wire::Family::kIpv6 : wire::Family::kIpv4;
  LabClient<kOther> other{this->lab};
  other.ask();
  EXPECT_EQ(this->lab.run(other.ack()).verdict, Route::kHold);
  EXPECT_EQ(this->lab.run(other.text("hello")).verdict, Route::kHold);
}

TYPED_TEST(BackendHandshake, ABurstOfClientsThatBeginAnewAsksForAllOfThem) {
  std::vector<typename TestFixture::Client> clients;
  clients.reserve(kPendingOfOne);
  for (std::uint16_t c = 0; c < kPendingOfOne; ++c) {
    auto& one = clients.emplace_back(this->lab, static_cast<std::uint16_t>(41000 + c)).ask();
    this->lab.run(one.ack());
    const auto syn = this->syn_to_backend();
    this->lab.run_inside(typename TestFixture::Backend{one}.syn_ack(syn));
    this->lab.take_released();
  }
  this->lab.pass(1'000);
  std::vector<Bytes> acks;
  acks.reserve(clients.size());
  for (auto& one : clients) {
    one.isn = 0x7000'0000;
    one.next = one.isn + 1;
    acks.push_back(one.ask().ack());
  }
  for (const Outcome& outcome : this->lab.run(acks)) EXPECT_EQ(outcome.verdict, Route::kHold);
  EXPECT_EQ(this->lab.take_originated().size(),
            3 * clients.size());  // an RST for the old half, and the SYN twice
}

TYPED_TEST(BackendHandshake, AFullTableMakesRoomOfTheOldestThatWaitsAndForgetsWhatItHeld) {
  PipelineLab small{PipelineLab::default_services(), 12, 64, PipelineLab::Mode::kInline};
  const std::size_t slots = small.core.table<TestFixture::kFamily>().slots();
  std::vector<typename TestFixture::Client> clients;
  clients.reserve(slots + 1);
  for (std::size_t c = 0; c < slots; ++c) {
    auto& one = clients.emplace_back(small, static_cast<std::uint16_t>(41000 + c)).ask();
    EXPECT_EQ(small.run(one.ack()).verdict, Route::kHold);
  }
  auto& last = clients.emplace_back(small, std::uint16_t{50000}).ask();
  EXPECT_EQ(small.run(last.ack()).verdict, Route::kHold);
  EXPECT_EQ(read(small.core.counters)[Event::kUnfinishedEvicted], 1u);
  small.pass(8'000);
  EXPECT_EQ(small.core.pending.size(), 0u);
}

TYPED_TEST(BackendHandshake, TheSynIsRepeatedAfterOneAndThreeSecondsAndTheClientResetAfterSeven) {
  this->promote();
  const auto flags_of = [](const std::vector<Bytes>& frames) {
    std::vector<int> flags;
    flags.reserve(frames.size());
    for (const Bytes& frame : frames) flags.push_back(segment_in<TestFixture::kFamily>(frame).flags);
    return flags;
  };
  EXPECT_EQ(flags_of(this->lab.pass(900)), (std::vector<int>{}));
  EXPECT_EQ(flags_of(this->lab.pass(300)), (std::vector<int>{Flags::kSyn, Flags::kSyn}));
  EXPECT_EQ(flags_of(this->lab.pass(1700)), (std::vector<int>{}));
  EXPECT_EQ(flags_of(this->lab.pass(400)), (std::vector<int>{Flags::kSyn, Flags::kSyn}));
  EXPECT_EQ(flags_of(this->lab.pass(3500)), (std::vector<int>{}));
  const auto last = this->lab.pass(600);
  ASSERT_EQ(flags_of(last), (std::vector<int>{Flags::kRst | Flags::kAck}));
  const auto rst = segment_in<TestFixture::kFamily>(last[0]);
  EXPECT_EQ(rst.seq.value(), this->client.service_next);
  EXPECT_EQ(rst.ack.value(), this->client.next);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  EXPECT_EQ(this->lab.core.held.size(), 0u);
  EXPECT_EQ(this->counted(Event::kBackendSilent), 1u);
  EXPECT_EQ(this->counted(Event::kBackendSynRepeated), 2u);
}

std::uint64_t taken_us(const CoreState& core, Timing what) {
  return read(core.counters).timing[static_cast<std::size_t>(what)].sum;
}

TYPED_TEST(BackendHandshake, IsTimedAndIsARoundTrip) {
  const auto syn = this->promote();
  this->lab.pass(250);
  this->answer(syn);
  EXPECT_EQ(taken_us(this->lab.core, Timing::kBackendEstablished), 250'000u);
  EXPECT_EQ(taken_us(this->lab.core, Timing::kBackendRoundTrip), 250'000u);
}

TYPED_TEST(BackendHandshake, IsNoRoundTripWhenTheSynWasRepeated) {
  const auto syn = this->promote();
  this->lab.pass(1200);
  this->lab.take_originated();
  this->answer(syn);
  EXPECT_EQ(taken_us(this->lab.core, Timing::kBackendEstablished), 1'200'000u);
  EXPECT_EQ(taken_us(this->lab.core, Timing::kBackendRoundTrip), 0u);
}

TYPED_TEST(BackendHandshake, AnAnswerThatComesTooLateIsReset) {
  const auto syn = this->promote();
  this->lab.pass(8000);
  const Outcome outcome = this->lab.run_inside(this->backend.syn_ack(syn));
  EXPECT_EQ(outcome.verdict, Route::kSend);
  const auto rst = segment_in<TestFixture::kFamily>(outcome.frame);
  EXPECT_EQ(rst.flags, Flags::kRst);
  EXPECT_EQ(rst.seq.value(), this->client.isn + 1);
}

TYPED_TEST(BackendHandshake, AClosedPortGetsTheClientAResetInItsOwnNumbers) {
  this->promote();
  const Bytes refusal =
      this->backend.frame(Flags::kRst | Flags::kAck).seq(0).ack(this->client.isn + 1).build();
  const auto rst = this->to_client(refusal);
  EXPECT_EQ(this->lab.run_inside(refusal).reason, Drop::kRefusedAgain);
  EXPECT_EQ(rst.flags, Flags::kRst | Flags::kAck);
  EXPECT_EQ(rst.seq.value(), this->client.service_next);
  EXPECT_EQ(rst.ack.value(), this->client.isn + 1);
  EXPECT_EQ(this->counted(Event::kBackendRefused), 1u);
  EXPECT_EQ(this->lab.core.held.size(), 0u);
}

TYPED_TEST(BackendHandshake, AnswersThatAreNotToOurSynChangeNothing) {
  this->promote();
  const auto of = [&](int flags, std::uint32_t ack) {
    return this->backend.frame(flags).seq(5).ack(ack).build();
  };
  for (const Bytes& frame :
       {of(Flags::kRst | Flags::kAck, this->client.isn), of(Flags::kRst, 0), of(Flags::kSyn, 0)})
    EXPECT_EQ(this->lab.run_inside(frame).reason, Drop::kBackendUnexpected);
  EXPECT_EQ(this->lab
                .run_inside(this->backend.frame(Flags::kSyn | Flags::kAck)
                                .ack(this->client.isn + 1)
                                .wrong_checksum()
                                .build())
                .reason,
            Drop::kBadTcpChecksum);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kUnfinished);
}

TYPED_TEST(BackendHandshake, AStaleSocketOfTheBackendIsResetAndAskedAgainAtOnce) {
  const auto syn = this->promote();
  const Bytes challenge = this->backend.frame(Flags::kAck).seq(77).ack(0x12345678).build();
  for (int n = 0; n < 3; ++n) {
    const Outcome outcome = this->lab.run_inside(challenge);
    EXPECT_EQ(outcome.verdict, Route::kSend);
    const auto rst = segment_in<TestFixture::kFamily>(outcome.frame);
    EXPECT_EQ(rst.flags, Flags::kRst);
    EXPECT_EQ(rst.seq.value(), 0x12345678u);
    EXPECT_EQ(this->syn_to_backend().seq.value(), this->client.isn);
  }
  EXPECT_EQ(this->lab.run_inside(challenge).reason, Drop::kBackendUnexpected);  // it does not listen
  EXPECT_EQ(this->answer(syn).size(), 2u);
}

TYPED_TEST(BackendHandshake, TheClientsResetEndsTheWaitAndReachesTheBackend) {
  this->promote();
  Bytes elsewhere = this->client.segment(Flags::kRst).seq(this->client.next + 1).build();
  EXPECT_EQ(this->lab.run(elsewhere).reason, Drop::kRstOutsideWindow);
  const auto rst = this->to_backend(this->client.rst());
  EXPECT_EQ(rst.flags, Flags::kRst);
  EXPECT_EQ(rst.seq.value(), this->client.isn + 1);
  EXPECT_EQ(this->lab.core.held.size(), 0u);
  EXPECT_EQ(this->counted(Event::kResetByClient), 1u);
}

TYPED_TEST(BackendHandshake, AnAbortRightBehindHeldTextEndsTheWaitAsWell) {
  this->promote();
  EXPECT_EQ(this->lab.run(this->client.text("abc")).verdict, Route::kHold);
  const Bytes inside = this->client.frame(Flags::kRst).seq(this->client.next - 1).ack(0).build();
  EXPECT_EQ(this->lab.run(inside).reason, Drop::kRstOutsideWindow);
  const auto rst = this->to_backend(this->client.rst());
  EXPECT_EQ(rst.seq.value(), this->client.isn + 1);  // the backend has seen no text
  EXPECT_EQ(this->counted(Event::kResetByClient), 1u);
}

TYPED_TEST(BackendHandshake, ASynAckThatComesAgainIsAcknowledgedAgain) {
  const auto syn = this->promote();
  this->answer(syn);
  const Outcome again = this->lab.run_inside(this->backend.syn_ack(syn));
  EXPECT_EQ(again.verdict, Route::kSend);
  const auto ack = segment_in<TestFixture::kFamily>(again.frame);
  EXPECT_EQ(ack.flags, Flags::kAck);
  EXPECT_EQ(ack.seq.value(), this->client.isn + 1);
  EXPECT_EQ(ack.ack.value(), this->backend.isn + 1);
  EXPECT_EQ(ack.options.timestamps->tsecr, 0u);
  EXPECT_EQ(ack.window, 64240);
}

TYPED_TEST(BackendHandshake, AClientThatBeginsAnewWhileItWaitsIsAskedForAnew) {
  this->promote();
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 0x7000'0000;
  rebooted.next = rebooted.isn + 1;
  this->lab.pass(600);
  rebooted.ask();
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kHold);
  EXPECT_EQ(this->syn_to_backend().seq.value(), rebooted.isn);
  EXPECT_EQ(this->lab.core.pending.size(), 1u);
  EXPECT_EQ(this->lab.core.held.size(), 1u);
  EXPECT_EQ(this->counted(Event::kReplaced), 1u);
}

}  // namespace
}  // namespace synward::test
