// A bump in the wire: what passes, unchanged, and what of a service's traffic does not.
#include <gtest/gtest.h>

#include "dataplane/wire/ip_protocol.hpp"
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using Flags = wire::TcpFlags;
using wire::IpProtocol;

struct PassCase {
  std::string name;
  Bytes frame;
};

class Passes : public testing::TestWithParam<PassCase> {
 protected:
  PipelineLab lab{PipelineLab::Mode::kInline};
};

TEST_P(Passes, UnchangedInBothDirections) {
  for (const std::uint16_t port : {PipelineLab::kOutside, PipelineLab::kInside}) {
    const Outcome outcome = lab.run({GetParam().frame}, false, port).front();
    EXPECT_EQ(outcome.verdict, Route::kForward) << kDropTable[std::size_t(outcome.reason)].label;
    EXPECT_EQ(outcome.frame, GetParam().frame);
  }
  EXPECT_EQ(read(lab.core.counters)[Event::kPassed], 2u);
  EXPECT_TRUE(lab.take_originated().empty());
}

const wire::Ipv4Address kOther4 = ip4("198.18.0.11");
const wire::Ipv6Address kOther6 = ip6("2001:2::11");
constexpr wire::MacAddress kGroup{{0x01, 0, 0x5e, 0, 0, 5}};

FrameBuilder udp4() { return FrameBuilder{}.ipv4(kClient4, kService4).protocol(IpProtocol::kUdp); }
FrameBuilder udp6() { return FrameBuilder{}.ipv6(kClient6, kService6).protocol(IpProtocol::kUdp); }
FrameBuilder tcp4(const wire::Ipv4Address& to, std::uint16_t port) {
  return FrameBuilder{}.ipv4(kClient4, to).tcp(40000, port, Flags::kSyn);
}

INSTANTIATE_TEST_SUITE_P(
    Inline, Passes,
    testing::Values(
        PassCase{"ArpRequestForTheService", FrameBuilder{}.arp_request(kClient4, kService4).build()},
        PassCase{"NeighborSolicitation", FrameBuilder{}.neighbor_solicitation(kClient6, kService6).build()},
        PassCase{"EchoRequestToTheService",
                 FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 2).payload("ping").build()},
        PassCase{"EchoRequestToTheServiceOverIpv6",
                 FrameBuilder{}.ipv6(kClient6, kService6).echo_request(1, 2).payload("ping").build()},
        PassCase{"UdpToTheService", udp4().payload("query").build()},
        PassCase{"UdpToTheServiceOverIpv6", udp6().payload("query").build()},
        PassCase{"UdpFragmentToTheService", udp4().fragment(1480, false).payload("tail").build()},
        PassCase{"UdpFragmentToTheServiceOverIpv6", udp6().fragment(1480, false).payload("tail").build()},
        PassCase{"TcpToAnotherAddress", tcp4(kOther4, kServicePort).build()},
        PassCase{"TcpToAnotherAddressOverIpv6",
                 FrameBuilder{}.ipv6(kClient6, kOther6).tcp(40000, kServicePort, Flags::kSyn).build()},
        PassCase{"TcpToAnotherPort", tcp4(kService4, 22).build()},
        PassCase{"TcpFragmentToAnotherAddress", tcp4(kOther4, kServicePort).fragment(8, true).build()},
        PassCase{"TcpWithAWrongChecksumToAnotherPort", tcp4(kService4, 22).wrong_checksum().build()},
        PassCase{"OneVlanTag", udp4().vlan(100).build()},
        PassCase{"QinQ", udp4().vlan(100, wire::EtherType::kQinQ).vlan(200).build()},
        PassCase{"ThreeVlanTags", udp4().vlan(1).vlan(2).vlan(3).build()},
        PassCase{"FrameToAnotherStation", udp4().mac(kPeerMac, kOurMac).build()},
        PassCase{"FrameToAGroup", udp4().mac(kGroup, kPeerMac).build()},
        PassCase{"NotIp", FrameBuilder{}.ether_type(0x88cc).payload("lldp").build()},
        PassCase{"Jumbo", udp4().payload(Bytes(8000)).build()},
        PassCase{"Padded", udp4().pad_to(kShortestFrame).build()},
        PassCase{"Ipv4ThatCannotBeReadToAnother", tcp4(kOther4, 443).claim_total_bytes(4000).build()},
        PassCase{"ShorterThanAnEthernetHeader", Bytes(9)},
        PassCase{"ShorterThanItsVlanTag",
                 [] {
                   Bytes cut = udp4().vlan(100).build();
                   cut.resize(15);
                   cut.shrink_to_fit();
                   return cut;
                 }()}),
    [](const auto& test) { return test.param.name; });

struct EndCase {
  std::string name;
  Bytes frame;
  Drop reason;
};
class EndsInTheWire : public testing::TestWithParam<EndCase> {
 protected:
  PipelineLab lab{PipelineLab::Mode::kInline};
};

