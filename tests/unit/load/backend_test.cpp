// Mirrors bench/load/backend.hpp: against clients.hpp over a wire that loses frames, and by hand.
#include "bench/load/backend.hpp"

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/load/clients.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/load_families.hpp"

namespace synward::load {
namespace {

using handshake::Segment;
using test::mac;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

template <typename T>
class BackendOf : public testing::Test, private ClientEvents {
 protected:
  static constexpr Family kFamily = T::kFamily;
  static constexpr bool kIs4 = kFamily == Family::kIpv4;
  static Target target() { return Target::parse(kIs4 ? "198.18.0.10:443" : "[2001:2::10]:443"); }
  static wire::Address<kFamily> service() { return std::get<wire::Address<kFamily>>(target().address()); }

  void make(const BackendManners& manners) {
    manners_ = manners;
    backend_.emplace(service(), target().port(), manners_, crypto::AesBlock{std::byte{1}},
                     [this](std::span<const std::byte> frame) { carry(frame, true); });
  }

  /// `count` clients, a millisecond apart, over a wire of a millisecond that loses so many frames of a
  /// hundred.
  void converse(std::size_t count, const ClientManners& manners, unsigned lost_percent) {
    lost_percent_ = lost_percent;
    schedule_.clear();
    for (std::size_t n = 0; n < count; ++n) schedule_.push_back({kBegin + n * kMillisecond, n});
    Clients<kFamily> clients{
        {.link = {mac("02:00:00:00:00:01"), mac("02:00:00:00:00:0a")},
         .addresses = SourcePrefix::parse(kIs4 ? "198.18.64.0/24" : "2001:2:0:4000::/64"),
         .service = service(),
         .port = target().port(),
         .manners = manners},
        schedule_,
        crypto::AesBlock{},
        [this](std::span<const std::byte> frame) { carry(frame, false); },
        *this};
    for (now_ = kBegin; !clients.are_done() && now_ < kBegin + 300 * kSecond; now_ += kMillisecond) {
      std::deque<Carried> due;
      std::swap(due, wire_);
      for (const Carried& carried : due) {
        const auto received = handshake::parse_frame<kFamily>(carried.frame).value();
        ASSERT_TRUE(carried.to_client || backend_->is_for(received.path.tuple));
        carried.to_client ? clients.receive(received, now_) : backend_->receive(received, now_);
      }
      clients.turn(now_);
      backend_->turn(now_);
    }
    answer_bytes_ = clients.answer_bytes();
  }

  /// By hand: what a client says from `port`, and the backend's next segment.
  void say(Segment segment, std::string_view text = {}, std::uint16_t port = 20'000, std::uint8_t host = 9) {
    handshake::Path<kFamily> path{mac("02:00:00:00:00:01"), mac("02:00:00:00:00:0a"), {}};
    auto client = service();
    client.bytes.back() = host;
    path.tuple = {client, service(), wire::Port{port}, target().port()};
    segment.text_bytes = static_cast<std::uint16_t>(text.size());
    std::array<std::byte, 256> frame;
    const auto built = build_frame(path, segment, std::as_bytes(std::span{text}), frame);
    backend_->receive(handshake::parse_frame<kFamily>(built).value(), now_);
  }
  Segment heard() {
    if (wire_.empty()) throw std::runtime_error("nothing was sent");
    last_ = wire_.front();
    wire_.pop_front();
    return handshake::parse_frame<kFamily>(last_.frame).value().segment;
  }
  /// Connected from sequence number 101 on, with a window of so many bytes. Returns the backend's ISN + 1.
  SeqNum connect(std::uint16_t window = 65535) {
    say({.seq = SeqNum{100},
         .flags = Flags::kSyn,
         .window = window,
         .options = {.mss = std::uint16_t{1000}}});
    const Segment syn_ack = heard();
    EXPECT_EQ(syn_ack.flags, Flags::kSyn | Flags::kAck);
    EXPECT_EQ(syn_ack.ack, SeqNum{101});
    window_ = window;
    say(ack(syn_ack.seq + 1));
    return syn_ack.seq + 1;
  }
  [[nodiscard]] Segment ack(SeqNum number, std::uint32_t said = 0, std::uint8_t flags = 0) const {
    return {.seq = SeqNum{101} + said,
            .ack = number,
            .flags = static_cast<std::uint8_t>(Flags::kAck | flags),
            .window = window_};
  }
  void wait(std::uint64_t us) {
    for (const std::uint64_t end = now_ + us; now_ < end;) {
      now_ += kMillisecond;
      backend_->turn(now_);
    }
  }

  struct Carried {
    std::vector<std::byte> frame;
    bool to_client;
  };
  std::optional<Backend<kFamily>> backend_;
  std::deque<Carried> wire_;
  Carried last_{};
  std::map<Outcome, int> outcomes_;
  int closed_ = 0;
  std::uint64_t answer_bytes_ = 0;
  std::uint64_t now_ = kBegin;

