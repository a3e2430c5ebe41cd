// Every state, all 64 flag combinations, and sequence and acknowledgment numbers around every edge: compared
// with the oracle, and with the one property that matters most.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/handshake/state_machine.hpp"
#include "tests/unit/handshake/oracle.hpp"

namespace synward::handshake {
namespace {

using test::OracleReply;
using test::OracleState;
using wire::SeqNum;
using Flags = wire::TcpFlags;

constexpr std::uint32_t kWindow = 1000, kHalf = 0x8000'0000;
constexpr std::array<std::uint32_t, 21> kOffsets = {
    0u,          1u,           2u,          ~0u,      ~1u,         kWindow - 1, kWindow,
    kWindow + 1, 0u - kWindow, 1 - kWindow, ~kWindow, 2 * kWindow, kHalf - 1,   kHalf,
    kHalf + 1,   kHalf / 2,    5u,          10u,      0u - 5,      0u - 10,     kHalf + kHalf / 2};
constexpr std::array<std::uint16_t, 5> kTexts = {0, 1, 10, kWindow, kWindow + 1};

struct Start {
  std::string_view name;
  State state;
  bool passive;
};
constexpr Start kStarts[] = {
    {.name = "Closed", .state = State::kClosed, .passive = false},
    {.name = "Listen", .state = State::kListen, .passive = true},
    {.name = "SynSent", .state = State::kSynSent, .passive = false},
    {.name = "SynReceivedPassive", .state = State::kSynReceived, .passive = true},
    {.name = "SynReceivedActive", .state = State::kSynReceived, .passive = false},
    {.name = "Established", .state = State::kEstablished, .passive = true},
    {.name = "CloseWait", .state = State::kCloseWait, .passive = false},
};

/// ISS and IRS from which the next wrap is far, near, and in every step.
struct Bases {
  std::uint32_t iss, irs;
};
constexpr Bases kBases[] = {{1'000'000, 3'000'000'000}, {0xffff'ffff, 0xffff'fffe},
                            {0xffff'fffe, 0xffff'ffff}, {0xffff'fffa, 0xffff'fffc},
                            {kHalf - 1, kHalf},         {0, 0xffff'fff0}};

Tcb tcb_in(const Start& start, Bases bases) {
  const auto [iss, irs] = bases;
  Tcb tcb{};
  tcb.options = {.window_bytes = kWindow, .window_scale = {}, .timestamps = false};
  tcb.initial.iss = SeqNum{iss};
  tcb.state = start.state;
  tcb.passive = start.passive;
  tcb.rcv_wnd = kWindow;
  if (start.state == State::kClosed || start.state == State::kListen) return tcb;
  tcb.snd_una = SeqNum{iss};
  tcb.snd_nxt = SeqNum{iss} + 1;
  if (start.state == State::kSynSent) return tcb;
  tcb.irs = SeqNum{irs};
  tcb.rcv_nxt = SeqNum{irs} + 1;
  if (start.state == State::kSynReceived) return tcb;
  tcb.snd_una = SeqNum{iss} + 1;
  tcb.snd_nxt = SeqNum{iss} + 6;  // five bytes under way
  tcb.snd_wnd = tcb.max_snd_wnd = kWindow;
  tcb.rcv_nxt = SeqNum{irs} + 4;  // three were received
  return tcb;
}

test::OracleTcb oracle_view(const Tcb& tcb) {
  return {.state = static_cast<OracleState>(tcb.state),
          .passive = tcb.passive,
          .snd_una = tcb.snd_una.value(),
          .snd_nxt = tcb.snd_nxt.value(),
          .iss = tcb.iss().value(),
          .max_snd_wnd = tcb.max_snd_wnd,
          .rcv_nxt = tcb.rcv_nxt.value(),
          .rcv_wnd = tcb.rcv_wnd,
          .irs = tcb.irs.value()};
}

test::OracleSegment oracle_view(const Segment& segment) {
  return {.syn = segment.has(Flags::kSyn),
          .ack_bit = segment.has(Flags::kAck),
          .rst = segment.has(Flags::kRst),
          .fin = segment.has(Flags::kFin),
          .seq = segment.seq.value(),
          .ack = segment.ack.value(),
          .text = segment.text_bytes};
}

struct Triple {
  std::uint8_t flags;
  std::uint32_t seq, ack;
  friend bool operator==(const Triple&, const Triple&) = default;
};

/// Flags, seq and ack of the reply that the oracle names, after the step.
Triple expected_reply(const test::OracleAnswer& answer, const Segment& segment, const Tcb& after) {
  const std::uint32_t length =
      segment.text_bytes + (segment.has(Flags::kSyn) ? 1u : 0u) + (segment.has(Flags::kFin) ? 1u : 0u);
  switch (answer.reply) {
    case OracleReply::kAck:
      return {Flags::kAck, after.snd_nxt.value(), answer.rcv_nxt};
    case OracleReply::kSynAck:
      return {Flags::kSyn | Flags::kAck, after.iss().value(), answer.rcv_nxt};
    case OracleReply::kResetBySeq:
      return {Flags::kRst, segment.ack.value(), 0};
    case OracleReply::kResetByAck:
      return {Flags::kRst | Flags::kAck, 0, segment.seq.value() + length};
    case OracleReply::kNothing:
      break;
  }
  return {0, 0, 0};
}

std::string tell(const Start& start, const Tcb& before, const Segment& segment, const Tcb& after) {
  return std::string{start.name} + " flags " + std::to_string(segment.flags) + " seq RCV.NXT+" +
         std::to_string(wire::distance(before.rcv_nxt, segment.seq)) + " ack SND.UNA+" +
         std::to_string(wire::distance(before.snd_una, segment.ack)) + " text " +
         std::to_string(segment.text_bytes) + " -> " + std::string{name_of(after.state)};
}

/// Calls check(tcb before, segment) for everything that may arrive in `start`.
template <typename Check>
void for_every_segment(const Start& start, Check check) {
  for (const Bases bases : kBases) {
    const Tcb before = tcb_in(start, bases);
    for (unsigned flags = 0; flags < 64; ++flags) {
      for (const std::uint32_t seq : kOffsets) {
        for (const std::uint32_t ack : kOffsets) {
          for (const std::uint16_t text : kTexts) {
            check(before, Segment{.seq = before.rcv_nxt + seq,
                                  .ack = before.snd_una + ack,
                                  .flags = static_cast<std::uint8_t>(flags),
                                  .window = 500,
                                  .text_bytes = text});
          }
        }
      }
    }
  }
}

class EverySegment : public testing::TestWithParam<Start> {};

TEST_P(EverySegment, GetsTheAnswerOfRfc9293) {
  int failures = 0;
  for_every_segment(GetParam(), [&](const Tcb& before, const Segment& segment) {
    if (failures == 5) return;
    Tcb after = before;
    const Outcome outcome = on_segment(after, segment, 0);
    const auto expected = test::oracle(oracle_view(before), oracle_view(segment));
    const bool replied = expected.reply != OracleReply::kNothing;
    const bool same_reply =
        replied == outcome.reply.has_value() &&
        (!replied || Triple{outcome.reply->flags, outcome.reply->seq.value(), outcome.reply->ack.value()} ==
                         expected_reply(expected, segment, after));
    const bool same = static_cast<OracleState>(after.state) == expected.state &&
                      after.rcv_nxt.value() == expected.rcv_nxt && same_reply;
    if (!same) {
      ++failures;
      ADD_FAILURE() << tell(GetParam(), before, segment, after) << ": " << describe(outcome.verdict);
    }
  });
}

/// Not the oracle: what the handshake is for, in one line for each of the three ways in.
bool may_establish(const Tcb& before, const Segment& segment) {
  const bool right_ack = segment.has(Flags::kAck) && segment.ack == before.iss() + 1;
  const bool syn_and_fin = segment.has(Flags::kSyn) && segment.has(Flags::kFin);
  if (!right_ack || syn_and_fin || segment.has(Flags::kRst)) return false;
  if (before.state == State::kSynSent) return segment.has(Flags::kSyn);
  if (before.state != State::kSynReceived) return false;
  if (segment.has(Flags::kSyn)) return !before.passive && segment.seq == before.irs;
  return acceptable(segment, before.rcv_nxt, before.rcv_wnd);
}

TEST_P(EverySegment, ThatIsWrongInOneNumberOrFlagNeverReachesEstablished) {
  int established = 0, failures = 0;
  for_every_segment(GetParam(), [&](const Tcb& before, const Segment& segment) {
    if (before.state == State::kEstablished || before.state == State::kCloseWait) return;
    Tcb after = before;
    (void)on_segment(after, segment, 0);
    const bool opened = after.state == State::kEstablished || after.state == State::kCloseWait;
    established += opened ? 1 : 0;
    if (opened != may_establish(before, segment) && ++failures <= 5)
      ADD_FAILURE() << tell(GetParam(), before, segment, after);
  });
  const bool may = GetParam().state == State::kSynSent || GetParam().state == State::kSynReceived;
  EXPECT_EQ(established > 0, may);
}

INSTANTIATE_TEST_SUITE_P(Rfc9293Section3_10_7, EverySegment, testing::ValuesIn(kStarts),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Acceptability, ZeroWindowTakesOnlyTheEmptySegmentAtRcvNxt) {
  for (const std::uint32_t nxt : {0u, 1u, 0xffff'ffffu, kHalf}) {
    for (const std::uint32_t offset : kOffsets) {
      for (const std::uint16_t text : kTexts) {
        const Segment segment{.seq = SeqNum{nxt} + offset, .flags = Flags::kAck, .text_bytes = text};
        EXPECT_EQ(acceptable(segment, SeqNum{nxt}, 0), offset == 0 && text == 0) << nxt << ' ' << offset;
      }
    }
  }
}

}  // namespace
}  // namespace synward::handshake
