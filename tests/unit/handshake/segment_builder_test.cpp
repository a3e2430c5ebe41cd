#include "dataplane/handshake/segment_builder.hpp"

#include <cstddef>
#include <optional>
#include <span>

#include <gtest/gtest.h>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "tests/support/expect_frame.hpp"
#include "tests/unit/handshake/two_ends.hpp"

namespace synward::handshake {
namespace {

using test::Bytes;
using test::bytes_of;
using test::Family;
using test::Flags;
using test::FrameBuilder;
using test::SeqNum;

constexpr wire::TcpTimestamps kTimestamps{0x01020304, 0x05060708};
const wire::SynOptions kAllOptions{
    .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = kTimestamps};

template <typename FamilyConstant>
class Frames : public testing::Test {
 public:
  static constexpr Family kFamily = FamilyConstant::value;
  const Path<kFamily> path = test::client_path<kFamily>();

  /// The same frame by other means.
  FrameBuilder golden(const Segment& segment) const {
    FrameBuilder frame;
    if constexpr (kFamily == Family::kIpv4) {
      frame.ipv4(path.tuple.local, path.tuple.remote);
    } else {
      frame.ipv6(path.tuple.local, path.tuple.remote);
    }
    frame.tcp(40000, 443, segment.flags)
        .seq(segment.seq.value())
        .ack(segment.ack.value())
        .window(segment.window);
    if (segment.has(Flags::kSyn)) {
      frame.tcp_options(segment.options);
    } else if (segment.options.timestamps) {
      frame.tcp_options(*segment.options.timestamps);
    }
    return frame.payload(Bytes(segment.text_bytes, std::byte{'x'}));
  }
  Bytes build(const Segment& segment) const {
    return test::frame_of(path, segment, Bytes(segment.text_bytes, std::byte{'x'}));
  }
};
using Families = testing::Types<std::integral_constant<Family, Family::kIpv4>,
                                std::integral_constant<Family, Family::kIpv6>>;
TYPED_TEST_SUITE(Frames, Families);

const Segment kSyn{.seq = SeqNum{0xdeadbeef}, .flags = Flags::kSyn, .window = 64240, .options = kAllOptions};
const Segment kSynAck{.seq = SeqNum{1},
                      .ack = SeqNum{0xdeadbef0},
                      .flags = Flags::kSyn | Flags::kAck,
                      .window = 65535,
                      .options = kAllOptions};
const Segment kBareAck{.seq = SeqNum{2}, .ack = SeqNum{3}, .flags = Flags::kAck, .window = 512};
const Segment kText{.seq = SeqNum{2},
                    .ack = SeqNum{3},
                    .flags = Flags::kAck | Flags::kPsh,
                    .window = 512,
                    .text_bytes = 101,
                    .options = {.timestamps = kTimestamps}};
const Segment kReset{.seq = SeqNum{9}, .flags = Flags::kRst};

TYPED_TEST(Frames, AreThoseThatTheReferenceBuilds) {
  for (const Segment& segment : {kSyn, kSynAck, kBareAck, kText, kReset})
    EXPECT_TRUE(test::same_frame(this->build(segment), this->golden(segment).build()));
}

TYPED_TEST(Frames, ChecksumWithPseudoHeaderVerifiesToZero) {
  for (const Segment& segment : {kSyn, kSynAck, kBareAck, kText, kReset}) {
    const Bytes frame = this->build(segment);
    const std::size_t ip_bytes = TestFixture::kFamily == Family::kIpv4 ? 20 : 40;
    const auto tcp = std::span{frame}.subspan(14 + ip_bytes);
    Bytes covered = test::pseudo_header(this->path.tuple.local, this->path.tuple.remote, 6, tcp.size());
    test::append(covered, tcp);
    EXPECT_EQ(test::reference_checksum(covered).wire.host(), 0);
  }
}

TYPED_TEST(Frames, HeaderWithoutOptionsIsTwentyBytesOnTheWire) {
  const std::size_t ip_bytes = TestFixture::kFamily == Family::kIpv4 ? 20 : 40;
  EXPECT_EQ(this->build(kBareAck).size(), 14 + ip_bytes + 20);
  EXPECT_EQ(this->build(kSyn).size(), kMaxHeaderBytes<TestFixture::kFamily>);
}

TYPED_TEST(Frames, ComeBackAsTheSegmentTheyWere) {
  for (const Segment& segment : {kSyn, kSynAck, kBareAck, kText, kReset}) {
    const auto received = parse_frame<TestFixture::kFamily>(this->build(segment));
    ASSERT_TRUE(received);
    EXPECT_EQ(received->segment.seq, segment.seq);
    EXPECT_EQ(received->segment.ack, segment.ack);
    EXPECT_EQ(received->segment.flags, segment.flags);
    EXPECT_EQ(received->segment.window, segment.window);
    EXPECT_EQ(received->segment.text_bytes, segment.text_bytes);
    EXPECT_EQ(received->segment.options.mss, segment.options.mss);
    EXPECT_EQ(received->segment.options.window_scale, segment.options.window_scale);
    EXPECT_EQ(received->segment.options.sack_permitted, segment.options.sack_permitted);
    EXPECT_EQ(received->segment.options.timestamps, segment.options.timestamps);
    EXPECT_EQ(received->path.tuple, this->path.tuple.from_the_other_end());
    EXPECT_EQ(received->path.local_mac, this->path.remote_mac);
    EXPECT_EQ(received->path.remote_mac, this->path.local_mac);
  }
}

TYPED_TEST(Frames, ThatDoNotFitAreNotWritten) {
  const std::size_t size = this->build(kText).size();
  const Bytes text(kText.text_bytes, std::byte{'x'});
  for (std::size_t room = 0; room < size; ++room) {
    Bytes out(room, std::byte{0xa5});
    EXPECT_TRUE(build_frame(this->path, kText, text, out).empty());
    EXPECT_EQ(out, Bytes(room, std::byte{0xa5}));
  }
  Bytes out(size, std::byte{0xa5});
  EXPECT_EQ(build_frame(this->path, kText, text, out).size(), size);
}

TYPED_TEST(Frames, CutShortAnywhereAreRefused) {
  const Bytes frame = this->build(kSyn);
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
    const Bytes cut(frame.begin(), frame.begin() + std::ptrdiff_t(bytes));
    EXPECT_FALSE(parse_frame<TestFixture::kFamily>(cut)) << bytes;
  }
}

TYPED_TEST(Frames, WithATcpPartOfLessThanTwentyBytesAreRefused) {
  for (std::size_t bytes = 0; bytes < 20; ++bytes) {
    auto frame = this->golden(kBareAck);
    frame.claim_total_bytes((TestFixture::kFamily == Family::kIpv4 ? 20 : 40) + bytes);
    EXPECT_FALSE(parse_frame<TestFixture::kFamily>(frame.build())) << bytes;
  }
}

TYPED_TEST(Frames, WithAnyBitOfTheTcpPartFlippedAreRefused) {
  const Bytes frame = this->build(kText);
  const std::size_t tcp_at = 14 + (TestFixture::kFamily == Family::kIpv4 ? 20 : 40);
  for (std::size_t bit = 8 * tcp_at; bit < 8 * frame.size(); ++bit) {
    Bytes wrong = frame;
    wrong[bit / 8] ^= std::byte(1u << bit % 8);
    EXPECT_FALSE(parse_frame<TestFixture::kFamily>(wrong)) << bit;
  }
}

TYPED_TEST(Frames, OfTheOtherFamilyAreRefused) {
  constexpr Family kOther = TestFixture::kFamily == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
  EXPECT_FALSE(parse_frame<kOther>(this->build(kSyn)));
}

TYPED_TEST(Frames, ArePassedOverTheirTagsAndPadding) {
  const auto received =
      parse_frame<TestFixture::kFamily>(this->golden(kBareAck).vlan(5).vlan(6).pad_to(120).build());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->segment.text_bytes, 0);
}

