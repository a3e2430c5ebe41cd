// Mirrors bench/load/clients.hpp: each client's fate, against a server that a test plays by hand.
#include "bench/load/clients.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::load {
namespace {

using handshake::Received;
using handshake::Segment;
using test::mac;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

constexpr std::uint64_t kBegin = 50'000'000, kMillisecond = 1'000, kSecond = 1'000'000;

template <Family kFamilyOf>
struct Of {
  static constexpr Family kFamily = kFamilyOf;
};

/// All that a client's observer was told.
struct Told {
  std::vector<std::uint64_t> syns;
  std::optional<std::uint64_t> connected, first_byte;
  std::optional<Outcome> outcome;
  bool closed = false;
};

template <typename T>
class ClientsOf : public testing::Test, private ClientEvents {
 protected:
  static constexpr Family kFamily = T::kFamily;
  static constexpr bool kIs4 = kFamily == Family::kIpv4;
  using Start = typename Clients<kFamily>::Start;

  /// Clients whose intended times are so much after kBegin.
  void make(std::vector<std::uint64_t> times, const ClientManners& manners, const char* addresses = nullptr) {
    schedule_.clear();
    for (std::size_t n = 0; n < times.size(); ++n) schedule_.push_back({kBegin + times[n], n});
    if (addresses == nullptr) addresses = kIs4 ? "198.18.64.0/24" : "2001:2:0:4000::/64";
    const Target service = Target::parse(kIs4 ? "198.18.0.10:443" : "[2001:2::10]:443");
    clients_.emplace(
        typename Clients<kFamily>::Settings{.link = {mac("02:00:00:00:00:01"), mac("02:00:00:00:00:0a")},
                                            .addresses = SourcePrefix::parse(addresses),
                                            .service = std::get<wire::Address<kFamily>>(service.address()),
                                            .port = service.port(),
                                            .manners = manners},
        schedule_, crypto::AesBlock{}, [this](std::span<const std::byte> f) { take(f); },
        static_cast<ClientEvents&>(*this));
  }
  /// One client, now.
  void begin(const ClientManners& manners) {
    make({0}, manners);
    turn(0);
  }
  void turn(std::uint64_t us) { clients_->turn(now_ = kBegin + us); }

  /// The oldest segment that was sent and not looked at. Throws when there is none.
  Segment sent() {
    if (sent_.empty()) throw std::runtime_error("nothing was sent");
    last_ = sent_.front();
    sent_.pop_front();
    return last_.segment;
  }
  [[nodiscard]] bool silent() const { return sent_.empty(); }

  /// What the server says to whoever sent last, `us` after kBegin.
  void say(std::uint64_t us, Segment segment, std::string_view text = {}) {
    segment.text_bytes = static_cast<std::uint16_t>(text.size());
    std::array<std::byte, 256> frame;
    const auto built = build_frame(last_.path, segment, std::as_bytes(std::span{text}), frame);
    const auto received = handshake::parse_frame<kFamily>(built).value();
    ASSERT_TRUE(clients_->is_for(received.path.tuple));
    clients_->receive(received, now_ = kBegin + us);
  }
  /// The server's SYN-ACK to the SYN that was looked at last.
  static Segment syn_ack(const Segment& syn, std::uint16_t window = 65535) {
    return {.seq = SeqNum{7000}, .ack = syn.seq + 1, .flags = Flags::kSyn | Flags::kAck, .window = window};
  }
  /// Connected at `us`, and the ACK looked at.
  void connect(std::uint64_t us) {
    const Segment syn = sent();
    say(us, syn_ack(syn));
    EXPECT_EQ(sent().flags, Flags::kAck);
    isn_ = syn.seq;
  }
  [[nodiscard]] Segment ack(std::uint32_t sent_bytes, std::uint32_t said_bytes = 0,
                            std::uint8_t flags = 0) const {
    return {.seq = SeqNum{7001} + said_bytes,
            .ack = isn_ + 1 + sent_bytes,
            .flags = static_cast<std::uint8_t>(Flags::kAck | flags),
            .window = 65535};
  }
  void expect_end(Outcome outcome, bool closed = false, std::size_t client = 0) {
    ASSERT_TRUE(told_[client].outcome.has_value());
    EXPECT_EQ(*told_[client].outcome, outcome) << kOutcomeLabels[std::size_t(*told_[client].outcome)];
    EXPECT_EQ(told_[client].closed, closed);
  }

  std::optional<Clients<kFamily>> clients_;
  std::vector<Start> schedule_;
  std::deque<Received<kFamily>> sent_;  // from the server's end
  Received<kFamily> last_{};
  SeqNum isn_{0};
  std::map<std::size_t, Told> told_;
  std::vector<std::vector<std::byte>> acks_;

 private:
  void take(std::span<const std::byte> frame) {
    frames_.emplace_back(frame.begin(), frame.end());
    sent_.push_back(handshake::parse_frame<kFamily>(frames_.back()).value());
  }
  void sent_syn(std::size_t client, unsigned number, std::uint64_t now_us) override {
    told_[client].syns.push_back(now_us - kBegin);
    EXPECT_EQ(number, told_[client].syns.size());
  }
  void connected(std::size_t client, std::uint64_t now_us) override {
    told_[client].connected = now_us - kBegin;
  }
  void sent_ack(std::span<const std::byte> frame) override { acks_.emplace_back(frame.begin(), frame.end()); }
  void first_byte(std::size_t client, std::uint64_t now_us) override {
    EXPECT_FALSE(told_[client].first_byte.has_value());
    told_[client].first_byte = now_us - kBegin;
  }
  void ended(std::size_t client, Outcome outcome, bool closed) override {
    EXPECT_FALSE(told_[client].outcome.has_value()) << "it ends once";
    told_[client].outcome = outcome;
    told_[client].closed = closed;
  }

  std::deque<std::vector<std::byte>> frames_;
  std::uint64_t now_ = kBegin;
};
using Families = testing::Types<Of<Family::kIpv4>, Of<Family::kIpv6>>;
TYPED_TEST_SUITE(ClientsOf, Families, );

const ClientManners kSilent{};
const ClientManners kAsking{.request = "GET /\r\n", .asks = true, .expect = "HTTP"};
const std::uint32_t kAsked = 7;  // bytes

TYPED_TEST(ClientsOf, ConnectAndCloseByFinsOfBothSides) {
  this->begin(kSilent);
  this->connect(3 * kMillisecond);
  EXPECT_EQ(this->told_[0].connected, 3 * kMillisecond);
  const Segment fin = this->sent();
  EXPECT_EQ(fin.flags, Flags::kFin | Flags::kAck | Flags::kPsh);
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
