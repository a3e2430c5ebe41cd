// Mirrors tests/support/frame_builder.hpp and expect_frame.hpp: what all pipeline tests stand on.
#include "tests/support/frame_builder.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/expect_frame.hpp"

namespace synward::test {
namespace {

using wire::IpProtocol;
using wire::TcpFlags;

const wire::Ipv4Address kClient4 = ip4("198.18.0.1"), kService4 = ip4("198.18.0.10");
const wire::Ipv6Address kClient6 = ip6("2001:2::1"), kService6 = ip6("2001:2::a");

TEST(FrameBuilder, MakesTheSynThatAPersonWouldWriteDown) {
  const auto frame = FrameBuilder{}
                         .ipv4(kClient4, kService4)
                         .tcp(40000, 443, TcpFlags::kSyn)
                         .seq(0x01020304)
                         .tcp_options(bytes_of({2, 4, 5, 0xb4}))
                         .build();
  // Scapy makes the same bytes, checksums included.
  EXPECT_TRUE(same_frame(
      frame, bytes_of({
                 0x02, 0,    0,    0,    0,   0x0a, 0x02, 0,  0,  0,    0,    0x01, 0x08, 0x00,  // Ethernet
                 0x45, 0,    0,    44,   0,   0,    0x40, 0,  64, 6,    0xae, 0x9c,              // IPv4
                 198,  18,   0,    1,    198, 18,   0,    10,                                    //
                 0x9c, 0x40, 0x01, 0xbb, 1,   2,    3,    4,  0,  0,    0,    0,    0x60, 0x02,  // TCP
                 0xfa, 0xf0, 0x6f, 0x04, 0,   0,    2,    4,  5,  0xb4,                          //
             })));
}

TEST(FrameBuilder, PutsTagsOutermostFirst) {
  const auto frame =
      FrameBuilder{}.vlan(100, wire::EtherType::kQinQ).vlan(200).ipv6(kClient6, kService6).build();
  EXPECT_TRUE(same_frame(Bytes(frame.begin() + 12, frame.begin() + 22),
                         bytes_of({0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 200, 0x86, 0xdd})));
}

TEST(FrameBuilder, MakesTcpOverIpv6BehindExtensionsWithARightChecksum) {
  const auto frame = FrameBuilder{}
                         .ipv6(kClient6, kService6)
                         .extension(IpProtocol::kHopByHopOptions)
                         .extension(IpProtocol::kAuthentication, 24)
                         .tcp(40000, 443, TcpFlags::kAck)
                         .payload("hello")
                         .build();
  const auto packet = std::span{frame}.subspan(sizeof(wire::EthernetHeader));
  const auto chain = wire::walk_extension_headers(packet);
  ASSERT_TRUE(chain.understood);
  EXPECT_EQ(chain.next_header, IpProtocol::kTcp);
  EXPECT_EQ(chain.offset, 40 + 8 + 24);
  const auto segment = packet.subspan(chain.offset);
  EXPECT_EQ(segment.size(), 25u);
  const auto pseudo = wire::pseudo_header_sum(kClient6, kService6, IpProtocol::kTcp, 25);
  EXPECT_TRUE(wire::verifies(wire::add_bytes(pseudo, segment)));
}

TEST(FrameBuilder, LiesOnlyWhereItIsTold) {
  const auto base = FrameBuilder{}.ipv4(kClient4, kService4).tcp(1, 2, TcpFlags::kSyn);
  const auto right = base.build();
  const auto differing = [&](const Bytes& other) {
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < right.size(); ++i)
      if (right[i] != other.at(i)) at.push_back(i);
    return at;
  };
  EXPECT_EQ(differing(FrameBuilder{base}.wrong_ip_checksum().build()), std::vector<std::size_t>{14 + 10});
  EXPECT_EQ(differing(FrameBuilder{base}.wrong_checksum().build()), std::vector<std::size_t>{14 + 20 + 16});
  EXPECT_EQ(FrameBuilder{base}.pad_to(kShortestFrame).build().size(), kShortestFrame);
}

TEST(FrameBuilder, AsksForNeighborsAsLinuxDoes) {
  const auto frame = FrameBuilder{}.neighbor_solicitation(kClient6, kService6).build();
  const auto packet = std::span{frame}.subspan(sizeof(wire::EthernetHeader));
  const auto* ip = wire::parse_ipv6(packet);
  ASSERT_NE(ip, nullptr);
  EXPECT_EQ(ip->destination, ip6("ff02::1:ff00:a"));
  const auto message = packet.subspan(wire::Ipv6Header::header_bytes());
  EXPECT_TRUE(wire::verifies(wire::add_bytes(
      wire::pseudo_header_sum(ip->source, ip->destination, IpProtocol::kIcmpv6, 32), message)));
  const auto asked = wire::parse_neighbor_solicitation(*ip, message);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->target, kService6);
  EXPECT_EQ(asked->source_mac, kPeerMac);
}