TYPED_TEST(Frames, WithBrokenOptionsCountUpToTheBreak) {
  auto frame = this->golden(kSyn);
  frame.tcp_options(bytes_of({2, 4, 0x05, 0xb4, 3, 0, 7, 0}));
  const auto received = parse_frame<TestFixture::kFamily>(frame.build());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->segment.options.mss, std::optional<std::uint16_t>{1460});
  EXPECT_EQ(received->segment.options.window_scale, std::nullopt);
}

TYPED_TEST(Frames, OptionsOfASynAreIgnoredElsewhere) {
  auto frame = this->golden(kBareAck);
  frame.tcp_options(kAllOptions);
  const auto received = parse_frame<TestFixture::kFamily>(frame.build());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->segment.options.mss, std::nullopt);
  EXPECT_EQ(received->segment.options.window_scale, std::nullopt);
  EXPECT_FALSE(received->segment.options.sack_permitted);
  EXPECT_EQ(received->segment.options.timestamps, kTimestamps);
}

TEST(FramesOverIpv4, FragmentsOtherProtocolsAndBadHeadersAreRefused) {
  const auto path = test::client_path<Family::kIpv4>();
  const Bytes frame = test::frame_of(path, kSyn, {});
  const auto with_byte = [&](std::size_t at, int value) {
    Bytes changed = frame;
    changed[at] = std::byte(value);
    auto& ip = wire::overlay<wire::Ipv4Header>(changed.data() + 14);
    ip.checksum = {};
    ip.checksum = wire::finish(wire::add_bytes(0, std::span{changed}.subspan(14, 20)));
    return changed;
  };
  EXPECT_TRUE(parse_frame<Family::kIpv4>(with_byte(14 + 8, 3)));      // another TTL
  EXPECT_FALSE(parse_frame<Family::kIpv4>(with_byte(14 + 9, 17)));    // UDP
  EXPECT_FALSE(parse_frame<Family::kIpv4>(with_byte(14 + 6, 0x20)));  // more fragments
  EXPECT_FALSE(parse_frame<Family::kIpv4>(with_byte(14 + 7, 1)));     // a later one
  Bytes wrong = frame;
  wrong[14 + 8] ^= std::byte{1};  // TTL, and the header's checksum as it was
  EXPECT_FALSE(parse_frame<Family::kIpv4>(wrong));
}

