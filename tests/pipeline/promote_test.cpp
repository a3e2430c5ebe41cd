// A cookie comes back and becomes a connection: by which segments, once, in order, and as long as there is
// room.
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;
using wire::TcpFlags;

template <typename Type>
class Promote : public ConnectionTest<Type> {};
TYPED_TEST_SUITE(Promote, Families, );

TYPED_TEST(Promote, TheBareAckOpensTheConnection) {
  typename TestFixture::Client client{this->lab};
  client.open();
  EXPECT_EQ(client.phase(), ConnectionPhase::kEstablished);
  EXPECT_EQ(this->counted(Event::kCookieValid), 1u);
  EXPECT_EQ(this->counted(Event::kPromoted), 1u);
}

TYPED_TEST(Promote, KeepsWhatTheSynAskedFor) {
  struct Case {
    wire::SynOptions asked;
    bool timestamps;
    unsigned client_scale, our_scale;
  };
  std::uint16_t port = 50000;
  for (const Case& c :
       {Case{kLinuxOptions, true, 7, 7}, Case{kWindowsOptions, false, 8, 7}, Case{{.mss = 1460}, false, 0, 0},
        Case{{.mss = 1460, .window_scale = 0}, false, 0, 7}}) {
    typename TestFixture::Client client{this->lab, ++port, c.asked};
    client.open();
    const auto& state = this->lab.core.template table<TestFixture::kFamily>().find(client.key())->state;
    EXPECT_EQ(state.options.timestamps, c.timestamps);
    EXPECT_EQ(state.window_scales.client(), c.client_scale);
    EXPECT_EQ(state.window_scales.ours(), c.our_scale);
  }
}

TYPED_TEST(Promote, AnyLegalFirstSegmentDoesWhenTheBareAckWasLost) {
  std::uint16_t port = 50000;
  for (const int flags : {TcpFlags::kAck | TcpFlags::kPsh, TcpFlags::kAck | TcpFlags::kEce | TcpFlags::kCwr,
                          TcpFlags::kAck | TcpFlags::kUrg, TcpFlags::kAck + 0}) {
    typename TestFixture::Client client{this->lab, ++port};
    client.ask();
    const auto answer = client.answer_to(client.text("GET /", flags));
    EXPECT_EQ(answer.ack.value(), client.next) << flags;  // and no byte of it was lost
    EXPECT_EQ(client.phase(), ConnectionPhase::kEstablished) << flags;
  }
}

TYPED_TEST(Promote, AckAndFinInOneOpenAndClose) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  const auto answer = client.answer_to(client.fin());
  EXPECT_EQ(answer.flags, TcpFlags::kAck | TcpFlags::kFin);
  EXPECT_EQ(answer.ack.value(), client.next);
  EXPECT_EQ(client.phase(), ConnectionPhase::kLastAck);
}

TYPED_TEST(Promote, NothingButSeqOfIsnPlusOneDoes) {
  for (const std::int32_t off : {-1, 1, 2, -1000}) {
    PipelineLab fresh;
    typename TestFixture::Client client{fresh};
    client.ask();
    client.next += static_cast<std::uint32_t>(off);
    EXPECT_EQ(fresh.run(client.ack()).reason, Drop::kBadCookie) << off;
    EXPECT_EQ(client.phase(), std::nullopt);
  }
}

TYPED_TEST(Promote, AWrongAckDoesNot) {
  for (const std::uint32_t off : {1u, 0u - 1, 0x100u, 0x80u, 0x80000000u}) {
    PipelineLab fresh;
    typename TestFixture::Client client{fresh};
    client.ask();
    client.service_next += off;
    EXPECT_EQ(fresh.run(client.ack()).reason, Drop::kBadCookie) << off;
  }
}

TYPED_TEST(Promote, ARstWithTheCookiesNumbersDoesNot) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  EXPECT_EQ(this->lab.run(client.segment(TcpFlags::kRst | TcpFlags::kAck).build()).reason,
            Drop::kRstWithoutConnection);
  EXPECT_EQ(client.phase(), std::nullopt);
}

TYPED_TEST(Promote, ACookieLivesToTheEndOfTheNextSlot) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  const std::uint64_t edge = (kStartMs / cookie::kSlotMs + 2) * cookie::kSlotMs;
  this->lab.set_time(edge);
  EXPECT_EQ(this->lab.run(client.ack()).reason, Drop::kBadCookie);
  this->lab.set_time(edge - 1);
  EXPECT_EQ(this->lab.run(client.ack()).verdict, Route::kForward);
}