TEST(FrameBuilder, AsksByArp) {
  const auto frame = FrameBuilder{}.arp_request(kClient4, kService4).build();
  const auto link = wire::parse_ethernet(frame);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->ether_type, std::uint16_t(wire::EtherType::kArp));
  const auto* arp = wire::parse_arp(std::span{frame}.subspan(link->network_offset));
  ASSERT_NE(arp, nullptr);
  EXPECT_EQ(arp->operation, wire::kArpRequest);
  EXPECT_EQ(arp->sender_mac, kPeerMac);
  EXPECT_EQ(arp->target_address, kService4);
}

TEST(FrameBuilder, SumsEchoOfBothFamilies) {
  const auto four = FrameBuilder{}.ipv4(kClient4, kService4).echo_request(7, 1).payload("ping").build();
  EXPECT_TRUE(wire::verifies(wire::add_bytes(0, std::span{four}.subspan(34))));
  const auto six = FrameBuilder{}.ipv6(kClient6, kService6).echo_request(7, 1).payload("ping").build();
  const auto pseudo = wire::pseudo_header_sum(kClient6, kService6, IpProtocol::kIcmpv6, 12);
  EXPECT_TRUE(wire::verifies(wire::add_bytes(pseudo, std::span{six}.subspan(54))));
}

TEST(FrameBuilder, MarksFragmentsOfBothFamilies) {
  const auto four = FrameBuilder{}.ipv4(kClient4, kService4).fragment(16, true).payload("x").build();
  const auto* ip = wire::parse_ipv4(std::span{four}.subspan(14));
  ASSERT_NE(ip, nullptr);
  EXPECT_TRUE(ip->is_fragment());
  EXPECT_EQ(ip->fragment_offset_bytes(), 16u);
  const auto six = FrameBuilder{}.ipv6(kClient6, kService6).fragment(16, true).payload("x").build();
  const auto chain = wire::walk_extension_headers(std::span{six}.subspan(14));
  EXPECT_TRUE(chain.understood && chain.fragment && !chain.first_fragment);
}

TEST(SameFrame, NamesTheFieldsThatDiffer) {
  auto base = FrameBuilder{}.vlan(5).ipv4(kClient4, kService4).tcp(1, 2, TcpFlags::kSyn);
  const auto expected = base.build();
  const auto actual = FrameBuilder{base}.seq(0x10).build();
  const auto result = same_frame(actual, expected);
  ASSERT_FALSE(result);
  const std::string message = result.message();
  EXPECT_NE(message.find("tcp.seq at byte 42: expected 00 00 00 00, got 00 00 00 10"), std::string::npos)
      << message;
  EXPECT_NE(message.find("tcp.checksum"), std::string::npos) << message;
  EXPECT_EQ(message.find("ipv4."), std::string::npos) << message;
}

TEST(SameFrame, TellsWhatIsMissingAndWhatIsTooMuch) {
  const auto shorter = FrameBuilder{}.ipv4(kClient4, kService4).tcp(1, 2, TcpFlags::kSyn).build();
  auto longer = shorter;
  longer.push_back(std::byte{7});
  EXPECT_NE(std::string{same_frame(shorter, longer).message()}.find("expected 07, got nothing"),
            std::string::npos);
  EXPECT_NE(std::string{same_frame(longer, shorter).message()}.find("expected nothing, got 07"),
            std::string::npos);
  EXPECT_TRUE(same_frame(shorter, shorter));
}

}  // namespace
}  // namespace synward::test
