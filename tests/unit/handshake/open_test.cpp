// The handshake, segment by segment: without loss, with every loss, and across the wrap of sequence space.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/handshake/two_ends.hpp"

namespace synward::handshake {
namespace {

using test::Flags;
using test::is;
using test::SeqNum;
using test::TwoEnds;

constexpr std::uint64_t kSecond = 1'000'000;

struct WrapCase {
  std::string_view name;
  std::uint32_t client_iss, server_iss;
};
/// ISNs from which each number of the handshake is the first behind the wrap, or the last before it.
class WrapAround : public testing::TestWithParam<WrapCase> {};

TEST_P(WrapAround, EveryNumberOfTheHandshakeAndOfTheFirstText) {
  const auto [name, client_iss, server_iss] = GetParam();
  TwoEnds ends;
  ends.server.initial.iss = SeqNum{server_iss};

  const Segment syn = ends.open(SeqNum{client_iss});
  EXPECT_EQ(ends.client.state, State::kSynSent);
  EXPECT_EQ(syn.flags, Flags::kSyn);  // SYN has SYN and nothing else
  EXPECT_EQ(syn.seq, SeqNum{client_iss});
  EXPECT_EQ(syn.ack, SeqNum{0});

  const auto syn_ack = ends.to_server(syn).reply;
  EXPECT_EQ(ends.server.state, State::kSynReceived);
  EXPECT_TRUE(is(syn_ack, Flags::kSyn | Flags::kAck, server_iss, client_iss + 1));

  const auto ack = ends.to_client(*syn_ack).reply;
  EXPECT_EQ(ends.client.state, State::kEstablished);
  EXPECT_TRUE(is(ack, Flags::kAck, client_iss + 1, server_iss + 1));

  EXPECT_FALSE(ends.to_server(*ack).reply);
  EXPECT_EQ(ends.server.state, State::kEstablished);

  const auto text = send_text(ends.client, 100, ends.now_us);
  EXPECT_TRUE(is(text, Flags::kPsh | Flags::kAck, client_iss + 1, server_iss + 1));
  const Outcome outcome = ends.to_server(*text);
  EXPECT_EQ(outcome.text_bytes, 100);
  EXPECT_TRUE(is(outcome.reply, Flags::kAck, server_iss + 1, client_iss + 101));
  ends.to_client(*outcome.reply);
  EXPECT_EQ(ends.client.snd_una, SeqNum{client_iss} + 101);
  EXPECT_EQ(ends.client.snd_una, ends.client.snd_nxt);
}

TEST_P(WrapAround, TheTcbsOfBothEndsAgree) {
  const auto [name, client_iss, server_iss] = GetParam();
  TwoEnds ends;
  ends.server.initial.iss = SeqNum{server_iss};
  ends.shake_hands(SeqNum{client_iss});
  const Tcb &client = ends.client, &server = ends.server;

  EXPECT_EQ(client.iss(), server.irs);
  EXPECT_EQ(client.irs, server.iss());
  EXPECT_EQ(client.snd_nxt, server.rcv_nxt);
  EXPECT_EQ(client.rcv_nxt, server.snd_nxt);
  EXPECT_EQ(client.snd_una, client.snd_nxt);
  EXPECT_EQ(server.snd_una, server.snd_nxt);
  EXPECT_EQ(server.snd_wnd, client.rcv_wnd);
  EXPECT_EQ(client.timer.deadline_us(), RetransmissionTimer::kNever);
  EXPECT_EQ(server.timer.deadline_us(), RetransmissionTimer::kNever);
}

constexpr WrapCase kWraps[] = {
    {.name = "FarFromIt", .client_iss = 100, .server_iss = 300},
    {.name = "ClientsSynIsTheLastNumber", .client_iss = 0xffff'ffff, .server_iss = 300},
    {.name = "ClientsAckIsTheLastNumber", .client_iss = 0xffff'fffe, .server_iss = 300},
    {.name = "ServersSynIsTheLastNumber", .client_iss = 100, .server_iss = 0xffff'ffff},
    {.name = "ServersNextIsTheLastNumber", .client_iss = 100, .server_iss = 0xffff'fffe},
    {.name = "BothSynsAreTheLastNumber", .client_iss = 0xffff'ffff, .server_iss = 0xffff'ffff},
    {.name = "InsideTheText", .client_iss = 0xffff'ffff - 50, .server_iss = 0xffff'ffff},
    {.name = "AtTheSignBit", .client_iss = 0x7fff'ffff, .server_iss = 0x8000'0000},
    {.name = "Zero", .client_iss = 0, .server_iss = 0},
};
INSTANTIATE_TEST_SUITE_P(SequenceSpace, WrapAround, testing::ValuesIn(kWraps),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Options, AreAgreedByBothEndsAlike) {
  TwoEnds ends{{.mss = 1200, .window_scale = 3, .sack = false}};
  const auto syn_ack = ends.to_server(ends.open(SeqNum{100}, {.mss = 1400, .window_scale = 9})).reply;
  ASSERT_TRUE(syn_ack);
  EXPECT_FALSE(syn_ack->options.sack_permitted);
  const auto ack = ends.to_client(*syn_ack).reply;
  ends.to_server(*ack);

  for (const Tcb* tcb : {&ends.client, &ends.server}) {
    EXPECT_EQ(tcb->state, State::kEstablished);
    EXPECT_EQ(tcb->agreed.send_mss, 1200);
    EXPECT_TRUE(tcb->agreed.wind_scale_ok);
    EXPECT_TRUE(tcb->agreed.ts_ok);
    EXPECT_FALSE(tcb->agreed.sack_permitted);
  }
  EXPECT_EQ(ends.client.agreed.snd_wind_shift, 3);
  EXPECT_EQ(ends.server.agreed.snd_wind_shift, 9);
  // TSval = offset + milliseconds; each end echoes the other's.
  EXPECT_EQ(syn_ack->options.timestamps, (wire::TcpTimestamps{7'005'000, 9'005'000}));
  EXPECT_EQ(ack->options.timestamps, (wire::TcpTimestamps{9'005'000, 7'005'000}));
}

TEST(Options, WindowsAreScaledFromTheFirstAckOn) {
  TwoEnds ends{{.window_bytes = 1 << 20, .window_scale = 7}};
  const auto syn_ack =
      ends.to_server(ends.open(SeqNum{100}, {.window_bytes = 1 << 19, .window_scale = 4})).reply;
  EXPECT_EQ(syn_ack->window, 65535);
  const auto ack = ends.to_client(*syn_ack).reply;
  EXPECT_EQ(ends.client.snd_wnd, 65535u);  // as the SYN-ACK says: not 65535 << 7
  EXPECT_EQ(ack->window, (1 << 19) >> 4);
  ends.to_server(*ack);
  EXPECT_EQ(ends.server.snd_wnd, 1u << 19);
}

// --- Loss ---

TEST(Loss, OfTheSynIsRepairedByTheSameSyn) {
  TwoEnds ends;
  const Segment lost = ends.open(SeqNum{100});
  EXPECT_FALSE(on_timer(ends.client, ends.now_us + kSecond - 1));
  ends.now_us += kSecond;
  const auto again = on_timer(ends.client, ends.now_us);
  ASSERT_TRUE(is(again, Flags::kSyn, 100));
  EXPECT_EQ(again->window, lost.window);
  EXPECT_EQ(again->options.timestamps->tsval, lost.options.timestamps->tsval + 1000);
  ends.to_server(*ends.to_client(*ends.to_server(*again).reply).reply);
  EXPECT_EQ(ends.client.state, State::kEstablished);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Loss, OfTheSynAckIsRepairedByTheClientsTimer) {
  TwoEnds ends;
  ends.to_server(ends.open(SeqNum{100}));  // its answer is lost
  ends.now_us += kSecond;
  const Outcome outcome = ends.to_server(*on_timer(ends.client, ends.now_us));
  EXPECT_EQ(outcome.verdict, Verdict::kSynRepeated);
  ASSERT_TRUE(is(outcome.reply, Flags::kSyn | Flags::kAck, 300, 101));
  ends.to_server(*ends.to_client(*outcome.reply).reply);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Loss, OfTheSynAckIsRepairedByTheServersTimer) {
  TwoEnds ends;
  ends.to_server(ends.open(SeqNum{100}));
  ends.now_us += kSecond;
  const auto again = on_timer(ends.server, ends.now_us);
  ASSERT_TRUE(is(again, Flags::kSyn | Flags::kAck, 300, 101));
  ends.to_server(*ends.to_client(*again).reply);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Loss, OfTheAckIsRepairedByTheSynAckAgain) {
  TwoEnds ends;
  ends.to_client(*ends.to_server(ends.open(SeqNum{100})).reply);  // its ACK is lost
  EXPECT_EQ(ends.client.state, State::kEstablished);
  ends.now_us += kSecond;
  const Outcome outcome = ends.to_client(*on_timer(ends.server, ends.now_us));
  EXPECT_EQ(outcome.verdict, Verdict::kOutsideWindow);
  ASSERT_TRUE(is(outcome.reply, Flags::kAck, 101, 301));
  EXPECT_EQ(ends.to_server(*outcome.reply).verdict, Verdict::kAccepted);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Loss, OfTheAckIsRepairedByTheFirstText) {
  TwoEnds ends;
  ends.to_client(*ends.to_server(ends.open(SeqNum{100})).reply);
  const Outcome outcome = ends.to_server(*send_text(ends.client, 10, ends.now_us));
  EXPECT_EQ(ends.server.state, State::kEstablished);
  EXPECT_EQ(outcome.text_bytes, 10);
  EXPECT_TRUE(is(outcome.reply, Flags::kAck, 301, 111));
}

TEST(Retransmission, KeepsTheIssAndBacksOffUntilItGivesUp) {
  TwoEnds ends;
  std::uint64_t last = ends.now_us, wait = kSecond;
  ends.open(SeqNum{100}, {.retries = 3});
  for (int retry = 1; retry <= 3; ++retry, wait *= 2) {
    ends.now_us = ends.client.timer.deadline_us();
    EXPECT_EQ(ends.now_us - last, wait);
    last = ends.now_us;
    EXPECT_TRUE(is(on_timer(ends.client, ends.now_us), Flags::kSyn, 100));
  }
  EXPECT_FALSE(on_timer(ends.client, ends.client.timer.deadline_us() - 1));
  EXPECT_EQ(ends.client.state, State::kSynSent);
  EXPECT_FALSE(on_timer(ends.client, last + wait));
  EXPECT_EQ(ends.client.state, State::kClosed);
}

TEST(Retransmission, OfSynAcksEndsInListen) {
  TwoEnds ends{{.retries = 1}};
  ends.to_server(ends.open(SeqNum{100}));
  EXPECT_TRUE(is(on_timer(ends.server, ends.now_us + kSecond), Flags::kSyn | Flags::kAck, 300, 101));
  EXPECT_FALSE(on_timer(ends.server, ends.now_us + 3 * kSecond));
  EXPECT_EQ(ends.server.state, State::kListen);
}

// --- After the handshake ---

TEST(Established, AnswersStragglersWithItsOwnNumbers) {
  TwoEnds ends;
  ends.shake_hands(SeqNum{100});
  Tcb client = ends.client;
  const Segment syn = open_active(client, {}, {SeqNum{100}, 9'000'000}, ends.now_us);

  const Outcome old_syn = ends.to_server(syn);
  EXPECT_EQ(old_syn.verdict, Verdict::kOutsideWindow);
  EXPECT_TRUE(is(old_syn.reply, Flags::kAck, 301, 101));

  Segment new_syn = syn;
  new_syn.seq = SeqNum{5000};
  const Outcome challenged = ends.to_server(new_syn);
  EXPECT_EQ(challenged.verdict, Verdict::kSynChallenged);
  EXPECT_TRUE(is(challenged.reply, Flags::kAck, 301, 101));

  Segment old_ack{.seq = SeqNum{101}, .ack = SeqNum{301}, .flags = Flags::kAck};
  old_ack.options.timestamps = wire::TcpTimestamps{9'005'000, 7'005'000};
  EXPECT_EQ(ends.to_server(old_ack).verdict, Verdict::kAccepted);
  EXPECT_FALSE(ends.to_server(old_ack).reply);
  EXPECT_EQ(ends.server.state, State::kEstablished);
}

TEST(Established, SendsNoMoreThanASegmentOrTheWindow) {
  TwoEnds ends{{.window_bytes = 2000, .mss = 1000, .window_scale = {}}};
  ends.shake_hands(SeqNum{100});
  EXPECT_FALSE(send_text(ends.client, 989, ends.now_us));  // RFC 6691: 12 bytes of timestamps
  EXPECT_TRUE(send_text(ends.client, 988, ends.now_us));
  EXPECT_TRUE(send_text(ends.client, 988, ends.now_us));
  EXPECT_FALSE(send_text(ends.client, 25, ends.now_us));
  EXPECT_TRUE(send_text(ends.client, 24, ends.now_us));
  Tcb closed{};
  EXPECT_FALSE(send_text(closed, 0, ends.now_us));
}

TEST(Text, BesideASynIsNotAcknowledged) {
  TwoEnds ends;
  Segment syn = ends.open(SeqNum{100});
  syn.text_bytes = 10;
  EXPECT_TRUE(is(ends.to_server(syn).reply, Flags::kSyn | Flags::kAck, 300, 101));
}

TEST(Text, OldPartIsSkippedAndTheRestTaken) {
  TwoEnds ends;
  ends.shake_hands(SeqNum{100});
  const auto first = *send_text(ends.client, 10, ends.now_us);
  ends.to_server(first);
  Segment longer = first;
  longer.text_bytes = 15;
  const Outcome outcome = ends.to_server(longer);
  EXPECT_EQ(outcome.text_offset, 10);
  EXPECT_EQ(outcome.text_bytes, 5);
  EXPECT_TRUE(is(outcome.reply, Flags::kAck, 301, 116));
}

TEST(Text, OutOfOrderIsAskedForAgain) {
  TwoEnds ends;
  ends.shake_hands(SeqNum{100});
  (void)send_text(ends.client, 10, ends.now_us);
  const Outcome outcome = ends.to_server(*send_text(ends.client, 10, ends.now_us));
  EXPECT_EQ(outcome.text_bytes, 0);
  EXPECT_TRUE(is(outcome.reply, Flags::kAck, 301, 101));
}

TEST(FirstSegment, MayCarryAckTextAndFin) {
  TwoEnds ends;
  ends.to_client(*ends.to_server(ends.open(SeqNum{100})).reply);
  Segment all = *send_text(ends.client, 10, ends.now_us);
  all.flags |= Flags::kFin;
  const Outcome outcome = ends.to_server(all);
  EXPECT_EQ(ends.server.state, State::kCloseWait);
  EXPECT_EQ(outcome.text_bytes, 10);
  EXPECT_TRUE(is(outcome.reply, Flags::kAck, 301, 112));
}

}  // namespace
}  // namespace synward::handshake
