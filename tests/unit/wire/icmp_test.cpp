// Mirrors dataplane/wire/icmp.hpp.
#include "dataplane/wire/icmp.hpp"

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

using test::bytes_of;

TEST(ParseIcmp, NeedsFourBytes) {
  EXPECT_EQ(parse_icmp(bytes_of({3, 4, 0xab})), nullptr);
  const auto message = bytes_of({3, 4, 0xab, 0xcd});
  const auto* icmp = parse_icmp(message);
  ASSERT_NE(icmp, nullptr);
  EXPECT_EQ(icmp->type, IcmpType::kDestinationUnreachable);
  EXPECT_EQ(icmp->code, 4);
  EXPECT_EQ(icmp->checksum, Checksum{BigEndian16{0xabcd}});
}

struct EchoCase {
  std::string_view name;
  test::Bytes message;
  bool ipv4 = false, ipv6 = false;  // an echo request of that family
};

class ParseEchoRequest : public testing::TestWithParam<EchoCase> {};

TEST_P(ParseEchoRequest, TakesRequestsOfItsFamilyOnly) {
  EXPECT_EQ(parse_echo_request<Family::kIpv4>(GetParam().message) != nullptr, GetParam().ipv4);
  EXPECT_EQ(parse_echo_request<Family::kIpv6>(GetParam().message) != nullptr, GetParam().ipv6);
}

const EchoCase kCases[] = {
    {.name = "Empty", .message = {}},
    {.name = "OneByteShort", .message = bytes_of({8, 0, 0, 0, 0, 1, 0})},
    {.name = "OneByteShort6", .message = bytes_of({128, 0, 0, 0, 0, 1, 0})},
    {.name = "Request", .message = bytes_of({8, 0, 0, 0, 0, 1, 0, 2}), .ipv4 = true},
    {.name = "Request6", .message = bytes_of({128, 0, 0, 0, 0, 1, 0, 2}), .ipv6 = true},
    {.name = "Reply", .message = bytes_of({0, 0, 0, 0, 0, 1, 0, 2})},
    {.name = "Reply6", .message = bytes_of({129, 0, 0, 0, 0, 1, 0, 2})},
    {.name = "AnyCode", .message = bytes_of({8, 7, 0, 0, 0, 1, 0, 2}), .ipv4 = true},
    {.name = "WithData", .message = bytes_of({8, 0, 0, 0, 0, 1, 0, 2, 0xff}), .ipv4 = true},
};
INSTANTIATE_TEST_SUITE_P(Rfc792And4443, ParseEchoRequest, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(IcmpEcho, HasEveryFieldInItsPlace) {
  const auto message = bytes_of({8, 0, 0xab, 0xcd, 0x12, 0x34, 0x56, 0x78});
  const auto* echo = parse_echo_request<Family::kIpv4>(message);
  ASSERT_NE(echo, nullptr);
  EXPECT_EQ(echo->checksum, Checksum{BigEndian16{0xabcd}});
  EXPECT_EQ(echo->id.host(), 0x1234);
  EXPECT_EQ(echo->sequence.host(), 0x5678);
}

}  // namespace
}  // namespace synward::wire
