// Spliced connections: what each end sees of the other, and how they end.
#include "tests/support/lab_backend.hpp"

namespace synward::test {
namespace {

using Flags = wire::TcpFlags;
using table::ConnectionPhase;

template <typename Type>
using Spliced = ProxyTest<Type>;
TYPED_TEST_SUITE(Spliced, Families);

TYPED_TEST(Spliced, EachEndSeesOnePeerThatNeverChangedItsMind) {
  this->open();
  const auto question = this->to_backend(this->client.text("question"));
  EXPECT_EQ(question.seq.value(), this->client.isn + 1);
  EXPECT_EQ(question.ack.value(), this->backend.isn + 1);
  EXPECT_EQ(question.options.timestamps->tsecr, this->backend.tsval);
  this->backend.client_next += 8;
  *this->backend.tsval += 25;
  const auto answer = this->to_client(this->backend.text("answer"));
  EXPECT_EQ(answer.seq.value(), this->client.service_next);
  EXPECT_EQ(answer.ack.value(), this->client.next);
  // 25 ms after the moment of the SYN-ACK, by the clock that the client knows.
  EXPECT_EQ(answer.options.timestamps->tsval, this->client.agreed_timestamps->tsval + 25);
  EXPECT_EQ(answer.options.timestamps->tsecr, this->client.tsval);
}

TYPED_TEST(Spliced, AServerThatSpeaksFirstIsHeard) {
  this->open();
  const auto greeting = this->to_client(this->backend.text("220 ready"));
  EXPECT_EQ(greeting.seq.value(), this->client.service_next);
  EXPECT_EQ(greeting.text_bytes, 9u);
}

TYPED_TEST(Spliced, ACorruptSegmentArrivesCorruptInBothDirections) {
  this->open();
  const Outcome up = this->lab.run(this->client.segment().payload("x").wrong_checksum().build());
  EXPECT_EQ(up.verdict, Route::kForward);
  EXPECT_FALSE(handshake::parse_frame<TestFixture::kFamily>(up.frame));
  const Outcome down = this->lab.run_inside(this->backend.segment().payload("x").wrong_checksum().build());
  EXPECT_EQ(down.verdict, Route::kForward);
  EXPECT_FALSE(handshake::parse_frame<TestFixture::kFamily>(down.frame));
}

TYPED_TEST(Spliced, AHalfClosedConnectionLivesAsLongAsAnOpenOne) {
  this->open();
  this->to_backend(this->client.fin());
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kCloseWait);
  EXPECT_TRUE(this->lab.pass(7'000'000, 10'000).empty());  // two hours less four minutes
  const auto late = this->to_client(this->backend.text("still here"));
  EXPECT_EQ(late.seq.value(), this->client.service_next);
}

TYPED_TEST(Spliced, BothFinsAndAMinuteOfSilenceEndIt) {
  this->open();
  this->to_client(this->backend.fin());
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kFinWait2);
  this->client.service_next += 1;
  this->to_backend(this->client.fin());
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTimeWait);
  this->backend.client_next += 1;
  this->to_client(this->backend.segment().build());
  this->lab.pass(50'000);
  this->to_client(this->backend.segment().build());  // the last ACK again: it still finds its way
  EXPECT_TRUE(this->lab.pass(55'000).empty());
  EXPECT_EQ(this->counted(Event::kClosed), 0u);
  EXPECT_TRUE(this->lab.pass(10'000).empty());
  EXPECT_EQ(this->counted(Event::kClosed), 1u);
}

TYPED_TEST(Spliced, AClosedConnectionIsTranslatedAsLongAsAnEndMayRepeatWhatIsMissing) {
  for (const bool client_has_all : {false, true}) {
    this->client =
        typename TestFixture::Client{this->lab, client_has_all ? std::uint16_t{40001} : std::uint16_t{40000}};
    this->backend = typename TestFixture::Backend{this->client};
    this->open();
    const Bytes missing = this->client.text("missing");
    this->to_client(this->backend.fin());
    if (client_has_all) this->client.service_next += 1;
    this->to_backend(this->client.fin());  // the other has not acknowledged it
    this->lab.pass(125'000);               // longer than Linux ever waits to repeat it
    EXPECT_EQ(this->to_backend(missing).ack.value(), this->backend.isn + 1);
    this->lab.pass(152'000);
    EXPECT_EQ(this->client.phase(), std::nullopt);
  }
}

TYPED_TEST(Spliced, AResetGoesOnInTheNumbersOfWhoeverGetsIt) {
  this->open();
  this->to_backend(this->client.text("abc"));
  const auto up = this->to_backend(this->client.rst());
  EXPECT_EQ(up.seq.value(), this->client.next);
  const auto down = this->to_client(this->backend.frame(Flags::kRst).seq(this->backend.next).ack(0).build());
  EXPECT_EQ(down.seq.value(), this->client.service_next);
}

TYPED_TEST(Spliced, TheEndpointJudgesAResetAndOnlySilenceAfterItEndsTheConnection) {
  this->open();
  this->to_backend(this->client.rst());
  this->lab.pass(30'000);
  this->to_client(this->backend.segment().build());  // a challenge: the backend refused it
  this->lab.pass(100'000);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  this->to_client(this->backend.frame(Flags::kRst).seq(this->backend.next).ack(0).build());
  EXPECT_TRUE(this->lab.pass(61'000).empty());
  EXPECT_EQ(this->counted(Event::kResetByBackend), 1u);
  EXPECT_EQ(this->counted(Event::kResetByClient), 0u);
}

TYPED_TEST(Spliced, ABlindResetFarFromTheWindowIsDropped) {
  this->open();
  const Bytes blind = this->client.segment(Flags::kRst).seq(this->client.next + (1u << 25)).build();
  EXPECT_EQ(this->lab.run(blind).reason, Drop::kRstOutsideWindow);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(Spliced, AResetThatIsNotExactPassesAndBeginsNoSilence) {
  this->open();
  const auto near =
      this->to_backend(this->client.frame(Flags::kRst).seq(this->client.next + 100).ack(0).build());
  EXPECT_EQ(near.seq.value(), this->client.next + 100);
  this->to_client(this->backend.frame(Flags::kRst).seq(this->backend.next - 1).ack(0).build());
  this->lab.pass(200'000);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(Spliced, AFinThatKnowsOneDirectionOnlyPassesAndMovesNothing) {
  this->open();
  const Bytes blind =
      this->client.segment(Flags::kFin | Flags::kAck).ack(this->client.service_next + (1u << 27)).build();
  EXPECT_EQ(this->lab.run(blind).verdict, Route::kForward);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  this->lab.pass(1'000);
  EXPECT_EQ(this->to_backend(this->client.text("still here")).seq.value(), this->client.isn + 1);
}

TYPED_TEST(Spliced, CookiesAgainstALiveConnectionAreTriedOnceATick) {
  this->open();
  this->lab.pass(5'000);
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 0x7000'0000;
  rebooted.next = rebooted.isn + 1;
  rebooted.ask();
  const Bytes guess = this->client.segment().seq(0x5555'0000).ack(0x5555'0000).build();
  EXPECT_EQ(this->lab.run(guess).verdict, Route::kForward);  // it may be anybody's; the endpoint judges
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->counted(Event::kReplaced), 0u);
  this->lab.pass(300);
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kHold);
  EXPECT_EQ(this->counted(Event::kReplaced), 1u);
}

TYPED_TEST(Spliced, AfterTheIdleTimeoutBothEndsAreReset) {
  this->open();
  this->to_backend(this->client.text("abc"));
  this->to_client(this->backend.text("defgh"));
  const auto sent = this->lab.pass(7'450'000, 10'000);
  ASSERT_EQ(sent.size(), 2u);
  const auto to_client = segment_in<TestFixture::kFamily>(sent[0]);
  EXPECT_EQ(to_client.seq.value(), this->client.service_next + 5);
  EXPECT_EQ(to_client.ack.value(), this->client.next);
  const auto to_backend = segment_in<TestFixture::kFamily>(sent[1]);
  EXPECT_EQ(to_backend.seq.value(), this->client.next);
  EXPECT_EQ(to_backend.ack.value(), this->backend.next);
  EXPECT_EQ(this->counted(Event::kIdleReset), 1u);
}

TYPED_TEST(Spliced, ASynOnALiveTupleTouchesNothingUntilItsCookieComesBack) {
  this->open();
  typename TestFixture::Client spoofed{this->lab};
  spoofed.isn = 0x7000'0000;
  spoofed.ask();
  const auto text = this->to_backend(this->client.text("unharmed"));
  EXPECT_EQ(text.ack.value(), this->backend.isn + 1);
  EXPECT_TRUE(this->lab.take_originated().empty());
}

TYPED_TEST(Spliced, AClientThatRebootedResetsItsOldBackendHalfAndGetsANewOne) {
  this->open();
  this->to_backend(this->client.text("old"));
  this->lab.pass(1'000);
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 0x7000'0000;
  rebooted.next = rebooted.isn + 1;
  rebooted.ask();
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kHold);
  const auto sent = this->lab.take_originated();
  ASSERT_EQ(sent.size(), 3u);
  const auto rst = segment_in<TestFixture::kFamily>(sent[0].bytes);
  EXPECT_EQ(rst.flags, Flags::kRst);
  EXPECT_EQ(rst.seq.value(), this->client.next);
  EXPECT_EQ(segment_in<TestFixture::kFamily>(sent[1].bytes).seq.value(), rebooted.isn);
  EXPECT_EQ(this->counted(Event::kReplaced), 1u);
}

TYPED_TEST(Spliced, APortThatIsUsedAgainAtOnceBeginsANewConnectionHoweverNearItsNumbersAre) {
  for (const std::uint32_t age_ms : {5u, 3'800u, 15'900u}) {  // at which what remembers a misfit comes round
    this->client.next = this->client.isn + 1;
    this->backend.next = this->backend.isn + 1;
    this->open();
    this->lab.pass(age_ms);
    this->to_backend(this->client.fin());
    this->to_client(this->backend.fin());
    typename TestFixture::Client again{this->lab};
    again.isn = this->client.next + 1000;
    again.next = again.isn + 1;
    again.ask();
    EXPECT_EQ(this->lab.run(again.ack()).verdict, Route::kHold) << age_ms;
    EXPECT_FALSE(this->lab.take_originated().empty());
    this->lab.pass(200'000);  // until all of it is forgotten
    this->lab.take_originated();
  }
}

TYPED_TEST(Spliced, WhatIsLostBeforeSynwardAndRepeatedBehindItPasses) {
  this->open();
  const Bytes lost = this->client.text("lost"), next = this->client.text("next");
  EXPECT_EQ(this->lab.run(next).verdict, Route::kForward);
  EXPECT_EQ(this->lab.run(lost).verdict, Route::kForward);
  EXPECT_EQ(this->lab.run(next).verdict, Route::kForward);
  EXPECT_EQ(this->counted(Event::kReplaced), 0u);
}

TYPED_TEST(Spliced, ANewConnectionOfAClosedTupleHasNumbersOfItsOwn) {
  this->open();
  this->to_backend(this->client.fin());
  this->to_client(this->backend.fin());
  this->lab.pass(1'000);
  typename TestFixture::Client again{this->lab};
  again.isn = 0x7000'0000;
  again.next = again.isn + 1;
  again.ask();
  EXPECT_EQ(this->lab.run(again.ack()).verdict, Route::kHold);
  const auto sent = this->lab.take_originated();
  ASSERT_FALSE(sent.empty());
  typename TestFixture::Backend fresh{again};
  fresh.isn = 0xabcd'0000;
  fresh.next = fresh.isn + 1;
  const Outcome ack =
      this->lab.run_inside(fresh.syn_ack(segment_in<TestFixture::kFamily>(sent.back().bytes)));
  EXPECT_EQ(ack.verdict, Route::kSend);
  this->lab.take_released();
  const auto text = this->to_client(fresh.text("hello"));
  EXPECT_EQ(text.seq.value(), again.service_next);
  EXPECT_EQ(text.options.timestamps->tsval, again.agreed_timestamps->tsval);
}

TYPED_TEST(Spliced, DuplicateAcksPassOnceAndAreAnsweredByNobodyHere) {
  this->open();
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(this->lab.run(this->client.ack()).verdict, Route::kForward);
    EXPECT_EQ(this->lab.run_inside(this->backend.segment().build()).verdict, Route::kForward);
  }
  EXPECT_TRUE(this->lab.take_originated().empty());
}

TYPED_TEST(Spliced, ADuplicateOfTheFirstTextAfterTheCloseOpensNothing) {
  this->client.ask();
  const Bytes first = this->client.text("POST /");
  EXPECT_EQ(this->lab.run(first).verdict, Route::kHold);
  this->answer(this->syn_to_backend());
  this->to_backend(this->client.fin());
  this->backend.client_next = this->client.next;
  this->to_client(this->backend.fin());
  this->client.service_next += 1;
  this->to_backend(this->client.ack());
  this->lab.pass(61'000);
  EXPECT_EQ(this->counted(Event::kClosed), 1u);
  EXPECT_EQ(this->lab.run(first).reason, Drop::kSpentCookie);
  EXPECT_EQ(this->counted(Event::kPromoted), 1u);
}

struct DoesNotScale : ProxyTest<FamilyType<wire::Family::kIpv4>> {
  DoesNotScale() : ProxyTest{{.mss = 1460}} {}
};
TEST_F(DoesNotScale, AScaleThatNobodyAskedForMeansNothing) {
  auto syn = promote();
  syn.options.window_scale = 7;
  answer(syn);
  EXPECT_EQ(to_client(backend.segment().window(400).build()).window, 400);
  EXPECT_EQ(to_backend(client.segment().window(300).build()).window, 300);
}

/// Of a backend that has less than was promised, or something else.
class Declines : public ProxyTest<FamilyType<wire::Family::kIpv4>> {
 protected:
  using Base = ProxyTest<FamilyType<wire::Family::kIpv4>>;
  explicit Declines(const wire::SynOptions& has) : Base{kLinuxOptions, has} {}
};

struct DeclinesTimestamps : Declines {
  DeclinesTimestamps() : Declines{{.mss = 1460, .window_scale = 7, .sack_permitted = true}} {}
};
TEST_F(DeclinesTimestamps, BothEndsAreResetAsNobodyCanWriteThemIntoFullSegments) {
  const auto syn = promote();
  const auto rst = to_client(backend.syn_ack(syn));
  EXPECT_EQ(rst.flags, Flags::kRst | Flags::kAck);
  EXPECT_EQ(rst.seq.value(), client.service_next);
  const auto sent = lab.take_originated();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].port, PipelineLab::kInside);
  EXPECT_EQ(segment_in<kFamily>(sent[0].bytes).flags, Flags::kRst);
  EXPECT_EQ(segment_in<kFamily>(sent[0].bytes).seq.value(), client.isn + 1);
  EXPECT_EQ(counted(Event::kTimestampsDeclined), 1u);
}

struct DeclinesSackAndScaling : Declines {
  DeclinesSackAndScaling() : Declines{{.mss = 1460, .timestamps = wire::TcpTimestamps{5'000'000, 0}}} {}
};
TEST_F(DeclinesSackAndScaling, SackIsHiddenAndWindowsAreUnscaled) {
  const auto syn = promote();
  const auto got = answer(syn);
  for (const auto& segment : got) EXPECT_EQ(segment.window, 65535);  // 64240 << 7
  FrameBuilder sacked = client.segment();
  sacked.window(3).tcp_options(bytes_of({1, 1, 5, 10, 1, 2, 3, 4, 1, 2, 3, 8}));
  const auto up = lab.run(sacked.build());
  EXPECT_EQ(forwarded(up).window, 3u << 7);
  const auto header = up.frame.size() - 12;
  EXPECT_EQ(Bytes(up.frame.begin() + std::ptrdiff_t(header), up.frame.end()),
            Bytes(12, std::byte{1}));  // NOPs
  EXPECT_EQ(to_client(backend.segment().window(6400).build()).window, 6400 >> 7);
  EXPECT_EQ(counted(Event::kOptionMasked), 1u);
}

struct ScalesMore : Declines {
  ScalesMore()
      : Declines{{.mss = 1460,
                  .window_scale = 9,
                  .sack_permitted = true,
                  .timestamps = wire::TcpTimestamps{5'000'000, 0}}} {}
};
TEST_F(ScalesMore, WindowsAreSaidInTheScaleThatWasPromised) {
  open();
  EXPECT_EQ(to_client(backend.segment().window(100).build()).window, 400);
  EXPECT_EQ(to_client(backend.segment().window(0).build()).window, 0);
}

}  // namespace
}  // namespace synward::test
