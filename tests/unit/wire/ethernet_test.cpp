// Mirrors dataplane/wire/ethernet.hpp.
#include "dataplane/wire/ethernet.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

struct EthernetCase {
  std::string_view name;
  std::vector<std::uint16_t> words;  // what follows the two MAC addresses
  std::size_t cut = 0;               // bytes missing at the end
  bool parses = true;
  Link link{};
};

class ParseEthernet : public testing::TestWithParam<EthernetCase> {};

TEST_P(ParseEthernet, FindsTheNetworkLayerBehindAtMostTwoTags) {
  const auto& wanted = GetParam();
  test::Bytes frame(12);
  for (const auto word : wanted.words) test::append(frame, test::bytes_of(BigEndian16{word}));
  const test::Bytes exact(frame.begin(), frame.end() - std::ptrdiff_t(wanted.cut));

  const auto link = parse_ethernet(exact);
  ASSERT_EQ(link.has_value(), wanted.parses);
  if (!link) return;
  EXPECT_EQ(link->network_offset, wanted.link.network_offset);
  EXPECT_EQ(link->ether_type, wanted.link.ether_type);
  EXPECT_EQ(link->vlan_tags, wanted.link.vlan_tags);
}

const EthernetCase kCases[] = {
    {.name = "Untagged", .words = {0x0800}, .link = {14, 0x0800, 0}},
    {.name = "OneByteShort", .words = {0x0800}, .cut = 1, .parses = false},
    {.name = "AddressesOnly", .words = {}, .parses = false},
    {.name = "Empty", .words = {}, .cut = 12, .parses = false},
    {.name = "UnknownEtherType", .words = {0x88cc}, .link = {14, 0x88cc, 0}},
    {.name = "LengthOf8023", .words = {0x0026}, .link = {14, 0x0026, 0}},
    {.name = "Vlan", .words = {0x8100, 100, 0x86dd}, .link = {18, 0x86dd, 1}},
    {.name = "VlanTagOneByteShort", .words = {0x8100, 100, 0x86dd}, .cut = 1, .parses = false},
    {.name = "VlanTagMissing", .words = {0x8100}, .parses = false},
    {.name = "QinQ", .words = {0x88a8, 1, 0x8100, 2, 0x0800}, .link = {22, 0x0800, 2}},
    {.name = "OldQinQ", .words = {0x9100, 1, 0x8100, 2, 0x0806}, .link = {22, 0x0806, 2}},
    {.name = "TwoCustomerTags", .words = {0x8100, 1, 0x8100, 2, 0x0800}, .link = {22, 0x0800, 2}},
    {.name = "ServiceTagAlone", .words = {0x88a8, 1, 0x0800}, .link = {18, 0x0800, 1}},
    {.name = "InnerTagShort", .words = {0x88a8, 1, 0x8100, 2, 0x0800}, .cut = 2, .parses = false},
    {.name = "AThirdTagIsNotUnderstood",
     .words = {0x88a8, 1, 0x8100, 2, 0x8100, 3, 0x0800},
     .link = {22, 0x8100, 2}},
    {.name = "AThirdTagNeedNotBeThere", .words = {0x88a8, 1, 0x8100, 2, 0x8100}, .link = {22, 0x8100, 2}},
};
INSTANTIATE_TEST_SUITE_P(Ieee8021Q, ParseEthernet, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synward::wire
