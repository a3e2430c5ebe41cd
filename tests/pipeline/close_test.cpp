// FIN from either side, RFC 9293 3.6, and what outlives the connection.
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;
using wire::TcpFlags;

constexpr std::uint32_t kCloseAfterMs = 5'000;

template <typename Type>
class Close : public ConnectionTest<Type> {
 protected:
  Close() : ConnectionTest<Type>{closing_services()} { client.open(); }
  static std::vector<service::Service> closing_services() {
    auto services = PipelineLab::default_services();
    for (auto& service : services) service.close_after_ms = kCloseAfterMs;
    return services;
  }
  /// Lets silence pass until our FIN comes, and takes it.
  void take_fin() {
    const auto sent = this->lab.pass(kCloseAfterMs + 1'000);
    ASSERT_EQ(sent.size(), 1u);
    const auto fin = segment_in<Type::kFamily>(sent[0]);
    EXPECT_EQ(fin.flags, TcpFlags::kFin | TcpFlags::kAck);
    EXPECT_EQ(fin.seq.value(), client.service_next);
    EXPECT_EQ(fin.ack.value(), client.next);
    client.service_next += 1;
    EXPECT_EQ(client.phase(), ConnectionPhase::kFinWait1);
  }
  typename ConnectionTest<Type>::Client client{this->lab};
};
TYPED_TEST_SUITE(Close, Families, );

TYPED_TEST(Close, TheClientsFinIsAnsweredWithOurs) {
  const auto answer = this->client.answer_to(this->client.fin());
  EXPECT_EQ(answer.flags, TcpFlags::kFin | TcpFlags::kAck);
  EXPECT_EQ(answer.seq.value(), this->client.service_next);
  EXPECT_EQ(answer.ack.value(), this->client.next);
  this->client.service_next += 1;
  EXPECT_EQ(this->lab.run(this->client.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  EXPECT_EQ(this->counted(Event::kClosed), 1u);
}

TYPED_TEST(Close, AFinBehindALossWaitsForIt) {
  const Bytes lost = this->client.text("lost");
  const std::uint32_t expected = this->client.next - 4;
  const Bytes fin = this->client.fin();
  EXPECT_EQ(this->client.answer_to(fin).ack.value(), expected);
  this->client.answer_to(lost);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  EXPECT_EQ(this->client.answer_to(fin).ack.value(), this->client.next);
}

TYPED_TEST(Close, OurFinIsRepeatedWithBackOffAndGivenUp) {
  this->client.answer_to(this->client.fin());
  std::vector<std::uint64_t> at;
  for (std::uint64_t ms = 0; ms < 140'000; ms += 100) {
    for (const Bytes& frame : this->lab.pass(100, 100)) {
      EXPECT_EQ(segment_in<TestFixture::kFamily>(frame).seq.value(), this->client.service_next);
      at.push_back(ms);
    }
  }
  ASSERT_EQ(at.size(), 6u);
  for (std::size_t n = 1; n < at.size(); ++n) {
    EXPECT_GE(at[n] - at[n - 1], 1000u << n) << n;
    EXPECT_LE(at[n] - at[n - 1], (1000u << n) + 1200) << n;  // a tick, and a round of the sweep
  }
  EXPECT_EQ(this->counted(Event::kFinRepeated), 6u);
  EXPECT_EQ(this->counted(Event::kFinGivenUp), 1u);
}

TYPED_TEST(Close, TheClientsRepeatedFinIsAcknowledgedAgain) {
  const Bytes fin = this->client.fin();
  this->client.answer_to(fin);
  const auto again = this->client.answer_to(fin);
  EXPECT_EQ(again.ack.value(), this->client.next);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kLastAck);
}

TYPED_TEST(Close, SilenceEndsWithOurFinWhenTheServiceWantsIt) {
  this->take_fin();
  EXPECT_EQ(this->lab.run(this->client.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kFinWait2);
  // Half-closed, the client may go on for hours.
  this->lab.pass(3'600'000, 10'000);
  EXPECT_EQ(this->client.answer_to(this->client.text("later")).ack.value(), this->client.next);
  EXPECT_EQ(this->client.answer_to(this->client.fin()).ack.value(), this->client.next);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTimeWait);
}

TYPED_TEST(Close, FinAndItsAckInOneLeadToTimeWait) {
  this->take_fin();
  EXPECT_EQ(this->client.answer_to(this->client.fin()).flags, TcpFlags::kAck);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTimeWait);
}

TYPED_TEST(Close, BothAtOnceIsClosingAndThenTimeWait) {
  this->take_fin();
  this->client.service_next -= 1;  // the client has not seen our FIN yet
  const auto answer = this->client.answer_to(this->client.fin());
  EXPECT_EQ(answer.ack.value(), this->client.next);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kClosing);
  this->client.service_next += 1;
  EXPECT_EQ(this->lab.run(this->client.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTimeWait);
}

TYPED_TEST(Close, TimeWaitLastsTwoSegmentLifetimesFromTheLastFin) {
  this->take_fin();
  const Bytes fin = this->client.fin();
  this->client.answer_to(fin);
  this->lab.pass(50'000);
  this->client.answer_to(fin);  // our ACK was lost: the wait starts over
  this->lab.pass(50'000);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTimeWait);
  this->lab.pass(12'000);
  EXPECT_NE(this->client.phase(), ConnectionPhase::kTimeWait);
  EXPECT_EQ(this->counted(Event::kClosed), 1u);
}

TYPED_TEST(Close, ABlindFinDoesNotRestartTimeWait) {
  typename TestFixture::Client plain{this->lab, 50001, kWindowsOptions};
  plain.open();
  this->lab.pass(kCloseAfterMs + 1'000);
  plain.service_next += 1;
  plain.answer_to(plain.fin());
  ASSERT_EQ(plain.phase(), ConnectionPhase::kTimeWait);
  auto blind = plain;
  blind.next += 0x4000'0000;
  blind.service_next += 0x1234'5678;
  const Bytes fin = blind.segment(TcpFlags::kAck | TcpFlags::kFin).build();
  for (int n = 0; n < 2; ++n) {
    this->lab.pass(35'000);
    this->lab.run(fin);
  }
  EXPECT_NE(plain.phase(), ConnectionPhase::kTimeWait);
}

TYPED_TEST(Close, ANewConnectionReplacesOneInTimeWait) {
  this->take_fin();
  this->client.answer_to(this->client.fin());
  typename TestFixture::Client again{this->lab};
  again.isn = this->client.next + 1000;
  again.next = again.isn + 1;
  again.open();
  EXPECT_EQ(again.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(Close, NothingIsTakenBehindTheRstInOneBurst) {
  const Bytes rst = this->client.rst();
  const auto outcomes = this->lab.run({rst, rst, this->client.text("text")});
  EXPECT_EQ(outcomes[0].verdict, Route::kForward);
  EXPECT_EQ(outcomes[1].reason, Drop::kRstWithoutConnection);
  EXPECT_EQ(outcomes[2].reason, Drop::kSpentCookie);
  EXPECT_EQ(this->counted(Event::kResetByClient), 1u);
}

TYPED_TEST(Close, NothingIsTakenBehindTheLastAckInOneBurst) {
  this->client.answer_to(this->client.fin());
  this->client.service_next += 1;
  const Bytes ack = this->client.ack();
  const auto outcomes = this->lab.run({ack, ack});
  EXPECT_EQ(outcomes[0].verdict, Route::kForward);
  EXPECT_EQ(outcomes[1].reason, Drop::kSpentCookie);
  EXPECT_EQ(this->counted(Event::kClosed), 1u);
}

TYPED_TEST(Close, NothingIsTakenBehindTheClientsFin) {
  this->client.answer_to(this->client.fin());
  const std::uint32_t end = this->client.next;
  EXPECT_EQ(this->client.answer_to(this->client.text("behind")).ack.value(), end);
  EXPECT_EQ(this->client.answer_to(this->client.fin()).ack.value(), end);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kLastAck);
}

}  // namespace
}  // namespace synward::test