TYPED_TEST(Promote, AckAndTextOfANewFlowInOneBurstAllPass) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  std::vector<Bytes> burst{client.ack()};
  for (const char* line : {"one", "two", "three"}) burst.push_back(client.text(line));
  burst.push_back(client.fin());
  const auto outcomes = this->lab.run(burst);
  EXPECT_EQ(outcomes[0].verdict, Route::kForward);
  for (std::size_t i = 1; i < burst.size(); ++i) EXPECT_EQ(outcomes[i].verdict, Route::kSend) << i;
  EXPECT_EQ(segment_in<TestFixture::kFamily>(outcomes.back().frame).ack.value(), client.next);
  EXPECT_EQ(this->counted(Event::kPromoted), 1u);
  EXPECT_EQ(client.phase(), ConnectionPhase::kLastAck);
}

TYPED_TEST(Promote, EveryLaneOfAFullBurstIsJudgedByItsOwnCookie) {
  std::vector<typename TestFixture::Client> clients;
  std::vector<Bytes> burst;
  for (std::uint16_t n = 0; n < kBurstMax / 4; ++n) {
    typename TestFixture::Client aborted{this->lab, static_cast<std::uint16_t>(40000 + n)};
    typename TestFixture::Client forger{this->lab, static_cast<std::uint16_t>(50000 + n)};
    auto& client = clients.emplace_back(this->lab, static_cast<std::uint16_t>(60000 + n),
                                        n % 3 == 0 ? kLinuxOptions : kWindowsOptions);
    for (auto* asking : {&aborted, &forger, &client}) asking->ask();
    forger.service_next += 0x100u;
    burst.push_back(aborted.segment(TcpFlags::kRst | TcpFlags::kAck).build());
    burst.push_back(forger.ack());
    burst.push_back(client.ack());
    burst.push_back(client.text("hello"));
  }
  const auto outcomes = this->lab.run(burst);
  for (std::size_t n = 0; n < clients.size(); ++n) {
    EXPECT_EQ(outcomes[4 * n].reason, Drop::kRstWithoutConnection) << n;
    EXPECT_EQ(outcomes[4 * n + 1].reason, Drop::kBadCookie) << n;
    EXPECT_EQ(outcomes[4 * n + 2].verdict, Route::kForward) << n;
    EXPECT_EQ(outcomes[4 * n + 3].verdict, Route::kSend) << n;
    const auto& state = this->lab.core.template table<TestFixture::kFamily>().find(clients[n].key())->state;
    EXPECT_EQ(state.options.timestamps, n % 3 == 0) << n;
    EXPECT_EQ(state.client_next.value(), clients[n].next) << n;
  }
  EXPECT_EQ(this->counted(Event::kPromoted), clients.size());
}

TYPED_TEST(Promote, TextThatOvertookTheAckOpensAndTheAckBehindItIsOrdinary) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  const Bytes ack = client.ack();
  const auto outcomes = this->lab.run({client.text("first"), ack});
  EXPECT_EQ(outcomes[0].verdict, Route::kSend);
  EXPECT_EQ(outcomes[1].verdict, Route::kSend);  // it lies behind RCV.NXT by now: an ACK, and nothing else
  EXPECT_EQ(this->counted(Event::kPromoted), 1u);
  EXPECT_EQ(client.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(Promote, ASecondAckOnALiveConnectionIsOrdinaryTraffic) {
  typename TestFixture::Client client{this->lab};
  client.open();
  EXPECT_EQ(this->lab.run(client.ack()).verdict, Route::kForward);
  client.answer_to(client.text("text"));
  EXPECT_EQ(this->counted(Event::kCookieValid), 1u);
}

TYPED_TEST(Promote, ASynOnALiveTupleTouchesNothingUntilItsCookieComesBack) {
  typename TestFixture::Client client{this->lab};
  client.open();
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 77;
  rebooted.next = 78;
  rebooted.ask();
  client.answer_to(client.text("still here"));
  EXPECT_EQ(this->counted(Event::kReplaced), 0u);
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->counted(Event::kReplaced), 1u);
  EXPECT_EQ(rebooted.answer_to(rebooted.text("hello")).ack.value(), rebooted.next);
}

TYPED_TEST(Promote, AForgedAckOnALiveTupleIsChallengedAndChangesNothing) {
  typename TestFixture::Client client{this->lab};
  client.open();
  auto forged = client;
  forged.service_next += 12345;
  const auto challenge = client.answer_to(forged.ack());
  EXPECT_EQ(challenge.seq.value(), client.service_next);
  EXPECT_EQ(challenge.ack.value(), client.next);
  EXPECT_EQ(this->counted(Event::kChallengeSent), 1u);
  client.answer_to(client.text("still here"));
}

