// Mirrors bench/load/clients.hpp: how each client opens and closes, where it comes from, and what becomes of
// it.
#include "bench/load/clients.hpp"

#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/load_clients.hpp"

namespace synward::load {
namespace {

using handshake::Segment;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

TYPED_TEST_SUITE(ClientsOf, Families, );

TYPED_TEST(ClientsOf, ConnectAndCloseByFinsOfBothSides) {
  this->begin(kSilent);
  this->connect(3 * kMillisecond);
  EXPECT_EQ(this->told_[0].connected, 3 * kMillisecond);
  const Segment fin = this->sent();
  EXPECT_EQ(fin.flags, Flags::kFin | Flags::kAck);
  EXPECT_FALSE(this->told_[0].outcome);
  this->say(4 * kMillisecond, this->ack(1, 0, Flags::kFin));
  const Segment last = this->sent();
  EXPECT_EQ(last.flags, Flags::kAck);
  EXPECT_EQ(last.ack, SeqNum{7002});
  this->expect_end(Outcome::kSucceeded, true);
  EXPECT_TRUE(this->clients_->are_done());
  EXPECT_EQ(this->told_[0].syns, std::vector<std::uint64_t>{0});
}

TYPED_TEST(ClientsOf, SynsAreRepeatedAsLinuxDoesUntilPatienceIsOver) {
  this->begin({.patience_us = 8 * kSecond});
  for (std::uint64_t us = 0; us < 9 * kSecond; us += 10 * kMillisecond) this->turn(us);
  EXPECT_EQ(this->told_[0].syns, (std::vector<std::uint64_t>{0, kSecond, 3 * kSecond, 7 * kSecond}));
  std::set<std::uint32_t> isns;
  while (!this->silent()) isns.insert(this->sent().seq.value());
  EXPECT_EQ(isns.size(), 1u);
  this->expect_end(Outcome::kNoSynAck);
  EXPECT_TRUE(this->clients_->are_done());
}

TYPED_TEST(ClientsOf, WhoseFirstSynWasLostConnectsWithItsSecond) {
  this->begin(kSilent);
  (void)this->sent();
  this->turn(kSecond);
  this->connect(kSecond + 5);
  EXPECT_EQ(this->told_[0].connected, kSecond + 5);
  EXPECT_EQ(this->told_[0].syns.size(), 2u);
}

TYPED_TEST(ClientsOf, StartedLateCountFromTheirIntendedTime) {
  this->make({0, 100 * kMillisecond}, kSilent);
  this->turn(300 * kMillisecond);  // the generator stood still
  EXPECT_EQ(this->told_[1].syns, std::vector<std::uint64_t>{300 * kMillisecond});
  EXPECT_EQ(this->sent_.size(), 2u);
}

TYPED_TEST(ClientsOf, WrongAcknowledgmentsAreResetAndWaitedOut) {
  this->begin({.patience_us = 2 * kSecond});
  const Segment syn = this->sent();
  Segment wrong = this->syn_ack(syn);
  wrong.ack = syn.seq + 2;
  this->say(10, wrong);
  const Segment reset = this->sent();
  EXPECT_EQ(reset.flags, Flags::kRst);
  EXPECT_EQ(reset.seq, wrong.ack);
  EXPECT_FALSE(this->told_[0].connected);
  this->turn(kSecond);
  EXPECT_EQ(this->sent().flags, Flags::kSyn);
  this->turn(2 * kSecond);
  this->expect_end(Outcome::kBadSynAck);
}

TYPED_TEST(ClientsOf, ARightSynAckAfterAWrongOneCounts) {
  this->begin(kSilent);
  const Segment syn = this->sent();
  Segment wrong = this->syn_ack(syn);
  wrong.ack = syn.seq + 2;
  this->say(10, wrong);
  EXPECT_EQ(this->sent().flags, Flags::kRst);
  this->say(20, this->syn_ack(syn));
  EXPECT_EQ(this->told_[0].connected, 20u);
}

TYPED_TEST(ClientsOf, ResetsEndThem) {
  this->begin(kSilent);
  const Segment syn = this->sent();
  this->say(10, {.ack = syn.seq + 1, .flags = Flags::kRst | Flags::kAck});
  this->expect_end(Outcome::kReset);
  EXPECT_TRUE(this->silent());
}

TYPED_TEST(ClientsOf, BlindResetsDoNot) {
  this->begin(kSilent);
  const Segment syn = this->sent();
  this->say(10, {.ack = syn.seq + 2, .flags = Flags::kRst | Flags::kAck});
  EXPECT_FALSE(this->told_[0].outcome);
}

TYPED_TEST(ClientsOf, WhoseFinIsNotAnsweredHaveSucceededAllTheSame) {
  this->begin({.patience_us = kSecond});
  this->connect(10);
  for (std::uint64_t us = 0; us < 3 * kSecond; us += 10 * kMillisecond) this->turn(us);
  this->expect_end(Outcome::kSucceeded, false);
}

TYPED_TEST(ClientsOf, StayBeforeTheyClose) {
  this->begin({.stay_us = 2 * kSecond});
  this->connect(10);
  this->turn(2 * kSecond);
  EXPECT_TRUE(this->silent());
  this->turn(2 * kSecond + 10);
  EXPECT_NE(this->sent().flags & Flags::kFin, 0);
}

TYPED_TEST(ClientsOf, TheAckOfTheHandshakeIsTold) {
  this->begin(kSilent);
  this->connect(10);
  ASSERT_EQ(this->acks_.size(), 1u);
  const auto ack = handshake::parse_frame<TypeParam::kFamily>(this->acks_[0]);
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->segment.flags, Flags::kAck);
  EXPECT_EQ(ack->segment.ack, SeqNum{7001});
}

TYPED_TEST(ClientsOf, WhoHasEndedStillAcknowledgesForASecondAndIsThenUnknown) {
  this->begin(kSilent);
  this->connect(10);
  (void)this->sent();
  const Segment fin = this->ack(1, 0, Flags::kFin);
  this->say(20, fin);
  EXPECT_EQ(this->sent().flags, Flags::kAck);
  this->say(30, fin);  // the ACK was lost
  EXPECT_EQ(this->sent().flags, Flags::kAck);
  this->turn(20 * kSecond);
  this->say(20 * kSecond, fin);
  EXPECT_EQ(this->sent().flags, Flags::kRst);
}

TYPED_TEST(ClientsOf, EachHasAnAddressAndPortOfItsOwn) {
  this->make(std::vector<std::uint64_t>(1000, 0), kSilent);
  this->turn(0);
  std::set<std::pair<wire::Address<TypeParam::kFamily>, std::uint16_t>> places;
  while (!this->silent()) {
    (void)this->sent();
    const auto& tuple = this->last_.path.tuple;
    EXPECT_TRUE(this->clients_->is_for(tuple.from_the_other_end()));
    if (TypeParam::kFamily == Family::kIpv4) {
      EXPECT_NE(tuple.remote.bytes.back(), 0);
      EXPECT_NE(tuple.remote.bytes.back(), 255);
    }
    places.emplace(tuple.remote, tuple.remote_port.host());
  }
  EXPECT_EQ(places.size(), 1000u);
}

/// As on the Internet, where whoever counts by networks sees many.
TYPED_TEST(ClientsOf, OverIpv6HaveANetworkEachWhereThereAreSeveral) {
  if (TypeParam::kFamily == Family::kIpv4) return;
  this->make(std::vector<std::uint64_t>(1000, 0), kSilent, "2001:2:0:4000::/50");
  this->turn(0);
  std::set<std::vector<std::uint8_t>> networks;
  while (!this->silent()) {
    (void)this->sent();
    const auto& tuple = this->last_.path.tuple;
    EXPECT_TRUE(this->clients_->is_for(tuple.from_the_other_end()));
    networks.emplace(tuple.remote.bytes.begin(), tuple.remote.bytes.begin() + 8);
    EXPECT_EQ(tuple.remote.bytes.back(), 1);
  }
  EXPECT_EQ(networks.size(), 1000u);
}

TYPED_TEST(ClientsOf, ForWhomNoPlaceIsLeftFailByTheGeneratorsFault) {
  constexpr std::size_t kPlaces = 50'000;
  this->make(std::vector<std::uint64_t>(kPlaces + 1, 0), kSilent,
             TypeParam::kFamily == Family::kIpv4 ? "198.18.64.1/32" : "2001:2:0:4000::1/128");
  this->turn(0);
  EXPECT_EQ(this->sent_.size(), kPlaces);
  this->expect_end(Outcome::kNoTuple, false, kPlaces);
  EXPECT_TRUE(this->told_[kPlaces].syns.empty());
}

TYPED_TEST(ClientsOf, OnlyTheirServiceSpeaksToThem) {
  this->begin(kSilent);
  (void)this->sent();
  auto tuple = this->last_.path.tuple.from_the_other_end();
  EXPECT_TRUE(this->clients_->is_for(tuple));
  tuple.remote_port = wire::Port{444};
  EXPECT_FALSE(this->clients_->is_for(tuple));
  tuple = this->last_.path.tuple.from_the_other_end();
  tuple.remote.bytes.back() ^= 1;
  EXPECT_FALSE(this->clients_->is_for(tuple));
  tuple = this->last_.path.tuple.from_the_other_end();
  tuple.local.bytes[2] ^= 1;
  EXPECT_FALSE(this->clients_->is_for(tuple));
}

}  // namespace
}  // namespace synward::load
