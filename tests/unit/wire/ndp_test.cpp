// Mirrors dataplane/wire/ndp.hpp.
#include "dataplane/wire/ndp.hpp"

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::Bytes;
using test::bytes_of;
using test::ip6;

TEST(SolicitedNodeMulticast, KeepsTheLastThreeBytes) {
  EXPECT_EQ(solicited_node_multicast(ip6("4037::01:800:200e:8c6c")),
            ip6("ff02::1:ff0e:8c6c"));  // RFC 4291 2.7.1
}

TEST(MulticastMac, KeepsTheLastFourBytes) {
  EXPECT_EQ(multicast_mac(ip6("ff02::1:ff0e:8c6c")), test::mac("33:33:ff:0e:8c:6c"));
  EXPECT_EQ(multicast_mac(kAllNodes), test::mac("33:33:00:00:00:01"));
  EXPECT_EQ(kAllNodes, ip6("ff02::1"));
}

const Bytes kSourceOption = bytes_of({1, 1, 2, 0, 0, 0, 0, 1});
const Bytes kOtherOption = bytes_of({14, 1, 9, 9, 9, 9, 9, 9});  // a nonce (RFC 3971)

struct SolicitationCase {
  std::string_view name;
  const char* source = "2001:2::1";
  const char* destination = "ff02::1:ff00:a";
  const char* target = "2001:2::a";
  std::uint8_t hop_limit = 255, type = 135, code = 0;
  Bytes options = {};
  std::size_t cut = 0;  // bytes missing at the end
  bool valid = false;
  const char* source_mac = nullptr;
  bool duplicate_detection = false;
};

class ParseNeighborSolicitation : public testing::TestWithParam<SolicitationCase> {};

TEST_P(ParseNeighborSolicitation, MakesTheChecksOfSection711) {
  const auto& wanted = GetParam();
  Ipv6Header ip{};
  ip.source = ip6(wanted.source);
  ip.destination = ip6(wanted.destination);
  ip.hop_limit = wanted.hop_limit;
  NeighborSolicitation header{};
  header.type = wanted.type;
  header.code = wanted.code;
  header.target = ip6(wanted.target);
  Bytes message = bytes_of(header);
  test::append(message, wanted.options);
  message.resize(message.size() - wanted.cut);
  message.shrink_to_fit();

  const auto asked = parse_neighbor_solicitation(ip, message);
  ASSERT_EQ(asked.has_value(), wanted.valid);
  if (!asked) return;
  EXPECT_EQ(asked->target, header.target);
  EXPECT_EQ(asked->duplicate_detection, wanted.duplicate_detection);
  ASSERT_EQ(asked->source_mac.has_value(), wanted.source_mac != nullptr);
  if (asked->source_mac) {
    EXPECT_EQ(*asked->source_mac, test::mac(wanted.source_mac));
  }
}

Bytes both(Bytes first, const Bytes& second) {
  test::append(first, second);
  return first;
}

Bytes repeated(const Bytes& option, int times) {
  Bytes all;
  while (times-- > 0) test::append(all, option);
  return all;
}

const SolicitationCase kCases[] = {
    {.name = "WithSource", .options = kSourceOption, .valid = true, .source_mac = "02:00:00:00:00:01"},
    {.name = "WithoutOptions", .valid = true},
    {.name = "UnicastProbe", .destination = "2001:2::a", .valid = true},
    {.name = "SourceBehindAnother",
     .options = both(kOtherOption, kSourceOption),
     .valid = true,
     .source_mac = "02:00:00:00:00:01"},
    {.name = "OfTwoSourcesTheFirst",
     .options = both(kSourceOption, bytes_of({1, 1, 2, 0, 0, 0, 0, 9})),
     .valid = true,
     .source_mac = "02:00:00:00:00:01"},
    {.name = "AsManyOptionsAsMayBe", .options = repeated(kOtherOption, kMaxNdpOptions), .valid = true},
    {.name = "OneOptionMore", .options = repeated(kOtherOption, kMaxNdpOptions + 1)},
    {.name = "SourceOfAnotherLength",
     .options = bytes_of({1, 2, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}),
     .valid = true},
    {.name = "TargetOptionIsNotTheSource", .options = bytes_of({2, 1, 2, 0, 0, 0, 0, 1}), .valid = true},
    {.name = "FromOffTheLink", .hop_limit = 254},
    {.name = "Advertisement", .type = 136},
    {.name = "Code", .code = 1},
    {.name = "OneByteShort", .cut = 1},
    {.name = "Empty", .cut = 24},
    {.name = "MulticastTarget", .target = "ff02::1"},
    {.name = "OptionOfLengthZero", .options = bytes_of({1, 0, 2, 0, 0, 0, 0, 1})},
    {.name = "OptionOfLengthZeroBehindAnother",
     .options = both(kSourceOption, bytes_of({14, 0, 0, 0, 0, 0, 0, 0}))},
    {.name = "OptionOneByteShort", .options = kSourceOption, .cut = 1},
    {.name = "OptionWithoutLength", .options = bytes_of({1})},
    {.name = "OptionPastEnd", .options = bytes_of({14, 2, 0, 0, 0, 0, 0, 0})},
    {.name = "DuplicateDetection", .source = "::", .valid = true, .duplicate_detection = true},
    {.name = "DuplicateDetectionWithNonce",
     .source = "::",
     .options = kOtherOption,
     .valid = true,
     .duplicate_detection = true},
    {.name = "DuplicateDetectionWithSource", .source = "::", .options = kSourceOption},
    {.name = "DuplicateDetectionByUnicast", .source = "::", .destination = "2001:2::a"},
    {.name = "DuplicateDetectionToAllNodes", .source = "::", .destination = "ff02::1"},
};
INSTANTIATE_TEST_SUITE_P(Rfc4861, ParseNeighborSolicitation, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(NeighborAdvertisement, HasItsFlagsInTheFirstByteBehindTheChecksum) {
  NeighborAdvertisement answer{};
  answer.flags = BigEndian32{NeighborAdvertisement::kSolicited | NeighborAdvertisement::kOverride};
  EXPECT_EQ(bytes_of(answer)[4], std::byte{0x60});
  answer.flags = BigEndian32{NeighborAdvertisement::kRouter};
  EXPECT_EQ(bytes_of(answer)[4], std::byte{0x80});
}

}  // namespace
}  // namespace synward::wire