TEST(FramesOverIpv6, ExtensionHeadersArePassedOverAndFragmentsRefused) {
  using wire::IpProtocol;
  const auto frame = [] {
    return FrameBuilder{}
        .ipv6(test::ip6("2001:2::1"), test::ip6("2001:2::a"))
        .tcp(40000, 443, Flags::kSyn)
        .payload("text");
  };
  const auto received =
      parse_frame<Family::kIpv6>(frame().extension(IpProtocol::kDestinationOptions, 16).build());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->segment.flags, Flags::kSyn);
  EXPECT_EQ(received->segment.text_bytes, 4);
  EXPECT_FALSE(parse_frame<Family::kIpv6>(frame().fragment(0, true).build()));
  EXPECT_FALSE(parse_frame<Family::kIpv6>(frame().fragment(8, false).build()));
  EXPECT_FALSE(parse_frame<Family::kIpv6>(frame().protocol(IpProtocol::kUdp).build()));
  // A routing header with segments left, and TCP behind it.
  EXPECT_FALSE(parse_frame<Family::kIpv6>(
      frame().raw_extension(IpProtocol::kIpv6Routing, bytes_of({0, 0, 4, 1, 0, 0, 0, 0})).build()));
}

// Written down by hand from RFC 9293 3.1 and RFC 791 3.1.
TEST(FramesOverIpv4, HandMadeSynParsesToItsFields) {
  const Bytes frame = bytes_of({
      0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00,  // Ethernet, IPv4
      0x45, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0xae, 0x9c,  // 44 bytes, DF, TCP
      0xc6, 0x12, 0x00, 0x01, 0xc6, 0x12, 0x00, 0x0a,                          // 198.18.0.1 -> .10
      0x9c, 0x40, 0x01, 0xbb, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00, 0x00, 0x00,  // ports, seq, ack
      0x60, 0x02, 0xfa, 0xf0, 0x0a, 0x5e, 0x00, 0x00,                          // 24 bytes, SYN
      0x02, 0x04, 0x05, 0xb4,                                                  // MSS 1460
  });
  const auto received = parse_frame<Family::kIpv4>(frame);
  ASSERT_TRUE(received);
  const Segment& syn = received->segment;
  EXPECT_EQ(received->path.tuple.remote, test::ip4("198.18.0.1"));
  EXPECT_EQ(received->path.tuple.local, test::ip4("198.18.0.10"));
  EXPECT_EQ(received->path.tuple.remote_port.host(), 40000);
  EXPECT_EQ(received->path.tuple.local_port.host(), 443);
  EXPECT_EQ(syn.seq, SeqNum{0x12345678});
  EXPECT_EQ(syn.ack, SeqNum{0});
  EXPECT_EQ(syn.flags, Flags::kSyn);
  EXPECT_EQ(syn.window, 64240);
  EXPECT_EQ(syn.text_bytes, 0);
  EXPECT_EQ(syn.length(), 1u);
  EXPECT_EQ(syn.options.mss, std::optional<std::uint16_t>{1460});
  EXPECT_EQ(syn.options.window_scale, std::nullopt);
  EXPECT_FALSE(syn.options.sack_permitted);
  EXPECT_EQ(syn.options.timestamps, std::nullopt);
}

}  // namespace
}  // namespace synward::handshake
