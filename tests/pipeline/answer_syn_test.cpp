// SYN -> SYN-ACK, byte for byte: layouts, links, retransmission, and what must never be promised.
#include <gtest/gtest.h>

#include "dataplane/cookie/cookie.hpp"
#include "tests/support/expect_frame.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

using wire::Family;
using wire::TcpFlags;

constexpr std::uint32_t kClientIsn = 0xfffffffe;  // the answer's ack wraps
constexpr std::uint16_t kClientPort = 40000;

/// The cookie of the SYN that every test here sends, from the cookie library alone.
template <Family kFamily>
cookie::Cookie expected_cookie(const wire::Address<kFamily>& client, const wire::Address<kFamily>& service,
                               const cookie::ClientOptions& options, std::uint64_t wall_ms = kStartMs) {
  const cookie::SlotKeys keys{crypto::portable_aes(), PipelineLab::ring(), wall_ms};
  cookie::Message<kFamily> message;
  cookie::fill_message<kFamily>(message, client, service, wire::Port{kClientPort}, wire::Port{kServicePort},
                                wire::SeqNum{kClientIsn});
  cookie::Cookie cookie;
  cookie::make_cookies<kFamily>(keys, &message, &options, &cookie, 1);
  return cookie;
}

FrameBuilder syn4(std::uint8_t flags = TcpFlags::kSyn) {
  return FrameBuilder{}.ipv4(kClient4, kService4).tcp(kClientPort, kServicePort, flags).seq(kClientIsn);
}
FrameBuilder syn6() {
  return FrameBuilder{}
      .ipv6(kClient6, kService6)
      .tcp(kClientPort, kServicePort, TcpFlags::kSyn)
      .seq(kClientIsn);
}
FrameBuilder& as_syn_ack(FrameBuilder& frame, const cookie::Cookie& cookie) {
  return frame.mac(kPeerMac, kOurMac)
      .tcp(kServicePort, kClientPort, TcpFlags::kSyn | TcpFlags::kAck)
      .seq(cookie.isn.value())
      .ack(kClientIsn + 1)
      .window(0xffff);
}
FrameBuilder syn_ack4(const cookie::Cookie& cookie) {
  auto frame = FrameBuilder{}.ipv4(kService4, kClient4);
  return as_syn_ack(frame, cookie);
}
FrameBuilder syn_ack6(const cookie::Cookie& cookie) {
  auto frame = FrameBuilder{}.ipv6(kService6, kClient6);
  return as_syn_ack(frame, cookie);
}

struct LayoutCase {
  std::string name;
  wire::SynOptions asked;
  cookie::ClientOptions understood;  // .mss of 0: the family's default
};

class SynOptionLayout : public testing::TestWithParam<LayoutCase> {
 protected:
  /// What we must offer in return: our own values of what was asked for, and the MSS.
  [[nodiscard]] static wire::SynOptions offered(const LayoutCase& c, std::uint16_t mss,
                                                const cookie::Cookie& cookie) {
    wire::SynOptions offer{.mss = mss, .sack_permitted = c.asked.sack_permitted};
    if (c.asked.window_scale) offer.window_scale = 7;
    if (c.asked.timestamps) offer.timestamps = wire::TcpTimestamps{cookie.tsval, c.asked.timestamps->tsval};
    return offer;
  }
};

TEST_P(SynOptionLayout, IsAnsweredOverIpv4WithWhatItOffered) {
  const LayoutCase& c = GetParam();
  auto understood = c.understood;
  if (understood.mss == 0) understood.mss = 536;
  const auto cookie = expected_cookie<Family::kIpv4>(kClient4, kService4, understood);
  const auto outcome = PipelineLab{}.run(syn4().tcp_options(c.asked).build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, syn_ack4(cookie).tcp_options(offered(c, 1460, cookie)).build()));
}

TEST_P(SynOptionLayout, IsAnsweredOverIpv6WithWhatItOffered) {
  const LayoutCase& c = GetParam();
  auto understood = c.understood;
  if (understood.mss == 0) understood.mss = 1220;
  const auto cookie = expected_cookie<Family::kIpv6>(kClient6, kService6, understood);
  const auto outcome = PipelineLab{}.run(syn6().tcp_options(c.asked).build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, syn_ack6(cookie).tcp_options(offered(c, 1440, cookie)).build()));
}

constexpr wire::TcpTimestamps kTimestamps{0x11223344, 0};
INSTANTIATE_TEST_SUITE_P(
    Rfc9293Section31, SynOptionLayout,
    testing::Values(
        LayoutCase{"Linux", {1460, 7, true, kTimestamps}, {1460, 7, true, true}},
        LayoutCase{"WindowsHasNoTimestamps", {1460, 8, true, std::nullopt}, {1460, 8, true, false}},
        LayoutCase{"None", {}, {0, std::nullopt, false, false}},
        LayoutCase{"MssAlone", {1400, std::nullopt, false, std::nullopt}, {1400, std::nullopt, false, false}},
        LayoutCase{"WindowScaleZeroIsNotNone", {1460, 0, false, std::nullopt}, {1460, 0, false, false}},
        LayoutCase{"NoSack", {1460, 7, false, kTimestamps}, {1460, 7, false, true}},
        LayoutCase{
            "NoWindowScale", {1460, std::nullopt, true, kTimestamps}, {1460, std::nullopt, true, true}}),
    [](const auto& test) { return test.param.name; });

