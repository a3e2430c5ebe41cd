// Mirrors dataplane/wire/tcp.hpp.
#include "dataplane/wire/tcp.hpp"

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

struct ParseTcpCase {
  std::string_view name;
  std::size_t segment_bytes;
  std::uint8_t offset_words;  // the header's own claim about its length
  bool parses;
};

class ParseTcp : public testing::TestWithParam<ParseTcpCase> {};

TEST_P(ParseTcp, AcceptsExactlyTheHeadersThatFitTheSegment) {
  const auto& [name, segment_bytes, offset_words, parses] = GetParam();
  test::Bytes segment(segment_bytes);  // exact size: ASan sees one byte too far
  if (segment_bytes > 12) segment[12] = std::byte(offset_words << 4);

  const auto* tcp = parse_tcp(segment);
  ASSERT_EQ(tcp != nullptr, parses);
  if (tcp == nullptr) return;
  EXPECT_EQ(tcp->header_bytes(), 4u * offset_words);
  EXPECT_EQ(options(*tcp).data(), segment.data() + 20);
  EXPECT_EQ(options(*tcp).size(), 4u * offset_words - 20);
  EXPECT_EQ(payload(*tcp, segment).data(), segment.data() + 4 * offset_words);
  EXPECT_EQ(payload(*tcp, segment).size(), segment_bytes - 4u * offset_words);
}

constexpr ParseTcpCase kCases[] = {
    {.name = "Empty", .segment_bytes = 0, .offset_words = 5, .parses = false},
    {.name = "OneByteShort", .segment_bytes = 19, .offset_words = 5, .parses = false},
    {.name = "MinimumHeader", .segment_bytes = 20, .offset_words = 5, .parses = true},
    {.name = "OffsetZero", .segment_bytes = 60, .offset_words = 0, .parses = false},
    {.name = "OffsetBelowMinimum", .segment_bytes = 60, .offset_words = 4, .parses = false},
    {.name = "OptionsRunPastEnd", .segment_bytes = 59, .offset_words = 15, .parses = false},
    {.name = "LongestHeader", .segment_bytes = 60, .offset_words = 15, .parses = true},
    {.name = "OneByteOfPayload", .segment_bytes = 21, .offset_words = 5, .parses = true},
    {.name = "OptionsAndPayload", .segment_bytes = 1460, .offset_words = 8, .parses = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc9293, ParseTcp, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(TcpHeader, IsTwentyBytesOnTheWire) { EXPECT_EQ(sizeof(TcpHeader), 20u); }

TEST(TcpHeader, EverythingShorterThanTwentyBytesIsRefused) {
  for (std::size_t size = 0; size < 20; ++size) {
    test::Bytes segment(size, std::byte{0x50});  // whichever byte is read as the offset says 5 words
    EXPECT_EQ(parse_tcp(segment), nullptr) << size;
  }
}

TEST(TcpHeader, AHandMadeSynParsesToItsFields) {
  const auto segment =
      test::bytes_of({0x9c, 0x40, 0x01, 0xbb, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00,  //
                      0x60, 0x02, 0xfa, 0xf0, 0xab, 0xcd, 0x12, 0x34, 0x02, 0x04, 0x05, 0xb4});
  const auto* tcp = parse_tcp(segment);
  ASSERT_NE(tcp, nullptr);
  EXPECT_EQ(tcp->src_port.host(), 40000);
  EXPECT_EQ(tcp->dst_port.host(), 443);
  EXPECT_EQ(SeqNum{tcp->seq}, SeqNum{0x01020304u});
  EXPECT_EQ(tcp->ack.host(), 0u);
  EXPECT_EQ(tcp->header_bytes(), 24u);
  EXPECT_EQ(tcp->flags, TcpFlags::kSyn);
  EXPECT_EQ(tcp->window.host(), 64240);
  EXPECT_EQ(tcp->checksum, Checksum{BigEndian16{0xabcd}});
  EXPECT_EQ(tcp->urgent.host(), 0x1234);
  EXPECT_EQ(options(*tcp)[0], std::byte{2});
  EXPECT_TRUE(payload(*tcp, segment).empty());
}

TEST(TcpHeader, OffsetOfIsReadBackByHeaderBytes) {
  for (std::size_t bytes = 20; bytes <= 60; bytes += 4) {
    TcpHeader header{};
    header.offset_and_reserved = TcpHeader::offset_of(bytes);
    EXPECT_EQ(header.header_bytes(), bytes);
    EXPECT_EQ(header.offset_and_reserved & 0x0f, 0);
  }
}

TEST(TcpFlags, AreTheBitsOfRfc9293AndRfc3168) {
  EXPECT_EQ(TcpFlags::kFin, 1);
  EXPECT_EQ(TcpFlags::kSyn, 2);
  EXPECT_EQ(TcpFlags::kRst, 4);
  EXPECT_EQ(TcpFlags::kPsh, 8);
  EXPECT_EQ(TcpFlags::kAck, 16);
  EXPECT_EQ(TcpFlags::kUrg, 32);
  EXPECT_EQ(TcpFlags::kEce, 64);
  EXPECT_EQ(TcpFlags::kCwr, 128);
}

}  // namespace
}  // namespace synward::wire
