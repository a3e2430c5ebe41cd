// Segments of no connection: silence for the first, an RST for the repeat, and no more than the budget.
#include "tests/support/expect_frame.hpp"
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using wire::Family;
using wire::TcpFlags;

FrameBuilder stray4(std::uint16_t port = 40000) {
  return FrameBuilder{}.ipv4(kClient4, kService4).tcp(port, kServicePort, TcpFlags::kAck).seq(7).ack(4711);
}

/// All of the `bad_cookies` are known to be from the client of stray4(), at its service.
void expect_one_source(const CoreState& core, std::uint64_t bad_cookies) {
  EXPECT_EQ(core.of_services[0].cookies_bad.read(), bad_cookies);
  EXPECT_EQ(core.of_services[1].cookies_bad.read(), 0u);
  const auto talkers = core.talkers.read(Talk::kBadCookies);
  ASSERT_EQ(talkers.size(), 1u);
  EXPECT_EQ(talkers[0].prefix, client_prefix(kClient4));
  const double five_deviations = 28.0 * Talkers::kSampleEvery;
  EXPECT_NEAR(static_cast<double>(talkers[0].count), static_cast<double>(bad_cookies), five_deviations);
}

TEST(Stray, IsResetWhenItComesAgainAfterThreeSeconds) {
  PipelineLab lab;
  EXPECT_EQ(lab.run(stray4().build()).reason, Drop::kBadCookie);
  lab.set_time(kStartMs + 2'999);
  EXPECT_EQ(lab.run(stray4().build()).reason, Drop::kBadCookie);
  lab.set_time(kStartMs + 3'000);
  const auto outcome = lab.run(stray4().build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, FrameBuilder{}
                                            .ipv4(kService4, kClient4)
                                            .mac(kPeerMac, kOurMac)
                                            .tcp(kServicePort, 40000, TcpFlags::kRst)
                                            .seq(4711)
                                            .window(0)
                                            .build()));
  EXPECT_EQ(lab.run(stray4().build()).reason, Drop::kBadCookie);  // and then it starts over
  EXPECT_EQ(read(lab.core.counters)[Event::kStrayReset], 1u);
}

TEST(Stray, IsResetOverIpv6Too) {
  PipelineLab lab;
  const auto frame =
      FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, TcpFlags::kAck).ack(9).build();
  lab.run(frame);
  lab.set_time(kStartMs + 3'600);
  const auto rst = segment_in<Family::kIpv6>(lab.run(frame).frame);
  EXPECT_EQ(rst.flags, TcpFlags::kRst);
  EXPECT_EQ(rst.seq.value(), 9u);
}

TEST(Stray, AProbeBeforeTheFirstTextIsNotReset) {
  PipelineLab lab;
  LabClient<Family::kIpv4> client{lab};
  client.ask();
  const Bytes first = client.text("first"), second = client.text("second");  // the ACK and `first` are lost
  EXPECT_EQ(lab.run(second).reason, Drop::kBadCookie);
  lab.set_time(kStartMs + 600);  // two round trips of 300 ms (RFC 8985 7.2)
  EXPECT_EQ(lab.run(second).reason, Drop::kBadCookie);
  lab.set_time(kStartMs + 900);  // the RTO
  EXPECT_EQ(lab.run(first).verdict, Route::kSend);
}

TEST(Stray, ARstIsNeverAnswered) {
  PipelineLab lab;
  const auto rst =
      FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, kServicePort, TcpFlags::kRst).seq(7).build();
  for (const int second : {0, 1, 2}) {
    lab.set_time(kStartMs + 1000u * static_cast<unsigned>(second));
    EXPECT_EQ(lab.run(rst).reason, Drop::kRstWithoutConnection);
  }
}

TEST(Stray, RepeatsBeyondTheBudgetAreDropped) {
  PipelineLab lab;
  std::vector<std::uint16_t> ports(kStrayResetsPerSecond + 500);
  for (std::size_t n = 0; n < ports.size(); ++n) ports[n] = static_cast<std::uint16_t>(1000 + n);
  for (const auto port : ports) lab.run(stray4(port).build());
  lab.set_time(kStartMs + 5000);
  std::uint32_t resets = 0;
  for (const auto port : ports) resets += lab.run(stray4(port).build()).verdict == Route::kSend ? 1u : 0u;
  EXPECT_LE(resets, kStrayResetsPerSecond);
  EXPECT_GT(resets, kStrayResetsPerSecond / 2);  // some fell out of the memory
}

TEST(Stray, AFloodOfForgedAcksIsAnsweredWithNothingAndItsSourceIsKnown) {
  PipelineLab lab;
  for (std::uint16_t port = 1; port < 2000; ++port)
    EXPECT_EQ(lab.run(stray4(port).build()).verdict, Route::kDrop) << port;
  expect_one_source(lab.core, 1999);
}

TEST(Stray, InTheWireAFloodOfForgedAcksHasAKnownSourceAndServiceOnceItIsMoreThanMayPass) {
  constexpr std::uint32_t kForged = kUnknownPassesPerSecond + 2000;
  PipelineLab lab{PipelineLab::Mode::kInline};
  for (std::uint32_t n = 0; n < kForged; ++n) {
    EXPECT_EQ(lab.core.of_services[0].cookies_bad.read(),
              n < kUnknownPassesPerSecond ? 0u : n - kUnknownPassesPerSecond);
    lab.run(stray4(static_cast<std::uint16_t>(1 + n)).build());
  }
  expect_one_source(lab.core, 2000);
}

TEST(Stray, InTheWireAFloodOfRstsBringsNoBadCookies) {
  PipelineLab lab{PipelineLab::Mode::kInline};
  const auto rst =
      FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, TcpFlags::kRst).seq(7).build();
  for (std::uint32_t n = 0; n < kUnknownPassesPerSecond + 1000; ++n) lab.run(rst);
  EXPECT_EQ(lab.core.of_services[1].cookies_bad.read(), 0u);
  EXPECT_TRUE(lab.core.talkers.read(Talk::kBadCookies).empty());
  EXPECT_EQ(lab.core.talkers.read(Talk::kResets).size(), 1u);
}

TEST(Stray, WhoSentThemIsForgottenWithinAMinuteAlsoWhereNothingComesAnyMore) {
  PipelineLab lab;
  for (std::uint16_t port = 1; port < 500; ++port) lab.run(stray4(port).build());
  lab.pass(Talkers::kGenerationMs);
  EXPECT_EQ(lab.core.talkers.read(Talk::kBadCookies).size(), 1u);
  lab.pass(Talkers::kGenerationMs);
  EXPECT_TRUE(lab.core.talkers.read(Talk::kBadCookies).empty());
}

TEST(Stray, AFloodOfRstsHasAKnownSource) {
  PipelineLab lab;
  const auto rst =
      FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, TcpFlags::kRst).seq(7).build();
  for (int n = 0; n < 2000; ++n) lab.run(rst);
  const auto talkers = lab.core.talkers.read(Talk::kResets);
  ASSERT_EQ(talkers.size(), 1u);
  EXPECT_EQ(talkers[0].prefix, client_prefix(kClient6));
}

TEST(Stray, AValidCookieIsCountedForItsService) {
  PipelineLab lab;
  LabClient<Family::kIpv6> client{lab};
  client.ask();
  lab.run(client.ack());
  EXPECT_EQ(lab.core.of_services[1].cookies_valid.read(), 1u);
  EXPECT_EQ(lab.core.of_services[1].syns.read(), 1u);
  EXPECT_EQ(lab.core.of_services[0].cookies_valid.read(), 0u);
}

}  // namespace
}  // namespace synward::test
