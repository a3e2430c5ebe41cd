// Every reason a frame can end for before it meets a connection, each with a frame that ends for it.
#include <gtest/gtest.h>

#include "dataplane/stages/flag_table.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

using wire::IpProtocol;
using wire::TcpFlags;

FrameBuilder segment(const wire::Ipv4Address& from, const wire::Ipv4Address& to,
                     std::uint8_t flags = TcpFlags::kSyn) {
  return FrameBuilder{}.ipv4(from, to).tcp(40000, kServicePort, flags);
}
FrameBuilder segment(const wire::Ipv6Address& from, const wire::Ipv6Address& to,
                     std::uint8_t flags = TcpFlags::kSyn) {
  return FrameBuilder{}.ipv6(from, to).tcp(40000, kServicePort, flags);
}
FrameBuilder syn4() { return segment(kClient4, kService4); }
FrameBuilder syn6() { return segment(kClient6, kService6); }

/// A frame cut short behind its last byte kept.
Bytes cut(Bytes frame, std::size_t bytes) {
  frame.resize(bytes);
  frame.shrink_to_fit();
  return frame;
}

struct DropCase {
  std::string name;
  Drop reason;
  Bytes frame;
};

std::vector<DropCase> drop_cases() {
  const auto flags = [](std::uint8_t value) { return segment(kClient4, kService4, value).build(); };
  const wire::MacAddress broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  return {
      {"EmptyFrame", Drop::kTruncatedFrame, {}},
      {"HalfAnEthernetHeader", Drop::kTruncatedFrame, cut(syn4().build(), 13)},
      {"HalfAVlanTag", Drop::kTruncatedFrame, cut(syn4().vlan(1).build(), 17)},
      {"AnotherStation", Drop::kOtherMac, syn4().mac({{2, 0, 0, 0, 0, 0x77}}, kPeerMac).build()},
      {"Lldp", Drop::kOtherEtherType, syn4().ether_type(0x88cc).build()},
      {"ThreeVlanTags", Drop::kOtherEtherType, syn4().vlan(1).vlan(2).vlan(3).build()},
      {"ArpForAStranger", Drop::kArpIgnored,
       FrameBuilder{}.arp_request(kClient4, ip4("198.18.0.99")).build()},
      {"ArpAnnouncement", Drop::kArpIgnored, FrameBuilder{}.arp_request(kService4, kService4).build()},
      {"HalfAnArp", Drop::kArpIgnored, cut(FrameBuilder{}.arp_request(kClient4, kService4).build(), 30)},
      {"Ipv4TotalLengthPastTheEnd", Drop::kBadIpv4Header, syn4().claim_total_bytes(41).build()},
      {"Ipv4CutInItsHeader", Drop::kBadIpv4Header, cut(syn4().build(), 33)},
      {"Ipv6PayloadLengthPastTheEnd", Drop::kBadIpv6Header, syn6().claim_total_bytes(61).build()},
      {"Ipv6NineExtensions", Drop::kBadIpv6Header,
       [] {
         auto frame = syn6();
         for (int i = 0; i < 9; ++i) frame.extension(IpProtocol::kDestinationOptions);
         return frame.build();
       }()},
      {"Ipv4FirstFragment", Drop::kFragment, syn4().fragment(0, true).build()},
      {"Ipv4LaterFragmentMayHoldTheFlags", Drop::kFragment, syn4().fragment(8, false).build()},
      {"Ipv6Fragment", Drop::kFragment, syn6().fragment(0, true).build()},
      {"FromMulticast", Drop::kBadSource, segment(ip4("224.0.0.1"), kService4).build()},
      {"FromBroadcast", Drop::kBadSource, segment(ip4("255.255.255.255"), kService4).build()},
      {"FromLoopback", Drop::kBadSource, segment(ip4("127.0.0.1"), kService4).build()},
      {"FromNowhere", Drop::kBadSource, segment(ip4("0.0.0.0"), kService4).build()},
      {"FromTheServiceItself", Drop::kBadSource, segment(kService4, kService4).build()},
      {"FromMulticast6", Drop::kBadSource, segment(ip6("ff02::1"), kService6).build()},
      {"FromLoopback6", Drop::kBadSource, segment(ip6("::1"), kService6).build()},
      {"FromNowhere6", Drop::kBadSource, segment(ip6("::"), kService6).build()},
      {"ToBroadcast", Drop::kGroupDestination, segment(kClient4, ip4("255.255.255.255")).build()},
      {"ToMulticast6", Drop::kGroupDestination, segment(kClient6, ip6("ff02::1")).build()},
      {"ToABroadcastMac", Drop::kGroupDestination, syn4().mac(broadcast, kPeerMac).build()},
      {"Udp", Drop::kOtherProtocol, syn4().protocol(IpProtocol::kUdp).build()},
      {"Udp6", Drop::kOtherProtocol, syn6().protocol(IpProtocol::kUdp).build()},
      {"EchoReply", Drop::kIcmpIgnored,
       [] {
         auto frame = FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 1).build();
         frame[34] = std::byte{0};
         return frame;
       }()},
      {"SolicitationForAStranger", Drop::kIcmpIgnored,
       FrameBuilder{}.neighbor_solicitation(kClient6, ip6("2001:2::99")).build()},
      {"SolicitationFromAfar", Drop::kIcmpIgnored,
       FrameBuilder{}.neighbor_solicitation(kClient6, kService6).ttl(254).build()},
      {"ClosedPort", Drop::kNoService, FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, 80, 2).build()},
      {"PortZero", Drop::kNoService, FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, 0, 2).build()},
      {"AnotherAddress", Drop::kNoService, segment(kClient4, ip4("198.18.0.11")).build()},
      {"AnotherAddress6", Drop::kNoService, segment(kClient6, ip6("2001:2::11")).build()},
      {"SegmentOfNineteenBytes", Drop::kBadTcpHeader, syn4().claim_total_bytes(39).build()},
      {"TcpHeaderOfSixteenBytes", Drop::kBadTcpHeader, syn4().claim_tcp_header_bytes(16).build()},
      {"TcpOptionsPastTheEnd", Drop::kBadTcpHeader, syn4().claim_tcp_header_bytes(24).build()},
      {"NullScan", Drop::kNoFlags, flags(0)},
      {"FinAlone", Drop::kNoAck, flags(TcpFlags::kFin)},
      {"SynFin", Drop::kSynFin, flags(TcpFlags::kSyn | TcpFlags::kFin)},
      {"SynRst", Drop::kSynRst, flags(TcpFlags::kSyn | TcpFlags::kRst)},
      {"SynAck", Drop::kSynAck, flags(TcpFlags::kSyn | TcpFlags::kAck)},
      {"FinRst", Drop::kFinRst, flags(TcpFlags::kFin | TcpFlags::kRst)},
      {"ChristmasTree", Drop::kXmas, flags(TcpFlags::kFin | TcpFlags::kPsh | TcpFlags::kUrg)},
      {"Ipv4ChecksumWrong", Drop::kBadIpv4Checksum, syn4().wrong_ip_checksum().build()},
      {"TcpChecksumWrong", Drop::kBadTcpChecksum, syn4().wrong_checksum().build()},
      {"TcpChecksumWrong6", Drop::kBadTcpChecksum, syn6().wrong_checksum().build()},
      {"EchoIpv4ChecksumWrong", Drop::kBadIpv4Checksum,
       FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 1).wrong_ip_checksum().build()},
      {"EchoChecksumWrong", Drop::kBadIcmpChecksum,
       FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 1).wrong_checksum().build()},
      {"EchoChecksumWrong6", Drop::kBadIcmpChecksum,
       FrameBuilder{}.ipv6(kClient6, kService6).echo_request(1, 1).wrong_checksum().build()},
      {"SolicitationChecksumWrong", Drop::kBadIcmpChecksum,
       FrameBuilder{}.neighbor_solicitation(kClient6, kService6).wrong_checksum().build()},
      {"TinyMss", Drop::kMssTooSmall, syn4().tcp_options(wire::SynOptions{.mss = 55}).build()},
      {"AckOfNoConnection", Drop::kBadCookie, flags(TcpFlags::kAck)},
      {"RstOfNoConnection", Drop::kRstWithoutConnection, flags(TcpFlags::kRst)},
      {"AckOfNoConnection6", Drop::kBadCookie, segment(kClient6, kService6, TcpFlags::kAck).build()},
  };
}

