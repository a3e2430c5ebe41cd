// RFC 9293 3.10.7.4 on a live connection, frame by frame: text, repetitions, losses, resets, timestamps.
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;
using wire::TcpFlags;

template <typename Type>
class SegmentArrives : public ConnectionTest<Type> {
 protected:
  SegmentArrives() { client.open(); }
  typename ConnectionTest<Type>::Client client{this->lab};
};
TYPED_TEST_SUITE(SegmentArrives, Families, );

TYPED_TEST(SegmentArrives, TextIsAcknowledgedWithTheScaledWindowAndTimestamps) {
  const auto answer = this->client.answer_to(this->client.text("hello"));
  EXPECT_EQ(answer.flags, TcpFlags::kAck);
  EXPECT_EQ(answer.seq.value(), this->client.service_next);
  EXPECT_EQ(answer.ack.value(), this->client.next);
  EXPECT_EQ(answer.window, (1u << 20) >> 7);
  ASSERT_TRUE(answer.options.timestamps);
  EXPECT_EQ(answer.options.timestamps->tsecr, this->client.tsval);
}

TYPED_TEST(SegmentArrives, TsvalGoesOnFromTheSynAcksAndTicksInMilliseconds) {
  const std::uint32_t first = this->client.agreed_timestamps->tsval;
  const auto now = this->client.answer_to(this->client.text("a")).options.timestamps->tsval;
  EXPECT_LT(now - first, 64u);
  this->lab.set_time(kStartMs + 1234);
  EXPECT_EQ(this->client.answer_to(this->client.text("b")).options.timestamps->tsval, now + 1234);
}

TYPED_TEST(SegmentArrives, WithoutWindowScalingTheWindowIsAsLargeAsItCanBe) {
  typename TestFixture::Client plain{this->lab, 50001, {.mss = 1460}};
  const auto answer = plain.open().answer_to(plain.text("x"));
  EXPECT_EQ(answer.window, 0xffff);
  EXPECT_FALSE(answer.options.timestamps);
}

TYPED_TEST(SegmentArrives, ARepetitionIsAcknowledgedAgain) {
  auto copy = this->client;
  this->client.answer_to(this->client.text("hello"));
  const auto again = this->client.answer_to(copy.text("hello"));
  EXPECT_EQ(again.ack.value(), this->client.next);
  EXPECT_EQ(this->counted(Event::kChallengeSent), 0u);  // no budget stands between a client and its ACK
}

TYPED_TEST(SegmentArrives, TextBehindALossIsAnsweredWithADuplicateAck) {
  const std::uint32_t expected = this->client.next;
  const Bytes lost = this->client.text("lost");
  EXPECT_EQ(this->client.answer_to(this->client.text("behind")).ack.value(), expected);
  EXPECT_EQ(this->client.answer_to(lost).ack.value(), expected + 4);
}

TYPED_TEST(SegmentArrives, OverlappingTextCountsFromWhereItIsNew) {
  auto longer = this->client;
  this->client.text("abc");
  this->client.next -= 3;
  this->client.answer_to(this->client.text("abc"));
  EXPECT_EQ(this->client.answer_to(longer.text("abcdef")).ack.value(), longer.next);
}

TYPED_TEST(SegmentArrives, AKeepAliveProbeIsAnsweredAndKeepsTheConnection) {
  this->lab.pass(7'000'000, 10'000);
  auto probe = this->client;
  probe.next -= 1;
  EXPECT_EQ(this->client.answer_to(probe.ack()).ack.value(), this->client.next);
  EXPECT_TRUE(this->lab.pass(7'000'000, 10'000).empty());
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  EXPECT_EQ(this->counted(Event::kChallengeSent), 0u);
}

TYPED_TEST(SegmentArrives, ARstCountsOnlyWithExactlyTheExpectedNumber) {
  auto blind = this->client;
  blind.next += 1;
  EXPECT_EQ(this->client.answer_to(blind.rst()).ack.value(), this->client.next);  // RFC 5961 3.2
  blind.next -= 2;
  EXPECT_EQ(this->lab.run(blind.rst()).reason, Drop::kRstOutsideWindow);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  EXPECT_EQ(this->lab.run(this->client.rst()).verdict, Route::kForward);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  EXPECT_EQ(this->counted(Event::kResetByClient), 1u);
}

TYPED_TEST(SegmentArrives, PawsChallengesAnOldTimestamp) {
  this->client.answer_to(this->client.text("new"));
  auto old = this->client;
  old.tsval -= 10;
  EXPECT_EQ(this->client.answer_to(old.text("old")).ack.value(), this->client.next);
  EXPECT_EQ(this->counted(Event::kChallengeSent), 1u);
}

TYPED_TEST(SegmentArrives, ASegmentWithoutTheAgreedTimestampsIsDropped) {
  auto stripped = this->client;
  stripped.agreed_timestamps.reset();
  EXPECT_EQ(this->lab.run(stripped.text("x")).reason, Drop::kMissingTimestamp);
}

TYPED_TEST(SegmentArrives, AConnectionChallengesOnceATickAndTextIsNotConcerned) {
  auto forged = this->client;
  forged.service_next += 12345;
  EXPECT_EQ(this->lab.run(forged.ack()).verdict, Route::kSend);
  EXPECT_EQ(this->lab.run(forged.ack()).reason, Drop::kChallengeLimited);
  this->client.answer_to(this->client.text("served"));
  this->lab.set_time(kStartMs + table::kTickMs);
  EXPECT_EQ(this->lab.run(forged.ack()).verdict, Route::kSend);
}

/// CVE-2016-5696: what one connection is answered must tell nothing of another.
TYPED_TEST(SegmentArrives, ChallengesOfOneConnectionTakeNothingFromAnother) {
  typename TestFixture::Client other{this->lab, 50001};
  other.open();
  auto forged = this->client;
  forged.service_next += 12345;
  for (int n = 0; n < 5'000; ++n) this->lab.run(forged.ack());
  auto blind = other;
  blind.next += 1;
  EXPECT_EQ(other.answer_to(blind.rst()).ack.value(), other.next);
}

TYPED_TEST(SegmentArrives, TextPastTheWindowIsTakenUpToItsEnd) {
  auto services = PipelineLab::default_services();
  for (auto& service : services) service.profile.window = 1000;
  PipelineLab narrow{services};
  typename TestFixture::Client plain{narrow, 50001, {.mss = 1460}};
  const std::uint32_t start = plain.open().next;
  const auto answer = plain.answer_to(plain.text(std::string(1200, 'x'), TcpFlags::kAck | TcpFlags::kFin));
  EXPECT_EQ(answer.window, 1000);
  EXPECT_EQ(answer.ack.value(), start + 1000);  // and so the FIN lies outside
  EXPECT_EQ(plain.phase(), ConnectionPhase::kEstablished);
}

}  // namespace
}  // namespace synward::test