TEST(AnswerSyn, KeepsVlanTags) {
  const auto cookie = expected_cookie<Family::kIpv4>(kClient4, kService4, {.mss = 536});
  const wire::SynOptions mss{.mss = 1460};
  const auto tagged = [](FrameBuilder frame) {
    return frame.vlan(100, wire::EtherType::kQinQ).vlan(7).build();
  };
  EXPECT_TRUE(same_frame(PipelineLab{}.run(tagged(syn4())).frame, tagged(syn_ack4(cookie).tcp_options(mss))));
}

TEST(AnswerSyn, LeavesIpOptionsExtensionHeadersAndPaddingBehind) {
  const wire::SynOptions mss{.mss = 1460}, mss6{.mss = 1440};
  const auto cookie4 = expected_cookie<Family::kIpv4>(kClient4, kService4, {.mss = 536});
  EXPECT_TRUE(
      same_frame(PipelineLab{}.run(syn4().ip_options(Bytes(8, std::byte{1})).pad_to(90).build()).frame,
                 syn_ack4(cookie4).tcp_options(mss).build()));
  const auto cookie6 = expected_cookie<Family::kIpv6>(kClient6, kService6, {.mss = 1220});
  EXPECT_TRUE(
      same_frame(PipelineLab{}.run(syn6().extension(wire::IpProtocol::kDestinationOptions, 16).build()).frame,
                 syn_ack6(cookie6).tcp_options(mss6).build()));
}

TEST(AnswerSyn, NeverAcknowledgesDataThatCameWithTheSyn) {
  const auto cookie = expected_cookie<Family::kIpv4>(kClient4, kService4, {.mss = 536});
  EXPECT_TRUE(same_frame(PipelineLab{}.run(syn4().payload("GET / HTTP/1.1\r\n\r\n").build()).frame,
                         syn_ack4(cookie).tcp_options(wire::SynOptions{.mss = 1460}).build()));
}

TEST(AnswerSyn, DeclinesEcnThatTheAcceptorWouldNotEcho) {
  const auto frame = syn4(TcpFlags::kSyn | TcpFlags::kEce | TcpFlags::kCwr).build();
  const auto cookie = expected_cookie<Family::kIpv4>(kClient4, kService4, {.mss = 536});
  EXPECT_TRUE(same_frame(PipelineLab{}.run(frame).frame,
                         syn_ack4(cookie).tcp_options(wire::SynOptions{.mss = 1460}).build()));
}

TEST(AnswerSyn, GivesARetransmittedSynTheSameCookieWithinItsSlot) {
  PipelineLab lab;
  const auto first = lab.run(syn4().build()).frame;
  lab.set_time(kStartMs + 1000);
  EXPECT_TRUE(same_frame(lab.run(syn4().build()).frame, first));
  lab.set_time(kStartMs + cookie::kSlotMs);
  EXPECT_FALSE(same_frame(lab.run(syn4().build()).frame, first));
}

TEST(AnswerSyn, AnswersTwoSynsOfOneFlowInOneBurstAlike) {
  const auto outcomes = PipelineLab{}.run({syn4().build(), syn4().build()});
  EXPECT_TRUE(same_frame(outcomes[0].frame, outcomes[1].frame));
}

TEST(AnswerSyn, CountsWhatItAnswered) {
  PipelineLab lab;
  lab.run({syn4().build(), syn6().build(), syn4().wrong_checksum().build()});
  const auto counted = read(lab.core.counters);
  EXPECT_EQ(counted.rx, 3u);
  EXPECT_EQ(counted[Event::kSynAnswered], 2u);
  EXPECT_EQ(counted[Route::kSyn4], 2u);
  EXPECT_EQ(counted[Route::kSyn6], 1u);
  EXPECT_EQ(counted[Route::kSend], 2u);
  EXPECT_EQ(counted[Drop::kBadTcpChecksum], 1u);
}

TEST(AnswerSyn, TakesTheNicsWordOnlyWhenItSaysGood) {
  PipelineLab lab;
  EXPECT_EQ(lab.run(syn4().wrong_checksum().build()).reason, Drop::kBadTcpChecksum);
  lab.nic_verdict = RxChecksum::kGood;
  EXPECT_EQ(lab.run(syn4().wrong_checksum().build()).verdict, Route::kSend);
}

TEST(AnswerSyn, FillsABurst) {
  const std::vector<Bytes> frames(kBurstMax, syn4().build());
  for (const auto& outcome : PipelineLab{}.run(frames)) EXPECT_EQ(outcome.verdict, Route::kSend);
}

}  // namespace
}  // namespace synward::test
