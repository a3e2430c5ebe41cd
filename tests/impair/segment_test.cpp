// What the impairment device tells apart, and the rules that say so.
#include "tests/impair/segment.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/impair/rule.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::impair {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::FrameBuilder;
using test::ip4;
using test::ip6;
using wire::TcpFlags;

FrameBuilder packet4() { return FrameBuilder{}.ipv4(ip4("198.18.0.1"), ip4("198.18.0.10")); }
FrameBuilder packet6() { return FrameBuilder{}.ipv6(ip6("2001:2::1"), ip6("2001:2::10")); }
FrameBuilder segment(std::uint8_t flags) { return packet4().tcp(40'000, 443, flags); }

struct KindCase {
  std::string_view name;
  Bytes frame;
  std::optional<Kind> kind;
};

class KindOf : public testing::TestWithParam<KindCase> {};

TEST_P(KindOf, IsTheFirstThatFits) {
  const auto& [name, frame, kind] = GetParam();
  EXPECT_EQ(kind_of(frame), kind);
}

const wire::TcpTimestamps kTimestamps{1, 2};
constexpr std::uint8_t kSynAck = TcpFlags::kSyn | TcpFlags::kAck, kFinAck = TcpFlags::kFin | TcpFlags::kAck;

const KindCase kKindCases[] = {
    {.name = "Syn", .frame = segment(TcpFlags::kSyn).build(), .kind = Kind::kSyn},
    {.name = "SynForEcn",
     .frame = segment(TcpFlags::kSyn | TcpFlags::kEce | TcpFlags::kCwr).build(),
     .kind = Kind::kSyn},
    {.name = "SynWithText", .frame = segment(TcpFlags::kSyn).payload("x").build(), .kind = Kind::kSyn},
    {.name = "SynAck", .frame = segment(kSynAck).build(), .kind = Kind::kSynAck},
    {.name = "AckPaddedByTheNic",
     .frame = segment(TcpFlags::kAck).pad_to(test::kShortestFrame).build(),
     .kind = Kind::kAck},
    {.name = "AckWithOptions",
     .frame = segment(TcpFlags::kAck).tcp_options(kTimestamps).build(),
     .kind = Kind::kAck},
    {.name = "Data", .frame = segment(TcpFlags::kAck).payload("x").build(), .kind = Kind::kData},
    {.name = "DataPushed",
     .frame = segment(TcpFlags::kAck | TcpFlags::kPsh).tcp_options(kTimestamps).payload("x").build(),
     .kind = Kind::kData},
    {.name = "Fin", .frame = segment(kFinAck).build(), .kind = Kind::kFin},
    {.name = "FinWithText", .frame = segment(kFinAck).payload("x").build(), .kind = Kind::kFin},
    {.name = "Rst", .frame = segment(TcpFlags::kRst).build(), .kind = Kind::kRst},
    {.name = "RstAck", .frame = segment(TcpFlags::kRst | TcpFlags::kAck).build(), .kind = Kind::kRst},
    {.name = "NoFlags", .frame = segment(0).build(), .kind = {}},
    {.name = "Ipv4Options",
     .frame = segment(TcpFlags::kSyn).ip_options(test::bytes_of({1, 1, 1})).build(),
     .kind = Kind::kSyn},
    {.name = "Ipv6Data",
     .frame = packet6().tcp(1, 2, TcpFlags::kAck).payload("x").build(),
     .kind = Kind::kData},
    {.name = "Ipv6BehindAnExtension",
     .frame = packet6().extension(wire::IpProtocol::kDestinationOptions).tcp(1, 2, TcpFlags::kAck).build(),
     .kind = Kind::kAck},
    {.name = "OneTag", .frame = segment(kSynAck).vlan(5).build(), .kind = Kind::kSynAck},
    {.name = "TwoTags",
     .frame = packet6().tcp(1, 2, kFinAck).vlan(5, wire::EtherType::kQinQ).vlan(6).build(),
     .kind = Kind::kFin},
    {.name = "ThreeTags", .frame = segment(kSynAck).vlan(5).vlan(6).vlan(7).build(), .kind = {}},
    {.name = "Fragment4", .frame = segment(TcpFlags::kAck).fragment(0, true).build(), .kind = {}},
    {.name = "Fragment6",
     .frame = packet6().tcp(1, 2, TcpFlags::kAck).fragment(8, false).build(),
     .kind = {}},
    {.name = "Udp", .frame = segment(TcpFlags::kSyn).protocol(wire::IpProtocol::kUdp).build(), .kind = {}},
    {.name = "HeaderBehindTheEnd",
     .frame = segment(TcpFlags::kSyn).claim_tcp_header_bytes(24).build(),
     .kind = {}},
    {.name = "Ping", .frame = packet4().echo_request(1, 1).build(), .kind = {}},
    {.name = "Arp",
     .frame = FrameBuilder{}.arp_request(ip4("198.18.0.1"), ip4("198.18.0.10")).build(),
     .kind = {}},
    {.name = "Runt", .frame = Bytes(13), .kind = {}},
    {.name = "Nothing", .frame = {}, .kind = {}},
};
INSTANTIATE_TEST_SUITE_P(Segments, KindOf, testing::ValuesIn(kKindCases),
                         [](const auto& test) { return std::string{test.param.name}; });

struct RuleCase {
  std::string_view name, text;
  Rule rule;
};

class ParseRule : public testing::TestWithParam<RuleCase> {};

TEST_P(ParseRule, ReadsDirectionKindAndNumber) {
  EXPECT_EQ(parse_rule(GetParam().rule.action, std::string{GetParam().text}), GetParam().rule);
}

constexpr RuleCase kRuleCases[] = {
    {"Syn", "ab:syn:1", {Action::kDrop, Direction::kAToB, Kind::kSyn, 1}},
    {"SynAck", "ba:syn-ack:2", {Action::kDuplicate, Direction::kBToA, Kind::kSynAck, 2}},
    {"Ack", "ab:ack:4294967295", {Action::kCorrupt, Direction::kAToB, Kind::kAck, 4'294'967'295}},
    {"Delayed", "ba:data:3:250", {Action::kDelay, Direction::kBToA, Kind::kData, 3, 250ms}},
};
INSTANTIATE_TEST_SUITE_P(Rules, ParseRule, testing::ValuesIn(kRuleCases),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(ParseRule, RefusesEverythingElseWithTheTextThatWasWrong) {
  for (const std::string text :
       {"", "ab", "ab:syn", "ab:syn:", "ab:syn:0", "ab:syn:-1", "ab:syn:1x", "ab:syn:1:1",
        "ab:syn:4294967296", "aa:syn:1", ":syn:1", "ab:SYN:1", "ab::1"}) {
    try {
      (void)parse_rule(Action::kDrop, text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& refusal) {
      EXPECT_EQ(std::string{refusal.what()}.find("\"" + text + "\": "), 0u) << refusal.what();
    }
  }
  EXPECT_THROW((void)parse_rule(Action::kDelay, "ab:syn:1"), std::invalid_argument);
  EXPECT_THROW((void)parse_rule(Action::kDelay, "ab:syn:1:60001"), std::invalid_argument);
}

}  // namespace
}  // namespace synward::impair
