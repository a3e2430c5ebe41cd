// Mirrors control/trace/packet_text.hpp.
#include "control/trace/packet_text.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::control {
namespace {

using test::Bytes;
using test::FrameBuilder;
using test::ip4;
using test::ip6;
using wire::TcpFlags;

std::string text_of(const Bytes& frame) { return packet_text(frame, frame.size()); }

const auto four = [] { return FrameBuilder{}.ipv4(ip4("198.19.1.2"), ip4("198.18.0.10")); };
const auto six = [] { return FrameBuilder{}.ipv6(ip6("2001:2:0:1::2"), ip6("2001:2::10")); };

TEST(PacketText, IsWhatTcpdumpReadersKnow) {
  const wire::SynOptions asked{
      .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = wire::TcpTimestamps{1000, 0}};
  EXPECT_EQ(text_of(four().tcp(40000, 443, TcpFlags::kSyn).seq(1).window(64240).tcp_options(asked).build()),
            "198.19.1.2:40000 > 198.18.0.10:443 [S] seq 1 win 64240 len 0 <mss 1460,sackOK,TS val 1000 ecr "
            "0,wscale 7>");
  EXPECT_EQ(text_of(six()
                        .tcp(40000, 443, TcpFlags::kPsh | TcpFlags::kAck)
                        .seq(7)
                        .ack(9)
                        .window(5)
                        .payload("text")
                        .build()),
            "[2001:2:0:1::2]:40000 > [2001:2::10]:443 [P.] seq 7 ack 9 win 5 len 4");
  EXPECT_EQ(text_of(six().echo_request(1, 2).build()), "2001:2:0:1::2 > 2001:2::10 ICMPv6 type 128 code 0");
  EXPECT_EQ(text_of(four().echo_request(1, 2).build()), "198.19.1.2 > 198.18.0.10 ICMP type 8 code 0");
  EXPECT_EQ(text_of(FrameBuilder{}.arp_request(ip4("198.19.1.2"), ip4("198.18.0.10")).build()),
            "ARP: who has 198.18.0.10, tell 198.19.1.2");
}

TEST(PacketText, FlagsAreInTcpdumpsOrder) {
  EXPECT_EQ(flags_text(0), "none");
  EXPECT_EQ(flags_text(TcpFlags::kSyn | TcpFlags::kAck), "S.");
  EXPECT_EQ(flags_text(0xff), "FSRP.UEW");
}

TEST(PacketText, SaysWhatCanBeReadOfOddFrames) {
  EXPECT_EQ(text_of({}), "0 bytes");
  EXPECT_EQ(text_of(four().tcp(1, 2, 0).ether_type(0x88cc).build()).substr(0, 17), "EtherType 0x88cc,");
  EXPECT_EQ(text_of(four().tcp(1, 2, 0).protocol(wire::IpProtocol::kUdp).build()),
            "198.19.1.2 > 198.18.0.10 protocol 17, 40 bytes");
  EXPECT_EQ(text_of(four().tcp(1, 2, 2).claim_total_bytes(39).build()).substr(0, 48),
            "198.19.1.2:1 > 198.18.0.10:2 [S] seq 0 win 64240");
}

TEST(PacketText, OptionsThatSynwardKnows) {
  const Bytes sack = test::bytes_of({5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 34, 2});
  EXPECT_EQ(options_text(wire::parse_tcp_options(sack)), "tfo request,sack 1:9");
  EXPECT_EQ(options_text(wire::parse_tcp_options(test::bytes_of({2, 4, 5}))), "malformed");
}

}  // namespace
}  // namespace synward::control
