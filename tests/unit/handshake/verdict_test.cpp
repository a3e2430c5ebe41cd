// One row for each verdict: the segment that earns it, and what is sent back.
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/handshake/two_ends.hpp"

namespace synward::handshake {
namespace {

using test::Flags;
using test::SeqNum;
using test::TwoEnds;

constexpr std::uint8_t kSyn = Flags::kSyn, kAck = Flags::kAck, kRst = Flags::kRst, kFin = Flags::kFin;

struct VerdictCase {
  std::string_view name;
  State in;  // the server's; its numbers are ISS 300, IRS 100
  Segment segment;
  std::optional<wire::TcpTimestamps> timestamps;  // of the segment
  Verdict verdict;
  std::uint8_t reply_flags;  // 0: nothing is sent
  State then;
};

class Verdicts : public testing::TestWithParam<VerdictCase> {};

Tcb server_in(State state, std::uint64_t now_us) {
  TwoEnds ends;
  ends.now_us = now_us;
  switch (state) {
    case State::kClosed:
      return Tcb{};
    case State::kListen:
      break;
    case State::kSynSent:
      (void)open_active(ends.server, {}, {SeqNum{300}, 0}, now_us);
      break;
    case State::kSynReceived:
      (void)ends.to_server(ends.open(SeqNum{100}));
      break;
    case State::kEstablished:
    case State::kCloseWait:
      ends.shake_hands(SeqNum{100});
      break;
  }
  return ends.server;
}

TEST_P(Verdicts, AreReachedAndAnswered) {
  const auto& row = GetParam();
  Tcb tcb = server_in(row.in, 5'000'000);
  Segment segment = row.segment;
  segment.options.timestamps = row.timestamps;
  const Outcome outcome = on_segment(tcb, segment, 5'000'000);
  EXPECT_EQ(describe(outcome.verdict), describe(row.verdict));
  EXPECT_EQ(outcome.reply ? outcome.reply->flags : 0, row.reply_flags);
  EXPECT_EQ(name_of(tcb.state), name_of(row.then));
}

constexpr wire::TcpTimestamps kNow{9'005'000, 7'005'000};
constexpr SeqNum at(std::uint32_t value) { return SeqNum{value}; }

const VerdictCase kCases[] = {
    {"Accepted",
     State::kSynReceived,
     {at(101), at(301), kAck},
     kNow,
     Verdict::kAccepted,
     0,
     State::kEstablished},
    {"NoConnection", State::kClosed, {at(1), at(2), kAck}, {}, Verdict::kNoConnection, kRst, State::kClosed},
    {"NoConnectionForSyn",
     State::kClosed,
     {at(1), at(0), kSyn},
     {},
     Verdict::kNoConnection,
     kRst | kAck,
     State::kClosed},
    {"NotASynInListen", State::kListen, {at(1), at(0), kFin}, {}, Verdict::kNotASyn, 0, State::kListen},
    {"NotASynInSynSent", State::kSynSent, {at(1), at(301), kAck}, {}, Verdict::kNotASyn, 0, State::kSynSent},
    {"SynWithFinInListen",
     State::kListen,
     {at(1), at(0), kSyn | kFin},
     {},
     Verdict::kSynWithFin,
     0,
     State::kListen},
    {"SynWithFinInSynSent",
     State::kSynSent,
     {at(1), at(301), kSyn | kFin | kAck},
     {},
     Verdict::kSynWithFin,
     0,
     State::kSynSent},
    {"SynRepeated",
     State::kSynReceived,
     {at(100), at(0), kSyn},
     kNow,
     Verdict::kSynRepeated,
     kSyn | kAck,
     State::kSynReceived},
    {"SynChallenged",
     State::kEstablished,
     {at(500), at(0), kSyn},
     {},
     Verdict::kSynChallenged,
     kAck,
     State::kEstablished},
    {"SynInHandshake",
     State::kSynReceived,
     {at(500), at(0), kSyn},
     {},
     Verdict::kSynInHandshake,
     0,
     State::kListen},
    {"OutsideWindow",
     State::kEstablished,
     {at(100), at(301), kAck},
     kNow,
     Verdict::kOutsideWindow,
     kAck,
     State::kEstablished},
    {"OldTimestampEstablished",
     State::kEstablished,
     {at(101), at(301), kAck},
     wire::TcpTimestamps{9'004'999, 0},
     Verdict::kOldTimestamp,
     kAck,
     State::kEstablished},
    {"OldTimestampNeverEstablishes",
     State::kSynReceived,
     {at(101), at(301), kAck},
     wire::TcpTimestamps{9'004'999, 0},
     Verdict::kOldTimestamp,
     kAck,
     State::kSynReceived},
    {"NoTimestamp",
     State::kSynReceived,
     {at(101), at(301), kAck},
     {},
     Verdict::kNoTimestamp,
     0,
     State::kSynReceived},
    {"RstAcceptedInSynSent",
     State::kSynSent,
     {at(0), at(301), kRst | kAck},
     {},
     Verdict::kRstAccepted,
     0,
     State::kClosed},
    {"RstAcceptedInSynReceived",
     State::kSynReceived,
     {at(101), at(0), kRst},
     {},
     Verdict::kRstAccepted,
     0,
     State::kListen},
    {"RstAcceptedInEstablished",
     State::kEstablished,
     {at(101), at(0), kRst},
     {},
     Verdict::kRstAccepted,
     0,
     State::kClosed},
    {"RstIgnoredInListen", State::kListen, {at(1), at(0), kRst}, {}, Verdict::kRstIgnored, 0, State::kListen},
    {"RstIgnoredWithoutAckInSynSent",
     State::kSynSent,
     {at(0), at(0), kRst},
     {},
     Verdict::kRstIgnored,
     0,
     State::kSynSent},
    {"RstIgnoredWithWrongAckInSynSent",
     State::kSynSent,
     {at(0), at(300), kRst | kAck},
     {},
     Verdict::kRstIgnored,
     0,
     State::kSynSent},
    {"RstIgnoredOutsideTheWindow",
     State::kEstablished,
     {at(100), at(0), kRst},
     {},
     Verdict::kRstIgnored,
     0,
     State::kEstablished},
    {"RstChallenged",
     State::kEstablished,
     {at(102), at(0), kRst},
     {},
     Verdict::kRstChallenged,
     kAck,
     State::kEstablished},
    {"NoAck", State::kSynReceived, {at(101), at(301), kFin}, kNow, Verdict::kNoAck, 0, State::kSynReceived},
    {"BadAckInListen", State::kListen, {at(1), at(2), kAck}, {}, Verdict::kBadAck, kRst, State::kListen},
    {"BadAckInSynSent",
     State::kSynSent,
     {at(1), at(300), kSyn | kAck},
     {},
     Verdict::kBadAck,
     kRst,
     State::kSynSent},
    {"AckOneTooSmall",
     State::kSynReceived,
     {at(101), at(300), kAck},
     kNow,
     Verdict::kBadAck,
     kRst,
     State::kSynReceived},
    {"AckOneTooLarge",
     State::kSynReceived,
     {at(101), at(302), kAck},
     kNow,
     Verdict::kBadAck,
     kRst,
     State::kSynReceived},
    {"AckOfTheUnsent",
     State::kEstablished,
     {at(101), at(302), kAck},
     kNow,
     Verdict::kBadAck,
     kAck,
     State::kEstablished},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293, Verdicts, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Verdicts, AllHaveARowAndWords) {
  std::set<Verdict> reached;
  std::set<std::string_view> words;
  for (const auto& row : kCases) {
    reached.insert(row.verdict);
    words.insert(describe(row.verdict));
  }
  EXPECT_EQ(reached.size(), std::size_t{1} + static_cast<std::size_t>(Verdict::kBadAck));
  EXPECT_EQ(words.size(), reached.size());
}

TEST(Reset, StopsTheRetransmissions) {
  for (const State state : {State::kSynSent, State::kSynReceived}) {
    Tcb tcb = server_in(state, 5'000'000);
    const bool sent = state == State::kSynSent;
    (void)on_segment(tcb, sent ? Segment{at(0), at(301), kRst | kAck} : Segment{at(101), at(0), kRst},
                     5'000'000);
    EXPECT_EQ(name_of(tcb.state), sent ? "CLOSED" : "LISTEN");
    EXPECT_FALSE(on_timer(tcb, 500'000'000));
  }
}

TEST(TsRecent, FollowsAcceptedSegmentsOnly) {
  Tcb tcb = server_in(State::kEstablished, 5'000'000);
  const std::uint32_t before = tcb.agreed.ts_recent;
  Segment segment{.seq = tcb.rcv_nxt, .ack = tcb.snd_nxt + 1, .flags = kAck};  // acknowledges the unsent
  segment.options.timestamps = wire::TcpTimestamps{before + 50, 0};
  (void)on_segment(tcb, segment, 0);
  EXPECT_EQ(tcb.agreed.ts_recent, before);
  segment.ack = tcb.snd_nxt;
  segment.seq = tcb.rcv_nxt + 1;  // behind Last.ACK.sent
  (void)on_segment(tcb, segment, 0);
  EXPECT_EQ(tcb.agreed.ts_recent, before);
  segment.seq = tcb.rcv_nxt;
  (void)on_segment(tcb, segment, 0);
  EXPECT_EQ(tcb.agreed.ts_recent, before + 50);
}

TEST(SendWindow, FollowsTheNewestSegment) {
  Tcb tcb = server_in(State::kEstablished, 5'000'000);
  tcb.agreed.ts_ok = false;
  Segment segment{.seq = tcb.rcv_nxt, .ack = tcb.snd_nxt, .flags = kAck, .window = 10, .text_bytes = 1};
  (void)on_segment(tcb, segment, 0);
  EXPECT_EQ(tcb.snd_wnd, 10u << 7);
  segment.window = 5;
  segment.seq = tcb.rcv_nxt - 1;  // older, and acceptable for its second byte
  segment.text_bytes = 2;
  tcb.snd_wl1 = tcb.rcv_nxt;
  (void)on_segment(tcb, segment, 0);
  EXPECT_EQ(tcb.snd_wnd, 10u << 7);
  EXPECT_EQ(tcb.max_snd_wnd, 512u << 7);  // the first ACK's
}

}  // namespace
}  // namespace synward::handshake
