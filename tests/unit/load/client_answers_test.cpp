// Mirrors bench/load/clients.hpp: what clients ask, and the answers that they take.
#include <string>

#include <gtest/gtest.h>

#include "bench/load/clients.hpp"
#include "tests/support/load_clients.hpp"

namespace synward::load {
namespace {

using handshake::Segment;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

TYPED_TEST_SUITE(ClientsOf, Families, );

TYPED_TEST(ClientsOf, AskAndTakeTheAnswerInPieces) {
  this->begin(kAsking);
  this->connect(10);
  const Segment request = this->sent();
  EXPECT_EQ(request.text_bytes, kAsked);
  this->say(20, this->ack(kAsked), "HT");
  EXPECT_EQ(this->told_[0].first_byte, 20u);
  EXPECT_EQ(this->sent().ack, SeqNum{7003});
  EXPECT_TRUE(this->silent()) << "the answer has not come as far as it is expected";
  this->say(30, this->ack(kAsked, 2), "TP/1.0 200");
  (void)this->sent();
  EXPECT_NE(this->sent().flags & Flags::kFin, 0);
  this->say(40, this->ack(kAsked + 1, 12, Flags::kFin));
  this->expect_end(Outcome::kSucceeded, true);
}

TYPED_TEST(ClientsOf, TakeAnAnswerThatMustBeSoLong) {
  ClientManners manners = kAsking;
  manners.answer_bytes = 12;
  this->begin(manners);
  this->connect(10);
  (void)this->sent();
  this->say(20, this->ack(kAsked), "HTTP/1.0 20");
  EXPECT_EQ(this->told_[0].first_byte, 20u);
  this->say(25, this->ack(kAsked), "HTTP/1.0 20");  // again
  (void)this->sent();
  (void)this->sent();
  EXPECT_TRUE(this->silent()) << "a byte is missing";
  EXPECT_EQ(this->clients_->answer_bytes(), 11u);
  this->say(30, this->ack(kAsked, 11), "0 and more");
  (void)this->sent();
  EXPECT_NE(this->sent().flags & Flags::kFin, 0);
  this->say(40, this->ack(kAsked + 1, 21, Flags::kFin));
  this->expect_end(Outcome::kSucceeded, true);
  EXPECT_EQ(this->clients_->answer_bytes(), 21u);
}

TYPED_TEST(ClientsOf, AnAnswerThatEndsTooEarlyIsNoData) {
  ClientManners manners = kAsking;
  manners.answer_bytes = 12;
  this->begin(manners);
  this->connect(10);
  (void)this->sent();
  this->say(20, this->ack(kAsked, 0, Flags::kFin), "HTTP/1.0 20");
  this->expect_end(Outcome::kNoData);
}

TYPED_TEST(ClientsOf, AnAnswerThatBeginsOtherwiseIsWrongAndReset) {
  for (const char* const text : {"HTML", "Hx", "x"}) {
    this->told_.clear();
    this->begin(kAsking);
    this->connect(10);
    (void)this->sent();
    this->say(20, this->ack(kAsked), text);
    EXPECT_EQ(this->told_[0].first_byte, 20u);
    this->expect_end(Outcome::kWrongData);
    (void)this->sent();
    EXPECT_EQ(this->sent().flags, Flags::kRst);
  }
}

TYPED_TEST(ClientsOf, WithoutAnAnswerTheyWaitAndReset) {
  this->begin({.request = "x", .asks = true, .patience_us = kSecond});
  this->connect(10);
  (void)this->sent();
  this->say(20, this->ack(1));
  this->turn(kSecond - 1);
  EXPECT_FALSE(this->told_[0].outcome);
  this->turn(kSecond);
  EXPECT_EQ(this->sent().flags, Flags::kRst);
  this->expect_end(Outcome::kNoData);
  EXPECT_FALSE(this->told_[0].first_byte);
}

TYPED_TEST(ClientsOf, AFinInTheAnswersPlaceIsNoData) {
  this->begin(kAsking);
  this->connect(10);
  (void)this->sent();
  this->say(20, this->ack(kAsked, 0, Flags::kFin));
  this->expect_end(Outcome::kNoData);
}

TYPED_TEST(ClientsOf, AReset_AfterTheAnswerTakesNothingBack_BeforeItIsAFailure) {
  this->begin(kAsking);
  this->connect(10);
  (void)this->sent();
  this->say(20, this->ack(kAsked), "HTTP");
  this->say(30, this->ack(kAsked, 4, Flags::kRst));
  this->expect_end(Outcome::kSucceeded);

  this->told_.clear();
  this->sent_.clear();
  this->begin(kAsking);
  this->connect(10);
  this->say(20, this->ack(0, 0, Flags::kRst));
  this->expect_end(Outcome::kReset);
}

TYPED_TEST(ClientsOf, RequestsAreRepeatedAtTwiceTheDistance) {
  this->begin(kAsking);
  this->connect(0);
  const Segment request = this->sent();
  std::vector<std::uint64_t> times;
  for (std::uint64_t us = 0; us < 2 * kSecond; us += 10 * kMillisecond) {
    this->turn(us);
    if (this->silent()) continue;
    const Segment again = this->sent();
    EXPECT_EQ(again.seq, request.seq);
    EXPECT_EQ(again.text_bytes, kAsked);
    times.push_back(us / kMillisecond);
  }
  EXPECT_EQ(times, (std::vector<std::uint64_t>{200, 600, 1400}));
}

TYPED_TEST(ClientsOf, NothingIsSaidIntoAClosedWindow) {
  this->begin(kAsking);
  const Segment syn = this->sent();
  this->say(10, this->syn_ack(syn, 0));
  this->isn_ = syn.seq;
  EXPECT_EQ(this->sent().text_bytes, 0);
  this->turn(500 * kMillisecond);
  EXPECT_TRUE(this->silent());
  this->say(600 * kMillisecond, this->ack(0));  // the window opens
  EXPECT_EQ(this->sent().text_bytes, kAsked);
}

TYPED_TEST(ClientsOf, WaitForWhoSpeaksFirst) {
  this->begin({.asks = true, .expect = "220 "});
  this->connect(10);
  EXPECT_TRUE(this->silent());
  this->say(500, this->ack(0), "220 mail");
  EXPECT_EQ(this->told_[0].first_byte, 500u);
  (void)this->sent();
  EXPECT_NE(this->sent().flags & Flags::kFin, 0);
}

}  // namespace
}  // namespace synward::load
