// Mirrors dataplane/accept/acceptor.hpp: every phase with segments all around the window's and the ACK's
// edges, against RFC 9293 3.10.7.4 written down again in offsets that do not wrap.
#include "dataplane/accept/acceptor.hpp"

#include <map>
#include <memory>
#include <new>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/table/connection_table.hpp"
#include "tests/support/addresses.hpp"

namespace synward::accept {
namespace {

using handshake::Segment;
using table::ConnectionPhase;
using table::ConnectionState;
using wire::SeqNum;
using Flags = wire::TcpFlags;
using Phase = ConnectionPhase;

constexpr std::uint32_t kWindow = 50, kTsRecent = 0xffff'fffe;
constexpr SeqNum kClientNext{0xffff'fff0}, kServiceNext{0x0000'0000};

/// A state in `phase`: only a table can make one.
ConnectionState state_in(Phase phase, bool timestamps) {
  constexpr auto kIpv4 = wire::Family::kIpv4;
  const std::size_t bytes = table::ConnectionTable<kIpv4>::bytes_needed(1);
  const std::unique_ptr<std::byte, void (*)(std::byte*)> memory{
      new (std::align_val_t{64}) std::byte[bytes](),
      [](std::byte* at) { ::operator delete[](at, std::align_val_t{64}); }};
  table::ConnectionTable<kIpv4> connections{{memory.get(), bytes}, 1, {}, table::Tick{0}};
  auto& state = connections
                    .insert({test::ip4("198.19.0.1"), test::ip4("198.18.0.1"), wire::Port{1}, wire::Port{2}},
                            phase, table::Tick{0})
                    ->connection.state;
  state.client_next = kClientNext;
  state.service_next = kServiceNext;
  const bool fin_acknowledged = phase == Phase::kFinWait2 || phase == Phase::kTimeWait;
  state.half.service_acked =
      phase == Phase::kEstablished || fin_acknowledged ? kServiceNext : kServiceNext - 1;
  state.options = {.timestamps = timestamps, .accepted = false, .misfit_tick = 0};
  state.half.ts_recent = kTsRecent;
  return state;
}

/// Where a segment lies: offsets from RCV.NXT, SND.NXT and TS.Recent.
struct Place {
  Phase phase;
  bool timestamps;
  std::uint8_t flags;
  std::int64_t seq, text, ack, tsval;
  bool has_timestamps;

