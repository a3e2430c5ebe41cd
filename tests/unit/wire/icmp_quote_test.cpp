// Mirrors dataplane/wire/icmp_quote.hpp.
#include "dataplane/wire/icmp_quote.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::bytes_of;

struct QuoteCase {
  std::string_view name;
  std::vector<std::pair<std::size_t, int>> changed;  // bytes of the message
  std::size_t cut = 0;                               // bytes less at its end
  std::size_t expected = 0;                          // what is quoted of the segment; 0: nothing
};

template <Family kFamily>
void expect_quote(Bytes message, const QuoteCase& row, std::size_t tcp_at) {
  for (const auto& [at, value] : row.changed) message.at(at) = static_cast<std::byte>(value);
  message.resize(message.size() - row.cut);
  message.shrink_to_fit();  // ASan sees one byte too far
  const auto quoted = parse_quoted_segment<kFamily>(message);
  ASSERT_EQ(quoted.has_value(), row.expected != 0);
  if (!quoted) return;
  EXPECT_EQ(quoted->offset, tcp_at);
  EXPECT_EQ(quoted->bytes, row.expected);
}

/// A TCP header of 20 bytes behind `ip`, in an error of this type.
Bytes error(int type, const Bytes& ip) {
  Bytes message = bytes_of({type, 0, 0, 0, 0, 0, 0, 0});
  test::append(message, ip);
  message.resize(message.size() + 12);
  message.push_back(std::byte{0x50});
  message.resize(message.size() + 7);
  return message;
}
Bytes ipv4() {
  Bytes ip(20);
  ip[0] = std::byte{0x45};
  ip[9] = std::byte{IpProtocol::kTcp};
  return ip;
}
Bytes ipv6() {
  Bytes ip(40);
  ip[0] = std::byte{0x60};
  ip[6] = std::byte{IpProtocol::kTcp};
  return ip;
}

class Quoted4 : public testing::TestWithParam<QuoteCase> {};
TEST_P(Quoted4, IsFoundWhenItIsThere) { expect_quote<Family::kIpv4>(error(3, ipv4()), GetParam(), 28); }
const QuoteCase kCases4[] = {
    {.name = "Unreachable", .expected = 20},
    {.name = "TimeExceeded", .changed = {{0, 11}}, .expected = 20},
    {.name = "ParameterProblem", .changed = {{0, 12}}, .expected = 20},
    {.name = "SourceQuench", .changed = {{0, 4}}},
    {.name = "EchoReply", .changed = {{0, 0}}},
    {.name = "EightBytes", .cut = 12, .expected = 8},
    {.name = "SevenBytes", .cut = 13},
    {.name = "HalfAnIpHeader", .cut = 30},
    {.name = "NoQuote", .cut = 40},
    {.name = "HalfAnIcmpHeader", .cut = 44},
    {.name = "NothingAtAll", .cut = 48},
    {.name = "Udp", .changed = {{17, IpProtocol::kUdp}}},
    {.name = "VersionSix", .changed = {{8, 0x65}}},
    {.name = "IpHeaderTooShort", .changed = {{8, 0x44}}},
    {.name = "IpOptionsBehindTheEnd", .changed = {{8, 0x4d}}},
    {.name = "FirstFragment", .changed = {{14, 0x20}}, .expected = 20},
    {.name = "LaterFragment", .changed = {{15, 1}}},
    {.name = "TcpHeaderTooShort", .changed = {{40, 0x40}}},
    {.name = "AnyTotalLength", .changed = {{10, 0xff}, {11, 0xff}}, .expected = 20},
};
INSTANTIATE_TEST_SUITE_P(Rfc792, Quoted4, testing::ValuesIn(kCases4),
                         [](const auto& test) { return std::string(test.param.name); });

class Quoted6 : public testing::TestWithParam<QuoteCase> {};
TEST_P(Quoted6, IsFoundWhenItIsThere) { expect_quote<Family::kIpv6>(error(2, ipv6()), GetParam(), 48); }
const QuoteCase kCases6[] = {
    {.name = "Unreachable", .changed = {{0, 1}}, .expected = 20},
    {.name = "PacketTooBig", .expected = 20},
    {.name = "TimeExceeded", .changed = {{0, 3}}, .expected = 20},
    {.name = "ParameterProblem", .changed = {{0, 4}}, .expected = 20},
    {.name = "ReservedZero", .changed = {{0, 0}}},
    {.name = "Five", .changed = {{0, 5}}},
    {.name = "EightBytes", .cut = 12, .expected = 8},
    {.name = "SevenBytes", .cut = 13},
    {.name = "HalfAnIpHeader", .cut = 40},
    {.name = "NoQuote", .cut = 60},
    {.name = "Udp", .changed = {{14, IpProtocol::kUdp}}},
    {.name = "VersionFour", .changed = {{8, 0x45}}},
    {.name = "TcpHeaderTooShort", .changed = {{60, 0x40}}},
    {.name = "AnyPayloadLength", .changed = {{12, 0xff}, {13, 0xff}}, .expected = 20},
};
INSTANTIATE_TEST_SUITE_P(Rfc4443, Quoted6, testing::ValuesIn(kCases6),
                         [](const auto& test) { return std::string(test.param.name); });

/// Behind a chain: `next`, and the extension header's own bytes.
struct ChainCase {
  std::string_view name;
  int kind;
  Bytes header;
  bool found;
};
class QuotedChain : public testing::TestWithParam<ChainCase> {};
TEST_P(QuotedChain, IsWalkedAsFarAsTheQuoteGoes) {
  Bytes ip = ipv6();
  ip[6] = static_cast<std::byte>(GetParam().kind);
  test::append(ip, GetParam().header);
  const std::size_t tcp_at = 48 + GetParam().header.size();
  expect_quote<Family::kIpv6>(error(2, ip), {.expected = GetParam().found ? 20u : 0u}, tcp_at);
}
const ChainCase kChains[] = {
    {"HopByHop", IpProtocol::kHopByHopOptions, bytes_of({6, 0, 1, 4, 0, 0, 0, 0}), true},
    {"LongerThanTheQuote", IpProtocol::kHopByHopOptions, bytes_of({6, 9, 1, 4, 0, 0, 0, 0}), false},
    {"FirstFragment", IpProtocol::kIpv6Fragment, bytes_of({6, 0, 0, 1, 0, 0, 0, 7}), true},
    {"LaterFragment", IpProtocol::kIpv6Fragment, bytes_of({6, 0, 0, 8, 0, 0, 0, 7}), false},
    {"AtomicFragment", IpProtocol::kIpv6Fragment, bytes_of({6, 0, 0, 0, 0, 0, 0, 7}), true},
    {"SegmentsLeft", IpProtocol::kIpv6Routing, bytes_of({6, 0, 0, 1, 0, 0, 0, 0}), false},
    {"Esp", IpProtocol::kEncapsulatingSecurity, bytes_of({6, 0, 0, 0, 0, 0, 0, 0}), false},
};
INSTANTIATE_TEST_SUITE_P(Rfc8200, QuotedChain, testing::ValuesIn(kChains),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(QuotedSegment, EndsAtMost128BytesBehindTheIcmpHeader) {
  Bytes message = error(2, ipv6());
  message.resize(500);
  const auto quoted = parse_quoted_segment<Family::kIpv6>(message);
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->bytes, 128 - 40);
}

}  // namespace
}  // namespace synward::wire