TEST_P(EndsInTheWire, WithAReason) {
  const Outcome outcome = lab.run(GetParam().frame);
  EXPECT_EQ(outcome.verdict, Route::kDrop);
  EXPECT_EQ(outcome.reason, GetParam().reason);
}

FrameBuilder to_service4(int flags = Flags::kAck) {
  return FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, kServicePort, static_cast<std::uint8_t>(flags));
}
FrameBuilder to_service6(int flags = Flags::kAck) {
  return FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, static_cast<std::uint8_t>(flags));
}

INSTANTIATE_TEST_SUITE_P(
    Inline, EndsInTheWire,
    testing::Values(
        EndCase{"FirstTcpFragment", to_service4().fragment(0, true).build(), Drop::kFragment},
        EndCase{"LaterTcpFragmentMayHoldTheFlags", to_service4().fragment(8, false).build(), Drop::kFragment},
        EndCase{"Ipv6TcpFragment", to_service6().fragment(0, true).build(), Drop::kFragment},
        EndCase{"Ipv6LaterTcpFragment", to_service6().fragment(8, false).build(), Drop::kFragment},
        EndCase{
            "Ipv6ChainThatCannotBeParsed",
            to_service6().raw_extension(IpProtocol::kIpv6Routing, bytes_of({6, 0, 0, 1, 0, 0, 0, 0})).build(),
            Drop::kBadIpv6Header},
        EndCase{"Ipv4ThatCannotBeRead", to_service4().claim_total_bytes(4000).build(), Drop::kBadIpv4Header},
        EndCase{"Ipv6ThatCannotBeRead", to_service6().claim_total_bytes(4000).build(), Drop::kBadIpv6Header},
        EndCase{"TcpHeaderCutOff", to_service4().claim_tcp_header_bytes(60).build(), Drop::kBadTcpHeader},
        EndCase{"ToAGroupOfTheLink", to_service4(Flags::kSyn).mac(kGroup, kPeerMac).build(),
                Drop::kGroupDestination},
        EndCase{"SynFin", to_service4(Flags::kSyn | Flags::kFin).build(), Drop::kSynFin},
        EndCase{"SynAckFlood", to_service4(Flags::kSyn | Flags::kAck).build(), Drop::kSynAck},
        EndCase{"SynFromTheServiceItself",
                FrameBuilder{}.ipv4(kService4, kService4).tcp(1, kServicePort, Flags::kSyn).build(),
                Drop::kBadSource}),
    [](const auto& test) { return test.param.name; });

TEST(Wire, ASynIsAnsweredToWhereItCameFromAndKeepsItsTags) {
  PipelineLab lab{PipelineLab::Mode::kInline};
  const wire::MacAddress router{{2, 0, 0, 0, 9, 9}}, server{{2, 0, 0, 0, 8, 8}};
  const Bytes syn = FrameBuilder{}
                        .mac(server, router)
                        .vlan(7)
                        .ipv4(kClient4, kService4)
                        .tcp(40000, kServicePort, Flags::kSyn)
                        .build();
  const Outcome outcome = lab.run(syn);
  ASSERT_EQ(outcome.verdict, Route::kSend);
  const auto reply = handshake::parse_frame<wire::Family::kIpv4>(outcome.frame);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->path.local_mac, router);
  EXPECT_EQ(reply->path.remote_mac, server);
  EXPECT_EQ(outcome.frame[15], std::byte{7});
}

TEST(Wire, SegmentsOfConnectionsOlderThanSynwardPassWithinABudget) {
  for (const int flags : {Flags::kAck + 0, Flags::kRst + 0}) {
    PipelineLab lab{PipelineLab::Mode::kInline};
    const Bytes segment = to_service4(flags).payload("x").build();
    std::uint32_t passed = 0;
    for (std::uint32_t n = 0; n < kUnknownPassesPerSecond + 10; ++n) {
      const Outcome outcome = lab.run(segment);
      passed += outcome.verdict == Route::kForward ? 1 : 0;
      EXPECT_EQ(outcome.reason, outcome.verdict == Route::kForward ? Drop::kNone : Drop::kUnknownLimited);
      EXPECT_EQ(outcome.frame, segment);
    }
    EXPECT_EQ(passed, kUnknownPassesPerSecond);
  }
}

TEST(Wire, WhatABackendSendsOfAnUnknownConnectionPasses) {
  PipelineLab lab{PipelineLab::Mode::kInline};
  const Bytes segment =
      FrameBuilder{}.ipv4(kService4, kClient4).tcp(kServicePort, 40000, Flags::kAck).payload("x").build();
  const Outcome outcome = lab.run_inside(segment);
  EXPECT_EQ(outcome.verdict, Route::kForward);
  EXPECT_EQ(outcome.frame, segment);
  EXPECT_EQ(read(lab.core.counters)[Event::kUnknownPassed], 1u);
}

}  // namespace
}  // namespace synward::test
