// Mirrors dataplane/wire/cut_frame.hpp.
#include "dataplane/wire/cut_frame.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::FrameBuilder;
using test::ip4;
using test::ip6;

FrameBuilder segment4() {
  return FrameBuilder{}.ipv4(ip4("198.19.1.2"), ip4("198.18.0.10")).tcp(40000, 443, TcpFlags::kSyn);
}
FrameBuilder segment6() {
  return FrameBuilder{}.ipv6(ip6("2001:2:0:1::2"), ip6("2001:2::10")).tcp(40000, 443, TcpFlags::kSyn);
}

/// The first `bytes` of it, with nothing behind: ASan sees a byte too far.
Bytes cut(Bytes frame, std::size_t bytes) {
  frame.resize(bytes);
  frame.shrink_to_fit();
  return frame;
}

TEST(CutFrame, IsReadAsFarAsItIsThere) {
  const SynOptions asked{.mss = 1460, .window_scale = 7};
  for (const Bytes& whole :
       {segment4().vlan(5).tcp_options(asked).build(), segment4().ip_options(Bytes(8, std::byte{1})).build(),
        segment6().extension(IpProtocol::kDestinationOptions).tcp_options(asked).build()}) {
    const CutFrame all = read_cut_frame(whole);
    ASSERT_NE(all.tcp, nullptr);
    EXPECT_EQ(all.tcp->dst_port.host(), 443);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      const Bytes kept = cut(whole, bytes);
      const CutFrame frame = read_cut_frame(kept);
      EXPECT_EQ(frame.link.has_value(), bytes >= all.link->network_offset) << bytes;
      EXPECT_EQ(frame.tcp != nullptr, bytes >= all.transport + sizeof(TcpHeader)) << bytes;
      if (frame.tcp != nullptr) {
        EXPECT_EQ(frame.transport, all.transport);
        EXPECT_EQ(frame.tcp_options(kept).size(), bytes - all.transport - sizeof(TcpHeader));
      }
    }
  }
}

TEST(CutFrame, OptionsEndWithTheHeader) {
  const Bytes frame = segment4().tcp_options(SynOptions{.mss = 1460}).payload("text").build();
  const CutFrame read = read_cut_frame(frame);
  EXPECT_EQ(read.tcp_options(frame).size(), 4u);
  EXPECT_EQ(parse_tcp_options(read.tcp_options(frame)).mss(), 1460);
}

TEST(CutFrame, LaterFragmentsHaveNoTransportHeader) {
  for (const Bytes& frame : {segment4().fragment(8, true).build(), segment6().fragment(8, false).build()}) {
    const CutFrame read = read_cut_frame(frame);
    EXPECT_EQ(read.transport, 0u);
    EXPECT_EQ(read.tcp, nullptr);
  }
}

TEST(CutFrame, AHeaderThatClaimsTooLittleIsNoDoorToTheRest) {
  Bytes frame = segment4().build();
  frame[sizeof(EthernetHeader)] = std::byte{0x44};  // IHL: 16 bytes
  EXPECT_EQ(read_cut_frame(frame).transport, 0u);
  EXPECT_NE(read_cut_frame(frame).ipv4, nullptr);
}

}  // namespace
}  // namespace synward::wire
