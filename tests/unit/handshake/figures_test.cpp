// The figures of RFC 9293 3.5, line by line. Numbers are the RFC's.
#include <gtest/gtest.h>

#include "tests/unit/handshake/two_ends.hpp"

namespace synward::handshake {
namespace {

using test::Flags;
using test::is;
using test::SeqNum;
using test::TwoEnds;

constexpr std::uint8_t kSyn = Flags::kSyn, kAck = Flags::kAck, kRst = Flags::kRst;

TEST(Rfc9293Figure6, BasicThreeWayHandshake) {
  TwoEnds ends;
  const Segment syn = ends.open(SeqNum{100});
  EXPECT_TRUE(is(syn, kSyn, 100));
  const auto syn_ack = ends.to_server(syn).reply;
  EXPECT_TRUE(is(syn_ack, kSyn | kAck, 300, 101));
  const auto ack = ends.to_client(*syn_ack).reply;
  EXPECT_TRUE(is(ack, kAck, 101, 301));
  EXPECT_FALSE(ends.to_server(*ack).reply);
  EXPECT_TRUE(is(send_text(ends.client, 5, ends.now_us), kAck | Flags::kPsh, 101, 301));
}

/// Both ends call, and their SYNs cross: `client` is A, `server` is B.
struct Crossing : TwoEnds {
  Segment syn_a = open(SeqNum{100});
  Segment syn_b = open_active(server, {}, {SeqNum{300}, 7'000'000}, now_us);
};

TEST(Rfc9293Figure7, SimultaneousOpen) {
  Crossing ends;
  const auto from_a = ends.to_client(ends.syn_b).reply;
  EXPECT_EQ(ends.client.state, State::kSynReceived);
  EXPECT_TRUE(is(from_a, kSyn | kAck, 100, 301));
  const auto from_b = ends.to_server(ends.syn_a).reply;
  EXPECT_EQ(ends.server.state, State::kSynReceived);
  EXPECT_TRUE(is(from_b, kSyn | kAck, 300, 101));

  const auto ack_a = ends.to_client(*from_b).reply;
  EXPECT_EQ(ends.client.state, State::kEstablished);
  EXPECT_TRUE(is(ack_a, kAck, 101, 301));
  const auto ack_b = ends.to_server(*from_a).reply;
  EXPECT_EQ(ends.server.state, State::kEstablished);
  EXPECT_FALSE(ends.to_server(*ack_a).reply);  // and no storm of ACKs follows
  EXPECT_FALSE(ends.to_client(*ack_b).reply);
  EXPECT_EQ(ends.client.rcv_nxt, ends.server.snd_nxt);
  EXPECT_EQ(ends.server.rcv_nxt, ends.client.snd_nxt);
}

TEST(Rfc9293Figure7, SurvivesTheLossOfASynAck) {
  Crossing ends;
  (void)ends.to_client(ends.syn_b);  // A's SYN-ACK is lost
  const auto from_b = ends.to_server(ends.syn_a).reply;
  const auto ack_a = ends.to_client(*from_b).reply;
  ends.to_server(*ack_a);
  EXPECT_EQ(ends.client.state, State::kEstablished);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Rfc9293Figure7, SynAckHasATimerOfItsOwn) {
  Crossing ends;
  ends.now_us += 600'000;
  (void)ends.to_client(ends.syn_b);
  ends.now_us += 999'999;
  EXPECT_FALSE(on_timer(ends.client, ends.now_us));
  EXPECT_TRUE(is(on_timer(ends.client, ends.now_us + 1), kSyn | kAck, 100, 301));
}

TEST(Rfc9293Figure7, RefusesASynAckWithAWrongAck) {
  Crossing ends;
  (void)ends.to_client(ends.syn_b);
  const Outcome outcome =
      ends.to_client({.seq = SeqNum{300}, .ack = SeqNum{100}, .flags = kSyn | kAck, .window = 1000});
  EXPECT_EQ(outcome.verdict, Verdict::kBadAck);
  EXPECT_TRUE(is(outcome.reply, kRst, 100));
  EXPECT_EQ(ends.client.state, State::kSynReceived);
}

TEST(Rfc9293Figure8, RecoveryFromOldDuplicateSyn) {
  TwoEnds ends;
  const Segment syn = ends.open(SeqNum{100});
  const Segment old_duplicate{.seq = SeqNum{90}, .flags = kSyn, .window = 1000};
  const auto syn_ack = ends.to_server(old_duplicate).reply;
  EXPECT_TRUE(is(syn_ack, kSyn | kAck, 300, 91));
  const auto reset = ends.to_client(*syn_ack).reply;  // A detects that the ACK field is incorrect
  EXPECT_TRUE(is(reset, kRst, 91));
  EXPECT_EQ(ends.client.state, State::kSynSent);
  EXPECT_EQ(ends.to_server(*reset).verdict, Verdict::kRstAccepted);
  EXPECT_EQ(ends.server.state, State::kListen);

  ends.server.initial.iss = SeqNum{400};
  const auto second = ends.to_server(syn).reply;
  EXPECT_TRUE(is(second, kSyn | kAck, 400, 101));
  const auto ack = ends.to_client(*second).reply;
  EXPECT_TRUE(is(ack, kAck, 101, 401));
  ends.to_server(*ack);
  EXPECT_EQ(ends.client.state, State::kEstablished);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

/// B is ESTABLISHED, "send 300, receive 100"; A has lost all memory.
struct HalfOpen : TwoEnds {
  HalfOpen() {
    server.initial.iss = SeqNum{299};
    shake_hands(SeqNum{99});
    client = Tcb{};
  }
};

TEST(Rfc9293Figure9, HalfOpenConnectionDiscovery) {
  HalfOpen ends;
  const Segment syn = ends.open(SeqNum{400});
  const Outcome challenged = ends.to_server(syn);
  EXPECT_EQ(challenged.verdict, Verdict::kSynChallenged);
  EXPECT_TRUE(is(challenged.reply, kAck, 300, 100));
  const auto reset = ends.to_client(*challenged.reply).reply;
  EXPECT_TRUE(is(reset, kRst, 100));
  EXPECT_EQ(ends.client.state, State::kSynSent);
  ends.to_server(*reset);
  EXPECT_EQ(ends.server.state, State::kClosed);

  open_passive(ends.server, {});  // "B may listen again", and A's next SYN finds it
  ends.now_us += 1'000'000;
  const auto syn_ack = ends.to_server(*on_timer(ends.client, ends.now_us)).reply;
  EXPECT_TRUE(is(syn_ack, kSyn | kAck, 0, 401));
}

TEST(Rfc9293Figure9, WorksForAClientThatCameBackWithoutTimestamps) {
  HalfOpen ends;
  const auto challenge = ends.to_server(ends.open(SeqNum{400}, {.timestamps = false})).reply;
  EXPECT_TRUE(is(challenge, kAck, 300, 100));
}

TEST(Rfc9293Figure10, ActiveSideCausesHalfOpenConnectionDiscovery) {
  HalfOpen ends;
  const auto text = send_text(ends.server, 10, ends.now_us);
  EXPECT_TRUE(is(text, kAck | Flags::kPsh, 300, 100));
  const Outcome outcome = ends.to_client(*text);
  EXPECT_EQ(outcome.verdict, Verdict::kNoConnection);
  EXPECT_TRUE(is(outcome.reply, kRst, 100));
  ends.to_server(*outcome.reply);
  EXPECT_EQ(ends.server.state, State::kClosed);
}

TEST(Rfc9293Figure11, OldDuplicateSynInitiatesAResetOnTwoPassiveSockets) {
  TwoEnds ends;
  open_passive(ends.client, {});
  const auto syn_ack = ends.to_server({.seq = SeqNum{7000}, .flags = kSyn, .window = 1000}).reply;
  EXPECT_TRUE(is(syn_ack, kSyn | kAck, 300, 7001));
  const auto reset = ends.to_client(*syn_ack).reply;
  EXPECT_TRUE(is(reset, kRst, 7001));
  ends.to_server(*reset);
  EXPECT_EQ(ends.client.state, State::kListen);
  EXPECT_EQ(ends.server.state, State::kListen);
}

}  // namespace
}  // namespace synward::handshake