class EndsWithAReason : public testing::TestWithParam<DropCase> {};

TEST_P(EndsWithAReason, Exactly) {
  const auto outcome = PipelineLab{}.run(GetParam().frame);
  EXPECT_EQ(outcome.verdict, Route::kDrop);
  EXPECT_EQ(kDropTable[std::size_t(outcome.reason)].label, kDropTable[std::size_t(GetParam().reason)].label);
}

INSTANTIATE_TEST_SUITE_P(Classify, EndsWithAReason, testing::ValuesIn(drop_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Classify, EndsAllReasonsInBurstsAsItDoesAlone) {
  const auto cases = drop_cases();
  PipelineLab lab;
  for (std::size_t from = 0; from < cases.size(); from += kBurstMax) {
    std::vector<Bytes> frames;
    for (std::size_t i = from; i < std::min(from + kBurstMax, cases.size()); ++i)
      frames.push_back(cases[i].frame);
    const auto outcomes = lab.run(frames);
    for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(outcomes[i].reason, cases[from + i].reason);
  }
}

TEST(Classify, DecidesEveryCellOfTheFlagTable) {
  for (std::uint8_t flags = 0; flags < 64; ++flags) {
    const auto outcome = PipelineLab{}.run(segment(kClient4, kService4, flags).build());
    const auto cell = kFlagTable[flags];
    const bool rst = (flags & TcpFlags::kRst) != 0;
    const Drop stray = rst ? Drop::kRstWithoutConnection : Drop::kBadCookie;
    const Drop expected = cell.kind == SegmentKind::kSegment ? stray : cell.reason;
    EXPECT_EQ(outcome.verdict, cell.kind == SegmentKind::kSyn ? Route::kSend : Route::kDrop) << int{flags};
    EXPECT_EQ(outcome.reason, expected) << int{flags};
  }
}

TEST(Classify, SurvivesEveryLengthOfAFrame) {
  for (const auto& whole : {syn4().vlan(5).tcp_options(wire::SynOptions{.mss = 1460}).build(),
                            syn6().extension(IpProtocol::kHopByHopOptions).build(),
                            FrameBuilder{}.neighbor_solicitation(kClient6, kService6).build()}) {
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      EXPECT_EQ(PipelineLab{}.run(cut(whole, bytes)).verdict, Route::kDrop) << bytes;
    }
  }
}

}  // namespace
}  // namespace synward::test
