// Mirrors dataplane/wire/ipv4.hpp.
#include "dataplane/wire/ipv4.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

struct Ipv4Case {
  std::string_view name;
  std::size_t packet_bytes;
  std::uint8_t version_and_ihl;
  std::uint16_t total_length;  // the header's own claim
  bool parses;
};

class ParseIpv4 : public testing::TestWithParam<Ipv4Case> {};

TEST_P(ParseIpv4, AcceptsExactlyTheHeadersThatFitThePacket) {
  const auto& [name, packet_bytes, version_and_ihl, total_length, parses] = GetParam();
  test::Bytes packet(packet_bytes);  // exact size: ASan sees one byte too far
  if (packet_bytes > 0) packet[0] = std::byte{version_and_ihl};
  if (packet_bytes > 3) {
    packet[2] = std::byte(total_length >> 8);
    packet[3] = std::byte(total_length & 0xff);
  }

  const auto* ip = parse_ipv4(packet);
  ASSERT_EQ(ip != nullptr, parses);
  if (ip == nullptr) return;
  EXPECT_EQ(ip->header_bytes(), 4u * (version_and_ihl & 0xf));
  EXPECT_EQ(ip->total_bytes(), total_length);
}

constexpr Ipv4Case kCases[] = {
    {.name = "Empty", .packet_bytes = 0, .version_and_ihl = 0x45, .total_length = 20, .parses = false},
    {.name = "OneByteShort",
     .packet_bytes = 19,
     .version_and_ihl = 0x45,
     .total_length = 19,
     .parses = false},
    {.name = "HeaderOnly", .packet_bytes = 20, .version_and_ihl = 0x45, .total_length = 20, .parses = true},
    {.name = "VersionSix", .packet_bytes = 60, .version_and_ihl = 0x65, .total_length = 20, .parses = false},
    {.name = "VersionZero", .packet_bytes = 60, .version_and_ihl = 0x05, .total_length = 20, .parses = false},
    {.name = "IhlBelowMinimum",
     .packet_bytes = 60,
     .version_and_ihl = 0x44,
     .total_length = 20,
     .parses = false},
    {.name = "OptionsPastEnd",
     .packet_bytes = 59,
     .version_and_ihl = 0x4f,
     .total_length = 59,
     .parses = false},
    {.name = "LongestHeader",
     .packet_bytes = 60,
     .version_and_ihl = 0x4f,
     .total_length = 60,
     .parses = true},
    {.name = "TotalBelowHeader",
     .packet_bytes = 60,
     .version_and_ihl = 0x46,
     .total_length = 23,
     .parses = false},
    {.name = "TotalZero", .packet_bytes = 60, .version_and_ihl = 0x45, .total_length = 0, .parses = false},
    {.name = "TotalPastEnd",
     .packet_bytes = 40,
     .version_and_ihl = 0x45,
     .total_length = 41,
     .parses = false},
    {.name = "PaddedFrame", .packet_bytes = 46, .version_and_ihl = 0x45, .total_length = 40, .parses = true},
    {.name = "Longest",
     .packet_bytes = 65535,
     .version_and_ihl = 0x45,
     .total_length = 65535,
     .parses = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc791, ParseIpv4, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Ipv4Header, HasEveryFieldInItsPlace) {
  const auto packet = test::bytes_of({0x45, 0xb9, 0, 20, 0x12, 0x34, 0x40, 0, 63, 6, 0xab, 0xcd,  //
                                      198,  18,   0, 1,  198,  18,   0,    10});
  const auto* ip = parse_ipv4(packet);
  ASSERT_NE(ip, nullptr);
  EXPECT_EQ(ip->dscp_ecn, 0xb9);
  EXPECT_EQ(ip->id.host(), 0x1234);
  EXPECT_EQ(ip->ttl, 63);
  EXPECT_EQ(ip->protocol, 6);
  EXPECT_EQ(ip->checksum, Checksum{BigEndian16{0xabcd}});
  EXPECT_EQ(ip->source, test::ip4("198.18.0.1"));
  EXPECT_EQ(ip->destination, test::ip4("198.18.0.10"));
}

struct FragmentCase {
  std::string_view name;
  std::uint16_t flags_and_offset;
  bool fragment, dont_fragment;
  std::size_t offset_bytes;
};

class Ipv4Fragments : public testing::TestWithParam<FragmentCase> {};

TEST_P(Ipv4Fragments, AreKnownByMoreFragmentsOrAnOffset) {
  Ipv4Header ip{};
  ip.flags_and_offset = BigEndian16{GetParam().flags_and_offset};
  EXPECT_EQ(ip.is_fragment(), GetParam().fragment);
  EXPECT_EQ(ip.dont_fragment(), GetParam().dont_fragment);
  EXPECT_EQ(ip.fragment_offset_bytes(), GetParam().offset_bytes);
}

constexpr FragmentCase kFragments[] = {
    {.name = "Whole", .flags_and_offset = 0, .fragment = false, .dont_fragment = false, .offset_bytes = 0},
    {.name = "DontFragment",
     .flags_and_offset = 0x4000,
     .fragment = false,
     .dont_fragment = true,
     .offset_bytes = 0},
    {.name = "ReservedBit",
     .flags_and_offset = 0x8000,
     .fragment = false,
     .dont_fragment = false,
     .offset_bytes = 0},
    {.name = "First",
     .flags_and_offset = 0x2000,
     .fragment = true,
     .dont_fragment = false,
     .offset_bytes = 0},
    {.name = "Middle",
     .flags_and_offset = 0x2001,
     .fragment = true,
     .dont_fragment = false,
     .offset_bytes = 8},
    {.name = "Last",
     .flags_and_offset = 0x00b9,
     .fragment = true,
     .dont_fragment = false,
     .offset_bytes = 1480},
    {.name = "LastPossible",
     .flags_and_offset = 0x1fff,
     .fragment = true,
     .dont_fragment = false,
     .offset_bytes = 65528},
    {.name = "LastWithDf",
     .flags_and_offset = 0x4001,
     .fragment = true,
     .dont_fragment = true,
     .offset_bytes = 8},
};
INSTANTIATE_TEST_SUITE_P(Rfc791, Ipv4Fragments, testing::ValuesIn(kFragments),
                         [](const auto& test) { return std::string(test.param.name); });

struct ClassCase {
  std::string_view name;
  const char* address;
  bool multicast = false, broadcast = false, loopback = false, unspecified = false;
};

class Ipv4Classes : public testing::TestWithParam<ClassCase> {};

TEST_P(Ipv4Classes, AreToldApart) {
  const auto address = test::ip4(GetParam().address);
  EXPECT_EQ(is_multicast(address), GetParam().multicast);
  EXPECT_EQ(is_broadcast(address), GetParam().broadcast);
  EXPECT_EQ(is_loopback(address), GetParam().loopback);
  EXPECT_EQ(is_unspecified(address), GetParam().unspecified);
}

constexpr ClassCase kClasses[] = {
    {.name = "Unicast", .address = "198.18.0.1"},
    {.name = "BelowMulticast", .address = "223.255.255.255"},
    {.name = "FirstMulticast", .address = "224.0.0.0", .multicast = true},
    {.name = "LastMulticast", .address = "239.255.255.255", .multicast = true},
    {.name = "AboveMulticast", .address = "240.0.0.0"},
    {.name = "Broadcast", .address = "255.255.255.255", .broadcast = true},
    {.name = "AlmostBroadcast", .address = "255.255.255.254"},
    {.name = "BelowLoopback", .address = "126.255.255.255"},
    {.name = "FirstLoopback", .address = "127.0.0.0", .loopback = true},
    {.name = "LastLoopback", .address = "127.255.255.255", .loopback = true},
    {.name = "Unspecified", .address = "0.0.0.0", .unspecified = true},
    {.name = "AlmostUnspecified", .address = "0.0.0.1"},
};
INSTANTIATE_TEST_SUITE_P(Addresses, Ipv4Classes, testing::ValuesIn(kClasses),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::wire
