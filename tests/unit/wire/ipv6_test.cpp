// Mirrors dataplane/wire/ipv6.hpp.
#include "dataplane/wire/ipv6.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::bytes_of;

struct Ipv6Case {
  std::string_view name;
  std::size_t packet_bytes;
  std::uint8_t first_byte;
  std::uint16_t payload_length;  // the header's own claim
  bool parses;
};

class ParseIpv6 : public testing::TestWithParam<Ipv6Case> {};

TEST_P(ParseIpv6, AcceptsExactlyThePayloadsThatFitThePacket) {
  const auto& [name, packet_bytes, first_byte, payload_length, parses] = GetParam();
  Bytes packet(packet_bytes);  // exact size: ASan sees one byte too far
  if (packet_bytes > 0) packet[0] = std::byte{first_byte};
  if (packet_bytes > 5) {
    packet[4] = std::byte(payload_length >> 8);
    packet[5] = std::byte(payload_length & 0xff);
  }
  const auto* ip = parse_ipv6(packet);
  ASSERT_EQ(ip != nullptr, parses);
  if (ip != nullptr) {
    EXPECT_EQ(ip->total_bytes(), 40u + payload_length);
  }
}

constexpr Ipv6Case kCases[] = {
    {.name = "Empty", .packet_bytes = 0, .first_byte = 0x60, .payload_length = 0, .parses = false},
    {.name = "OneByteShort", .packet_bytes = 39, .first_byte = 0x60, .payload_length = 0, .parses = false},
    {.name = "HeaderOnly", .packet_bytes = 40, .first_byte = 0x60, .payload_length = 0, .parses = true},
    {.name = "VersionFour", .packet_bytes = 60, .first_byte = 0x45, .payload_length = 20, .parses = false},
    {.name = "AnyTrafficClass", .packet_bytes = 60, .first_byte = 0x6f, .payload_length = 20, .parses = true},
    {.name = "PayloadPastEnd", .packet_bytes = 59, .first_byte = 0x60, .payload_length = 20, .parses = false},
    {.name = "PaddedFrame", .packet_bytes = 66, .first_byte = 0x60, .payload_length = 20, .parses = true},
    {.name = "Longest", .packet_bytes = 65575, .first_byte = 0x60, .payload_length = 65535, .parses = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc8200, ParseIpv6, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Ipv6Header, HasEveryFieldInItsPlace) {
  auto packet = bytes_of({0x6b, 0x91, 0x23, 0x45, 0, 0, 6, 63});
  test::append(packet, bytes_of(test::ip6("2001:2::1")));
  test::append(packet, bytes_of(test::ip6("2001:2::a")));
  const auto* ip = parse_ipv6(packet);
  ASSERT_NE(ip, nullptr);
  EXPECT_EQ(ip->traffic_class(), 0xb9);
  EXPECT_EQ(ip->next_header, 6);
  EXPECT_EQ(ip->hop_limit, 63);
  EXPECT_EQ(ip->source, test::ip6("2001:2::1"));
  EXPECT_EQ(ip->destination, test::ip6("2001:2::a"));
}

struct ClassCase {
  std::string_view name;
  const char* address;
  bool multicast = false, loopback = false, unspecified = false;
};

class Ipv6Classes : public testing::TestWithParam<ClassCase> {};

TEST_P(Ipv6Classes, AreToldApart) {
  const auto address = test::ip6(GetParam().address);
  EXPECT_EQ(is_multicast(address), GetParam().multicast);
  EXPECT_EQ(is_loopback(address), GetParam().loopback);
  EXPECT_EQ(is_unspecified(address), GetParam().unspecified);
  EXPECT_FALSE(is_broadcast(address));
}

constexpr ClassCase kClasses[] = {
    {.name = "Unicast", .address = "2001:2::1"},
    {.name = "LinkLocal", .address = "fe80::1"},
    {.name = "Multicast", .address = "ff02::1", .multicast = true},
    {.name = "BelowMulticast", .address = "feff::1"},
    {.name = "Loopback", .address = "::1", .loopback = true},
    {.name = "AlmostLoopback", .address = "::2"},
    {.name = "Unspecified", .address = "::", .unspecified = true},
    {.name = "EndsInZeros", .address = "2001:2::"},
};
INSTANTIATE_TEST_SUITE_P(Rfc4291, Ipv6Classes, testing::ValuesIn(kClasses),
                         [](const auto& test) { return std::string(test.param.name); });

// The chain. A header is its own kind and its bytes; the first byte, next header, is filled in.
struct Header {
  std::uint8_t kind;
  Bytes bytes;
};

constexpr std::uint8_t kHop = IpProtocol::kHopByHopOptions, kDest = IpProtocol::kDestinationOptions,
                       kRouting = IpProtocol::kIpv6Routing, kFragment = IpProtocol::kIpv6Fragment,
                       kAuth = IpProtocol::kAuthentication;
const Bytes kEight = bytes_of({0, 0, 1, 4, 0, 0, 0, 0});  // with a PadN option
const Bytes kSixteen = bytes_of({0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
const Bytes kRouted = bytes_of({0, 0, 4, 0, 0, 0, 0, 0});
const Bytes kAuthenticated = bytes_of({0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9});  // 4 * (1 + 2) bytes

Bytes fragment(int offset_and_more) {
  return bytes_of({0, 0, offset_and_more >> 8, offset_and_more & 0xff, 0, 0, 0, 7});
}

struct ChainCase {
  std::string_view name;
  std::vector<Header> headers;
  std::uint8_t last = IpProtocol::kTcp;
  std::size_t upper_bytes = 20;
  Ipv6Payload payload{};  // what is wanted; of one that is not understood only that
};

Bytes packet_of(const ChainCase& chain) {
  Bytes behind;
  for (std::size_t i = 0; i < chain.headers.size(); ++i) {
    Bytes header = chain.headers[i].bytes;
    if (!header.empty())
      header[0] = std::byte{i + 1 < chain.headers.size() ? chain.headers[i + 1].kind : chain.last};
    test::append(behind, header);
  }
  behind.resize(behind.size() + chain.upper_bytes);
  Ipv6Header ip{};
  ip.version_class_flow = BigEndian32{0x60000000u};
  ip.payload_length = BigEndian16{static_cast<std::uint16_t>(behind.size())};
  ip.next_header = chain.headers.empty() ? chain.last : chain.headers.front().kind;
  Bytes packet = bytes_of(ip);
  test::append(packet, behind);
  packet.shrink_to_fit();
  return packet;
}

class WalkExtensionHeaders : public testing::TestWithParam<ChainCase> {};

TEST_P(WalkExtensionHeaders, EndsAtTheUpperLayerOrSaysThatItDoesNot) {
  const auto& wanted = GetParam().payload;
  const auto found = walk_extension_headers(packet_of(GetParam()));
  ASSERT_EQ(found.understood, wanted.understood);
  if (!found.understood) return;
  EXPECT_EQ(found.next_header, wanted.next_header);
  EXPECT_EQ(found.offset, wanted.offset);
  EXPECT_EQ(found.fragment, wanted.fragment);
  EXPECT_EQ(found.first_fragment, wanted.first_fragment);
}

constexpr Ipv6Payload upper(std::uint8_t next_header, std::uint16_t offset) {
  return {next_header, offset, false, false, true};
}
constexpr Ipv6Payload part(std::uint8_t next_header, std::uint16_t offset, bool first) {
  return {next_header, offset, true, first, true};
}
constexpr Ipv6Payload kNotUnderstood{};

const ChainCase kChains[] = {
    {.name = "None", .headers = {}, .payload = upper(6, 40)},
    {.name = "NothingBehindTheHeader", .headers = {}, .upper_bytes = 0, .payload = upper(6, 40)},
    {.name = "NoNextHeader", .headers = {}, .last = 59, .upper_bytes = 0, .payload = upper(59, 40)},
    {.name = "HopByHop", .headers = {{kHop, kEight}}, .payload = upper(6, 48)},
    {.name = "DestinationOptions", .headers = {{kDest, kSixteen}}, .payload = upper(6, 56)},
    {.name = "RoutingAtItsEnd", .headers = {{kRouting, kRouted}}, .payload = upper(6, 48)},
    {.name = "Authentication", .headers = {{kAuth, kAuthenticated}}, .payload = upper(6, 52)},
    {.name = "EspHidesTheRest", .headers = {{kDest, kEight}}, .last = 50, .payload = upper(50, 48)},
    {.name = "InTheOrderOfRfc8200",
     .headers = {{kHop, kEight},
                 {kDest, kEight},
                 {kRouting, kRouted},
                 {kFragment, fragment(0)},
                 {kAuth, kAuthenticated},
                 {kDest, kSixteen}},
     .payload = upper(6, 40 + 8 + 8 + 8 + 8 + 12 + 16)},
    {.name = "AtomicFragmentIsWhole", .headers = {{kFragment, fragment(0)}}, .payload = upper(6, 48)},
    {.name = "ReservedBitsOfAFragmentMeanNothing",
     .headers = {{kFragment, fragment(6)}},
     .payload = upper(6, 48)},
    {.name = "FirstFragment", .headers = {{kFragment, fragment(1)}}, .payload = part(6, 48, true)},
    {.name = "FirstFragmentIsWalkedOn",
     .headers = {{kFragment, fragment(1)}, {kDest, kEight}},
     .payload = part(6, 56, true)},
    {.name = "LaterFragment", .headers = {{kFragment, fragment(1480 | 1)}}, .payload = part(6, 48, false)},
    {.name = "LastFragment", .headers = {{kFragment, fragment(1480)}}, .payload = part(6, 48, false)},
    {.name = "LaterFragmentIsNotWalkedOn",
     .headers = {{kFragment, fragment(8)}},
     .last = kDest,
     .upper_bytes = 4,
     .payload = part(kDest, 48, false)},
    {.name = "FirstFragmentEndsInsideTheChain",
     .headers = {{kFragment, fragment(1)}},
     .last = kDest,
     .upper_bytes = 4,
     .payload = kNotUnderstood},
    {.name = "HopByHopNotFirst", .headers = {{kDest, kEight}, {kHop, kEight}}, .payload = kNotUnderstood},
    {.name = "RoutingWithSegmentsLeft",
     .headers = {{kRouting, bytes_of({0, 0, 4, 1, 0, 0, 0, 0})}},
     .payload = kNotUnderstood},
    {.name = "AuthenticationTooShort",
     .headers = {{kAuth, bytes_of({0, 0, 0, 0, 0, 0, 0, 1})}},
     .payload = kNotUnderstood},
    {.name = "HeaderMissing", .headers = {{kDest, {}}}, .upper_bytes = 0, .payload = kNotUnderstood},
    {.name = "HeaderOneByteShort", .headers = {{kDest, {}}}, .upper_bytes = 7, .payload = kNotUnderstood},
    {.name = "OptionsRunPastEnd",
     .headers = {{kDest, bytes_of({0, 2, 1, 4, 0, 0, 0, 0})}},
     .upper_bytes = 15,
     .payload = kNotUnderstood},
    {.name = "OptionsEndAtTheEnd",
     .headers = {{kDest, bytes_of({0, 2, 1, 4, 0, 0, 0, 0})}},
     .upper_bytes = 16,
     .payload = upper(6, 64)},
    {.name = "LongestOptionsRunPastEnd",
     .headers = {{kDest, bytes_of({0, 255, 1, 4, 0, 0, 0, 0})}},
     .upper_bytes = 2039,
     .payload = kNotUnderstood},
    {.name = "AuthenticationRunsPastEnd",
     .headers = {{kAuth, kEight}},
     .upper_bytes = 0,
     .payload = kNotUnderstood},
    {.name = "EightHeaders", .headers = std::vector<Header>(8, {kDest, kEight}), .payload = upper(6, 104)},
    {.name = "NineHeaders", .headers = std::vector<Header>(9, {kDest, kEight}), .payload = kNotUnderstood},
};
INSTANTIATE_TEST_SUITE_P(Rfc8200, WalkExtensionHeaders, testing::ValuesIn(kChains),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(WalkOfExtensions, StopsAtThePacketsEndAndNotAtTheFrames) {
  auto packet = packet_of({.name = "", .headers = {{kDest, {}}}, .upper_bytes = 0});
  packet.resize(60);
  packet[40] = std::byte{IpProtocol::kTcp};  // the padding would pass for options before TCP
  EXPECT_FALSE(walk_extension_headers(packet).understood);
}

TEST(WalkOfExtensions, RefusesWhatParseIpv6Refuses) {
  EXPECT_FALSE(walk_extension_headers({}).understood);
  EXPECT_FALSE(walk_extension_headers(Bytes(39)).understood);
  EXPECT_FALSE(walk_extension_headers(Bytes(60)).understood);  // version 0
}

// Whatever lies there, the walk ends inside the packet. ASan watches the reads.
TEST(WalkOfExtensions, NeverPointsBehindThePacket) {
  constexpr std::uint8_t kKinds[] = {kHop, kDest, kRouting, kFragment, kAuth, IpProtocol::kTcp};
  std::uint32_t random = 1;
  for (std::size_t round = 0; round < 20'000; ++round) {
    Bytes packet(40 + round % 100);
    for (auto& b : packet) {
      random = random * 1664525 + 1013904223;
      b = std::byte{random >> 31 ? kKinds[(random >> 16) % 6] : std::uint8_t((random >> 20) & 3)};
    }
    packet[0] = std::byte{0x60};
    packet[4] = std::byte{0};
    packet[5] = std::byte(packet.size() - 40);
    ASSERT_LE(walk_extension_headers(packet).offset, packet.size());
  }
}

}  // namespace
}  // namespace synward::wire