  [[nodiscard]] bool rst() const { return (flags & Flags::kRst) != 0; }
  [[nodiscard]] bool fin() const { return (flags & Flags::kFin) != 0; }
  [[nodiscard]] std::int64_t length() const { return text + (fin() ? 1 : 0); }
  [[nodiscard]] Segment segment() const {
    Segment made{.seq = kClientNext + static_cast<std::uint32_t>(seq),
                 .ack = kServiceNext + static_cast<std::uint32_t>(ack),
                 .flags = flags,
                 .text_bytes = static_cast<std::uint16_t>(text)};
    if (has_timestamps)
      made.options.timestamps = wire::TcpTimestamps{kTsRecent + static_cast<std::uint32_t>(tsval), 0};
    return made;
  }
};

void PrintTo(const Place& p, std::ostream* out) {
  *out << "phase " << int(p.phase) << " flags " << int(p.flags) << " seq " << p.seq << " text " << p.text
       << " ack " << p.ack << (p.has_timestamps ? " tsval " : " no tsval ") << p.tsval;
}

std::vector<Place> places() {
  std::vector<Place> all;
  for (const Phase phase : {Phase::kEstablished, Phase::kFinWait1, Phase::kFinWait2, Phase::kClosing,
                            Phase::kLastAck, Phase::kTimeWait})
    for (const int flags : {Flags::kAck + 0, Flags::kAck | Flags::kFin, Flags::kRst + 0})
      for (const int seq : {-60, -50, -2, -1, 0, 1, 49, 50, 51, -2'000'000'000, 2'000'000'000})
        for (const int text : {0, 1, 2, 10, 50, 51, 120})
          for (const int ack : {-2'000'000'000, -2, -1, 0, 1})
            for (const auto& [agreed, has, tsval] : {std::tuple{false, false, 0},
                                                     {false, true, -5},
                                                     {true, false, 0},
                                                     {true, true, -1},
                                                     {true, true, 0},
                                                     {true, true, 3}})
              all.push_back({phase, agreed, static_cast<std::uint8_t>(flags), seq, text, ack, tsval, has});
  return all;
}

/// The answers of RFC 9293, RFC 5961 and RFC 7323 in plain words.
struct Expected {
  Judgement judgement;
  bool ack;
  std::int64_t rcv_moved = 0;  ///< by how many sequence numbers, the FIN's among them
  bool fin_taken = false;
};

bool in_window(std::int64_t at) { return at >= 0 && at < kWindow; }
bool fin_sent(Phase phase) { return phase != Phase::kEstablished; }
bool acknowledges(const Place& p) { return p.ack == 0 || (p.ack == -1 && fin_sent(p.phase)); }
bool behind_their_fin(Phase phase) {
  return phase == Phase::kClosing || phase == Phase::kLastAck || phase == Phase::kTimeWait;
}

Expected expected(const Place& p) {
  if (p.timestamps && !p.rst()) {
    if (!p.has_timestamps) return {Judgement::kMissingTimestamp, false};
    if (p.tsval < 0) return {Judgement::kUnacceptable, true};
  }
  const bool acceptable =
      p.length() == 0 ? in_window(p.seq) : in_window(p.seq) || in_window(p.seq + p.length() - 1);
  if (!acceptable) {
    if (p.rst()) return {Judgement::kRstOutsideWindow, false};
    if (p.seq == -1 && p.text <= 1 && !p.fin() && acknowledges(p)) return {Judgement::kTaken, true};
    return {p.length() == 0 ? Judgement::kUnacceptable : Judgement::kRepeated, true};
  }
  if (p.rst() && p.seq == 0) return {Judgement::kReset, false};
  if (p.rst() || !acknowledges(p)) return {Judgement::kUnacceptable, true};
  const bool over = p.phase == Phase::kLastAck && p.ack == 0;  // "delete the TCB, [...] and return"
  Expected taken{Judgement::kTaken, p.length() != 0 && !over};
  if (behind_their_fin(p.phase)) return taken;
  // Octet by octet, as far as they are in order and in the window.
  while (taken.rcv_moved >= p.seq && taken.rcv_moved < p.seq + p.text && taken.rcv_moved < kWindow)
    ++taken.rcv_moved;
  taken.fin_taken = p.fin() && taken.rcv_moved == p.seq + p.text;
  if (taken.fin_taken) ++taken.rcv_moved;
  return taken;
}

/// RFC 9293 figure 5, where CLOSE-WAIT goes on to LAST-ACK at once and LAST-ACK ends in a tombstone.
Phase phase_after(const Place& p, bool fin_taken) {
  const bool acked = p.ack == 0;
  const std::map<Phase, Phase> when_acked{{Phase::kFinWait1, Phase::kFinWait2},
                                          {Phase::kClosing, Phase::kTimeWait},
                                          {Phase::kLastAck, Phase::kTombstone}};
  const std::map<Phase, Phase> when_closed{{Phase::kEstablished, Phase::kLastAck},
                                           {Phase::kFinWait1, Phase::kClosing},
                                           {Phase::kFinWait2, Phase::kTimeWait}};
  Phase phase = p.phase;
  if (const auto next = when_acked.find(phase); acked && next != when_acked.end()) phase = next->second;
  if (const auto next = when_closed.find(phase); fin_taken && next != when_closed.end()) phase = next->second;
  return phase;
}

TEST(Acceptor, DecidesEverySegmentAsTheRfcsSay) {
  for (const Place& p : places()) {
    ConnectionState state = state_in(p.phase, p.timestamps);
    const Outcome outcome = on_segment(state, p.segment(), kWindow);
    const Expected want = expected(p);
    ASSERT_EQ(outcome.judgement, want.judgement) << testing::PrintToString(p);
    ASSERT_EQ(outcome.ack, want.ack) << testing::PrintToString(p);
    ASSERT_EQ((state.client_next - static_cast<std::uint32_t>(want.rcv_moved)).value(), kClientNext.value())
        << testing::PrintToString(p);
    ASSERT_EQ(outcome.fin, want.fin_taken && p.phase == Phase::kEstablished) << testing::PrintToString(p);
    ASSERT_EQ(state.service_next.value(), kServiceNext.value() + (outcome.fin ? 1 : 0))
        << testing::PrintToString(p);
    if (outcome.ack) {
      ASSERT_EQ(outcome.seq.value(), kServiceNext.value()) << testing::PrintToString(p);
    }
  }
}

TEST(Acceptor, GoesFromPhaseToPhaseAsFigure5Does) {
  for (const Place& p : places()) {
    ConnectionState state = state_in(p.phase, p.timestamps);
    const Outcome outcome = on_segment(state, p.segment(), kWindow);
    const Expected want = expected(p);
    const bool moved = want.judgement == Judgement::kTaken && (p.seq != -1 || p.length() > 1);
    Phase phase = moved ? phase_after(p, want.fin_taken) : p.phase;
    if (want.judgement == Judgement::kReset) phase = Phase::kTombstone;
    ASSERT_EQ(outcome.phase.value_or(p.phase), phase) << testing::PrintToString(p);
  }
}

TEST(Acceptor, LearnsNothingFromWhatItDoesNotTake) {
  for (const Place& p : places()) {
    const ConnectionState before = state_in(p.phase, p.timestamps);
    ConnectionState state = before;
    if (on_segment(state, p.segment(), kWindow).judgement == Judgement::kTaken) continue;
    ASSERT_EQ(state.client_next.value(), before.client_next.value()) << testing::PrintToString(p);
    ASSERT_EQ(state.half.service_acked.value(), before.half.service_acked.value())
        << testing::PrintToString(p);
    ASSERT_EQ(state.half.ts_recent, before.half.ts_recent) << testing::PrintToString(p);
  }
}

TEST(Acceptor, RemembersTheTimestampOfWhatReachesTheExpectedNumberOnly) {
  for (const auto& [seq, recent] : {std::pair{0, kTsRecent + 3}, {-1, kTsRecent + 3}, {1, kTsRecent}}) {
    ConnectionState state = state_in(Phase::kEstablished, true);
    const Place place{Phase::kEstablished, true, Flags::kAck, seq, 5, 0, 3, true};
    EXPECT_EQ(on_segment(state, place.segment(), kWindow).judgement, Judgement::kTaken);
    EXPECT_EQ(state.half.ts_recent, recent) << seq;
  }
}

TEST(Acceptor, RestartsTimeWaitForTheFinAgainAndForNothingElse) {
  ConnectionState state = state_in(Phase::kTimeWait, false);
  const Place fin{Phase::kTimeWait, false, Flags::kAck | Flags::kFin, -1, 0, 0, 0, false};
  EXPECT_EQ(on_segment(state, fin.segment(), kWindow).phase, Phase::kTimeWait);
  Place behind = fin, forged = fin, text = fin;
  behind.seq = -2;
  forged.ack = -2;
  EXPECT_EQ(on_segment(state, behind.segment(), kWindow).phase, std::nullopt);
  EXPECT_EQ(on_segment(state, forged.segment(), kWindow).phase, std::nullopt);
  text.flags = Flags::kAck;
  text.text = 1;
  EXPECT_EQ(on_segment(state, text.segment(), kWindow).phase, std::nullopt);
}

TEST(Acceptor, FitsOnlyTheTwoAcksThatTheClientCanSend) {
  const ConnectionState state = state_in(Phase::kFinWait1, false);
  for (const auto& [ack, fit] : {std::pair{0, true}, {-1, true}, {1, false}, {-2, false}, {1 << 30, false}})
    EXPECT_EQ(fits(state, kServiceNext + static_cast<std::uint32_t>(ack)), fit) << ack;
}

TEST(Acceptor, SaysWhatItsWindowIsAndKeepsToWhatItSays) {
  using table::WindowScales;
  EXPECT_EQ(window_field(WindowScales{7, 7}, 1u << 20), (1u << 20) >> 7);
  EXPECT_EQ(receive_window(WindowScales{7, 7}, 1u << 20), 1u << 20);
  EXPECT_EQ(receive_window(WindowScales{7, 7}, (1u << 20) + 127), 1u << 20);  // the field has no finer grain
  EXPECT_EQ(receive_window(WindowScales{0, 0}, 1u << 20), 0xffffu);
  EXPECT_EQ(receive_window(WindowScales{14, 14}, 0xffffffff), 0xffffu << 14);
}

}  // namespace
}  // namespace synward::accept
