// Mirrors dataplane/wire/arp.hpp.
#include "dataplane/wire/arp.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::bytes_of;

const test::Bytes kRequest = bytes_of({0, 1, 8, 0, 6, 4, 0,   1,         //
                                       2, 0, 0, 0, 0, 1, 198, 18, 0, 1,  //
                                       0, 0, 0, 0, 0, 0, 198, 18, 0, 10});

TEST(ArpPacket, HasEveryFieldInItsPlace) {
  const auto* arp = parse_arp(kRequest);
  ASSERT_NE(arp, nullptr);
  EXPECT_EQ(arp->operation, kArpRequest);
  EXPECT_EQ(arp->sender_mac, test::mac("02:00:00:00:00:01"));
  EXPECT_EQ(arp->sender_address, test::ip4("198.18.0.1"));
  EXPECT_EQ(arp->target_mac, MacAddress{});
  EXPECT_EQ(arp->target_address, test::ip4("198.18.0.10"));
}

struct ArpCase {
  std::string_view name;
  std::size_t bytes = 28;  // zeros are added, or bytes are taken away
  std::size_t at = 0;
  int value = 0;  // what stands there instead
  bool parses = false;
};

class ParseArp : public testing::TestWithParam<ArpCase> {};

TEST_P(ParseArp, TakesIpv4OverEthernetOnly) {
  auto packet = kRequest;
  packet[GetParam().at] = static_cast<std::byte>(GetParam().value);
  packet.resize(GetParam().bytes);
  packet.shrink_to_fit();
  EXPECT_EQ(parse_arp(packet) != nullptr, GetParam().parses);
}

constexpr ArpCase kCases[] = {
    {.name = "Request", .at = 7, .value = 1, .parses = true},
    {.name = "Reply", .at = 7, .value = 2, .parses = true},
    {.name = "OtherOperation", .at = 7, .value = 9, .parses = true},
    {.name = "Padded", .bytes = 46, .parses = true},
    {.name = "OneByteShort", .bytes = 27},
    {.name = "Empty", .bytes = 0},
    {.name = "HardwareTypeHigh", .at = 0, .value = 1},
    {.name = "HardwareTypeLow", .at = 1, .value = 6},
    {.name = "ProtocolType", .at = 3, .value = 6},
    {.name = "HardwareLength", .at = 4, .value = 8},
    {.name = "ProtocolLength", .at = 5, .value = 16},
};
INSTANTIATE_TEST_SUITE_P(Rfc826, ParseArp, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::wire