 private:
  void carry(std::span<const std::byte> frame, bool to_client) {
    if (random_() % 100 >= lost_percent_) wire_.push_back({{frame.begin(), frame.end()}, to_client});
  }
  void sent_syn(std::size_t /*client*/, unsigned /*number*/, std::uint64_t /*now_us*/) override {}
  void connected(std::size_t /*client*/, std::uint64_t /*now_us*/) override {}
  void sent_ack(std::span<const std::byte> /*frame*/) override {}
  void first_byte(std::size_t /*client*/, std::uint64_t /*now_us*/) override {}
  void ended(std::size_t /*client*/, Outcome outcome, bool closed) override {
    ++outcomes_[outcome];
    closed_ += closed ? 1 : 0;
  }

  BackendManners manners_;
  std::vector<typename Clients<kFamily>::Start> schedule_;
  std::minstd_rand random_{7};
  unsigned lost_percent_ = 0;
  std::uint16_t window_ = 65535;
};
TYPED_TEST_SUITE(BackendOf, Families, );

std::string answer(std::size_t bytes) {
  std::string text = "HTTP";
  text.resize(bytes, '.');
  return text;
}
ClientManners asking(std::uint32_t bytes) {
  return {
      .request = "GET", .asks = true, .expect = "HTTP", .answer_bytes = bytes, .patience_us = 250 * kSecond};
}

TYPED_TEST(BackendOf, GivesEachClientAllOfItsAnswer) {
  for (const std::uint32_t bytes : {4u, 1448u, 1449u, 14'480u, 14'481u, 200'000u}) {
    this->make({.answer = answer(bytes)});
    this->outcomes_.clear();
    this->closed_ = 0;
    this->converse(30, asking(bytes), 0);
    EXPECT_EQ(this->outcomes_, (std::map<Outcome, int>{{Outcome::kSucceeded, 30}})) << bytes;
    EXPECT_EQ(this->closed_, 30);
    EXPECT_EQ(this->answer_bytes_, 30u * bytes);
    EXPECT_LE(this->backend_->size(), 1u) << "whose last ACK is still on the wire";
    this->wire_.clear();
  }
}

TYPED_TEST(BackendOf, GivesItAlsoWhereAThirdIsLost) {
  this->make({.answer = answer(20'000)});
  this->converse(100, asking(20'000), 33);
  // Who waits in vain for a FIN that was lost is told of no connection: that is a reset, after success.
  EXPECT_EQ(this->outcomes_, (std::map<Outcome, int>{{Outcome::kSucceeded, 100}}));
  EXPECT_EQ(this->answer_bytes_, 100u * 20'000) << "each byte once";
}

TYPED_TEST(BackendOf, SpeaksFirstWhereNobodyAsks) {
  this->make({.answer = answer(3000), .speaks_first = true});
  this->converse(10, {.asks = true, .expect = "HTTP", .answer_bytes = 3000}, 0);
  EXPECT_EQ(this->outcomes_, (std::map<Outcome, int>{{Outcome::kSucceeded, 10}}));
}

TYPED_TEST(BackendOf, AClientThatWantsMoreThanItSaysHasNoData) {
  this->make({.answer = answer(3000)});
  ClientManners manners = asking(3001);
  manners.patience_us = kSecond;
  this->converse(3, manners, 0);
  EXPECT_EQ(this->outcomes_, (std::map<Outcome, int>{{Outcome::kNoData, 3}}));
  EXPECT_EQ(this->answer_bytes_, 3u * 3000);
}

TYPED_TEST(BackendOf, HasTenSegmentsUnderWayAtMost) {
  this->make({.answer = answer(100'000)});
  const SeqNum first = this->connect();
  this->say(this->ack(first), "GET");
  for (std::uint32_t n = 0; n < 10; ++n) {
    const Segment segment = this->heard();
    EXPECT_EQ(segment.seq, first + n * 1000);
    EXPECT_EQ(segment.text_bytes, 1000) << "the client's MSS";
    EXPECT_EQ(segment.ack, SeqNum{104});
  }
  EXPECT_TRUE(this->wire_.empty());
  this->say(this->ack(first + 3000, 3));
  for (std::uint32_t n = 10; n < 13; ++n) EXPECT_EQ(this->heard().seq, first + n * 1000);
  EXPECT_TRUE(this->wire_.empty());
}

TYPED_TEST(BackendOf, KeepsWithinTheClientsWindow) {
  this->make({.answer = answer(100'000)});
  const SeqNum first = this->connect(2500);
  this->say(this->ack(first), "GET");
  EXPECT_EQ(this->heard().seq, first);
  EXPECT_EQ(this->heard().seq, first + 1000);
  EXPECT_TRUE(this->wire_.empty());
}

TYPED_TEST(BackendOf, SaysAgainWhatIsNotAcknowledgedAndAfterTwiceTheTime) {
  this->make({.answer = answer(2500)});
  const SeqNum first = this->connect();
  this->say(this->ack(first), "GET");
  for (int n = 0; n < 3; ++n) (void)this->heard();
  this->say(this->ack(first + 1000, 3));
  for (const std::uint64_t ms : {200u, 400u, 800u}) {
    this->wait((ms - 1) * kMillisecond);
    EXPECT_TRUE(this->wire_.empty());
    this->wait(kMillisecond);
    EXPECT_EQ(this->heard().seq, first + 1000);
    const Segment last = this->heard();
    EXPECT_EQ(last.seq, first + 2000);
    EXPECT_EQ(last.text_bytes, 500);
    EXPECT_TRUE(this->wire_.empty());
  }
}

TYPED_TEST(BackendOf, ClosesAfterTheClientAndSaysThatAgainToo) {
  this->make({.answer = answer(4)});
  const SeqNum first = this->connect();
  this->say(this->ack(first), "GET");
  EXPECT_EQ(this->heard().text_bytes, 4);
  this->say(this->ack(first, 3, Flags::kFin));  // it closes before it has everything
  EXPECT_EQ(this->heard().flags, Flags::kAck);
  this->say(this->ack(first + 4, 4));
  const Segment fin = this->heard();
  EXPECT_EQ(fin.flags & Flags::kFin, Flags::kFin);
  EXPECT_EQ(fin.seq, first + 4);
  this->wait(200 * kMillisecond);
  const Segment again = this->heard();
  EXPECT_EQ(again.flags & Flags::kFin, Flags::kFin);
  EXPECT_EQ(again.seq, first + 4);
  this->say(this->ack(first + 5, 4));
  EXPECT_TRUE(this->wire_.empty());
  EXPECT_EQ(this->backend_->size(), 0u);
  this->say(this->ack(first + 5, 4));
  EXPECT_EQ(this->heard().flags, Flags::kRst) << "nobody knows it any more";
}

TYPED_TEST(BackendOf, RepeatsItsSynAckAndForgetsWhoNeverAnswers) {
  this->make({});
  const Segment syn{.seq = SeqNum{100}, .flags = Flags::kSyn, .window = 65535};
  this->say(syn);
  const Segment syn_ack = this->heard();
  this->say(syn);
  EXPECT_EQ(this->heard().seq, syn_ack.seq) << "the same, to the same SYN";
  int again = 0;
  for (std::uint64_t second = 0; second < 130 && this->backend_->size() != 0; ++second) {
    this->wait(kSecond);
    for (; !this->wire_.empty(); ++again) EXPECT_EQ(this->heard().seq, syn_ack.seq);
  }
  EXPECT_EQ(again, handshake::kSynAckRetries);
  EXPECT_EQ(this->backend_->size(), 0u);
}

TYPED_TEST(BackendOf, ForgetsWhoIsSilentOrResets) {
  this->make({.answer = answer(4)});
  (void)this->connect();
  this->wait(59 * kSecond);
  EXPECT_EQ(this->backend_->size(), 1u);
  this->wait(2 * kSecond);
  EXPECT_EQ(this->backend_->size(), 0u);
  EXPECT_TRUE(this->wire_.empty());
  const SeqNum second = this->connect();
  this->say(this->ack(second, 0, Flags::kRst));
  EXPECT_EQ(this->backend_->size(), 0u);
  EXPECT_TRUE(this->wire_.empty());
}

TYPED_TEST(BackendOf, KnowsNoMoreThanItHasRoomFor) {
  this->make({});
  const Segment syn{.seq = SeqNum{100}, .flags = Flags::kSyn, .window = 1};
  const std::size_t room = this->backend_->kMostConnections;
  for (std::uint32_t n = 0; n < room + 10; ++n) {
    this->say(syn, {}, static_cast<std::uint16_t>(n), static_cast<std::uint8_t>(n >> 16));
    if (n < room) {
      ASSERT_EQ(this->heard().flags, Flags::kSyn | Flags::kAck);
    }
    ASSERT_TRUE(this->wire_.empty());
  }
  EXPECT_EQ(this->backend_->size(), room);
}

TYPED_TEST(BackendOf, AnswersStrangersAsRfc9293HasIt) {
  this->make({});
  this->say({.seq = SeqNum{5}, .ack = SeqNum{77}, .flags = Flags::kAck});
  const Segment reset = this->heard();
  EXPECT_EQ(reset.flags, Flags::kRst);
  EXPECT_EQ(reset.seq, SeqNum{77});
  this->say({.seq = SeqNum{5}, .flags = Flags::kRst});
  this->say({.seq = SeqNum{5}, .flags = Flags::kFin});
  this->say({.seq = SeqNum{5}, .flags = Flags::kSyn | Flags::kFin});
  EXPECT_TRUE(this->wire_.empty());
  EXPECT_EQ(this->backend_->size(), 0u);
}

}  // namespace
}  // namespace synward::load