TYPED_TEST(Promote, ADuplicateOfAnOldFirstSegmentDoesNotReplaceANewerConnection) {
  typename TestFixture::Client first{this->lab};
  first.ask();
  auto copy = first;
  const Bytes duplicate = copy.text("POST /pay");
  first.answer_to(first.text("POST /pay"));
  this->lab.run(first.rst());
  this->lab.set_time(kStartMs + 5'000);
  typename TestFixture::Client second{this->lab};
  second.isn = 5000;
  second.next = 5001;
  second.tsval = 1'005'000;
  second.open().answer_to(second.text("hello"));
  EXPECT_EQ(this->lab.run(duplicate).reason, Drop::kSpentCookie);
  EXPECT_EQ(this->counted(Event::kReplaced), 0u);
  second.answer_to(second.text("still here"));
}

TYPED_TEST(Promote, AClientThatRebootedReplacesItsSilentConnection) {
  typename TestFixture::Client client{this->lab};
  client.open().answer_to(client.text("hello"));
  this->lab.set_time(kStartMs + 10'000);
  typename TestFixture::Client rebooted{this->lab, 40000, kWindowsOptions};
  rebooted.isn = 77;
  rebooted.next = 78;
  rebooted.open();
  EXPECT_EQ(this->counted(Event::kReplaced), 1u);
  rebooted.answer_to(rebooted.text("again"));
}

/// 4 tries a second, each with a chance of 2^-24: the tuple alone, which is easy to guess, is worth nothing.
TYPED_TEST(Promote, OnlyOneMisfitOfATickMayReplaceALiveConnection) {
  typename TestFixture::Client client{this->lab};
  client.open();
  this->lab.set_time(kStartMs + 5'000);
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 77;
  rebooted.next = 78;
  rebooted.ask();
  auto forged = client;
  forged.service_next += 12345;
  client.answer_to(forged.ack());  // a challenge
  EXPECT_EQ(this->lab.run(rebooted.ack()).reason, Drop::kChallengeLimited);
  this->lab.set_time(kStartMs + 5'000 + table::kTickMs);
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kForward);
}

TYPED_TEST(Promote, AForgedAckBetweenTwoSegmentsKeepsTheirOrder) {
  typename TestFixture::Client client{this->lab};
  client.open();
  auto forged = client;
  forged.service_next += 12345;
  const Bytes first = client.text("one");
  const auto outcomes = this->lab.run({first, forged.ack(), client.text("two"), client.fin()});
  EXPECT_EQ(segment_in<TestFixture::kFamily>(outcomes[2].frame).ack.value(), client.next - 1);
  EXPECT_EQ(segment_in<TestFixture::kFamily>(outcomes[3].frame).ack.value(), client.next);
  EXPECT_EQ(client.phase(), ConnectionPhase::kLastAck);
}

TYPED_TEST(Promote, ARstBehindTheAckOfANewFlowInOneBurstEndsIt) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  const auto outcomes = this->lab.run({client.ack(), client.rst()});
  EXPECT_EQ(outcomes[1].verdict, Route::kForward);
  EXPECT_EQ(client.phase(), ConnectionPhase::kTombstone);
}

TYPED_TEST(Promote, ADuplicateFirstSegmentAfterTheCloseOpensNothing) {
  typename TestFixture::Client client{this->lab};
  client.ask();
  auto copy = client;
  const Bytes duplicate = copy.text("GET / HTTP/1.1\r\n\r\n");
  client.answer_to(client.text("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(this->lab.run(client.rst()).verdict, Route::kForward);
  EXPECT_EQ(this->lab.run(duplicate).reason, Drop::kSpentCookie);
  EXPECT_EQ(this->counted(Event::kPromoted), 1u);
  this->lab.pass(2 * cookie::kSlotMs);
  EXPECT_EQ(client.phase(), std::nullopt);  // and then the cookie has expired
  EXPECT_EQ(this->lab.run(duplicate).reason, Drop::kBadCookie);
}

TYPED_TEST(Promote, ANewSynAfterTheCloseOpensAgainWithNumbersOfItsOwn) {
  typename TestFixture::Client client{this->lab};
  client.open();
  this->lab.run(client.rst());
  typename TestFixture::Client again{this->lab};
  again.isn = 5000;
  again.next = 5001;
  again.tsval = 17;  // a clock that starts over: PAWS must not compare with the old one
  again.open();
  EXPECT_EQ(again.answer_to(again.text("hello")).options.timestamps->tsecr, 17u);
}

TEST(AcceptQueue, WhenFullTheAckIsDroppedAndTheFirstTextOpensLater) {
  PipelineLab lab{PipelineLab::default_services(), 1000, 2};
  std::vector<LabClient<wire::Family::kIpv4>> clients;
  for (std::uint16_t port = 1; port <= 3; ++port) clients.emplace_back(lab, port).ask();
  EXPECT_EQ(lab.run(clients[0].ack()).verdict, Route::kForward);
  EXPECT_EQ(lab.run(clients[1].ack()).verdict, Route::kForward);
  EXPECT_EQ(lab.run(clients[2].ack()).reason, Drop::kAcceptQueueFull);
  EXPECT_EQ(clients[2].phase(), std::nullopt);
  housekeep(lab.core);
  EXPECT_EQ(read(lab.core.counters)[Event::kAccepted], 2u);
  EXPECT_EQ(clients[2].answer_to(clients[2].text("now")).ack.value(), clients[2].next);
}

TEST(AcceptQueue, IsEmptyAfterATurnThatFollowsTwoFullBursts) {
  PipelineLab lab{PipelineLab::default_services(), 1000, 1000};
  for (std::uint16_t port = 1; port <= 2 * kBurstMax; ++port)
    LabClient<wire::Family::kIpv4>{lab, port}.open();
  housekeep(lab.core);
  EXPECT_TRUE(lab.core.accept_queue.empty());
}

TEST(AcceptQueue, CountsWhatEndedWhileItWaited) {
  PipelineLab lab;
  LabClient<wire::Family::kIpv4> gone{lab, 1}, replaced{lab, 2};
  gone.open();
  lab.run(gone.rst());
  replaced.open();
  LabClient<wire::Family::kIpv4> successor{lab, 2};
  successor.isn = 1;
  successor.next = 2;
  successor.open();
  housekeep(lab.core);
  EXPECT_EQ(read(lab.core.counters)[Event::kAccepted], 1u);  // the successor, once
  EXPECT_EQ(read(lab.core.counters)[Event::kAcceptAborted], 2u);
}

TEST(Table, WhenFullOfOpenConnectionsNewcomersAreDroppedAndTombstonesGo) {
  PipelineLab lab{PipelineLab::default_services(), 1, 1000};  // 32 slots
  std::vector<LabClient<wire::Family::kIpv4>> clients;
  const std::size_t slots = lab.core.table<wire::Family::kIpv4>().slots();
  for (std::uint16_t port = 1; port <= slots + 1; ++port) clients.emplace_back(lab, port).ask();
  for (std::size_t c = 0; c < slots; ++c) EXPECT_EQ(lab.run(clients[c].ack()).verdict, Route::kForward);
  EXPECT_EQ(lab.run(clients.back().ack()).reason, Drop::kTableFull);
  lab.run(clients[3].rst());
  EXPECT_EQ(lab.run(clients.back().ack()).verdict, Route::kForward);
  EXPECT_EQ(read(lab.core.counters)[Event::kTombstoneEvicted], 1u);
}

TEST(Paths, OneConnectionCannotFillThePlaceOfAll) {
  auto services = PipelineLab::default_services();
  for (auto& service : services) service.idle_timeout_ms = 3'000;
  PipelineLab lab{services};
  LabClient<wire::Family::kIpv4> hostile{lab, 50000}, innocent{lab, 40000};
  hostile.open();
  for (std::uint32_t n = 0; n < LinkPaths::kCapacity; ++n) {
    const auto high = static_cast<std::uint8_t>(n >> 8), low = static_cast<std::uint8_t>(n);
    lab.run(hostile.segment().mac(kOurMac, {{2, 1, 0, 0, high, low}}).build());
  }
  lab.run(hostile.rst());
  innocent.ask();
  lab.run(innocent.segment().mac(kOurMac, {{2, 0, 0, 0, 0, 0x99}}).build());  // a router not seen before
  const auto sent = lab.pass(5'000);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(wire::overlay<wire::EthernetHeader>(sent[0].data()).destination,
            (wire::MacAddress{{2, 0, 0, 0, 0, 0x99}}));
}

TEST(Paths, OneNeighbourTooManyIsServedButNotCalledUponLater) {
  PipelineLab lab{PipelineLab::default_services(), 10'000, 10'000};
  LabClient<wire::Family::kIpv4> client{lab};
  client.ask();
  for (std::uint32_t n = 0; n < LinkPaths::kCapacity; ++n) {
    const auto high = static_cast<std::uint8_t>(n >> 8), low = static_cast<std::uint8_t>(n);
    static_cast<void>(lab.core.paths.intern({.peer = {{2, 1, 0, 0, high, low}}}));
  }
  EXPECT_EQ(lab.run(client.ack()).verdict, Route::kForward);
  EXPECT_EQ(read(lab.core.counters)[Event::kPathsFull], 1u);
  EXPECT_EQ(client.answer_to(client.text("served")).ack.value(), client.next);
  EXPECT_TRUE(lab.pass(8'000'000, 10'000).empty());  // its idle reset has nowhere to go
  EXPECT_EQ(client.phase(), std::nullopt);
}

}  // namespace
}  // namespace synward::test
