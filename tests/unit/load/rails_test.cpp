// Mirrors bench/load/rails.hpp: what must never be loaded, nor pretended to be.
#include "bench/load/rails.hpp"

#include <stdexcept>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::load {
namespace {

struct Case {
  std::string_view name, text;
};
std::string name_of(const testing::TestParamInfo<Case>& test) { return std::string{test.param.name}; }

template <typename Parse>
std::string refusal_of(Parse&& parse) {
  try {
    (void)parse();
  } catch (const std::invalid_argument& refusal) {
    return refusal.what();
  }
  return "taken";
}

class OutsideTarget : public testing::TestWithParam<Case> {};
TEST_P(OutsideTarget, IsRefusedAndTheRangesAreNamed) {
  const std::string text{GetParam().text};
  EXPECT_EQ(refusal_of([&] { return Target::parse(text); }), text + ": " + kAllowedTargets);
}
constexpr Case kOutsideTargets[] = {
    {.name = "JustBelow", .text = "198.17.255.255:80"},
    {.name = "JustAbove", .text = "198.20.0.0:80"},
    {.name = "Public", .text = "8.8.8.8:443"},
    {.name = "Documentation", .text = "192.0.2.1:80"},
    {.name = "BelowPrivate10", .text = "9.255.255.255:80"},
    {.name = "AbovePrivate10", .text = "11.0.0.0:80"},
    {.name = "BelowPrivate172", .text = "172.15.255.255:80"},
    {.name = "AbovePrivate172", .text = "172.32.0.0:80"},
    {.name = "BelowPrivate192", .text = "192.167.255.255:80"},
    {.name = "AbovePrivate192", .text = "192.169.0.0:80"},
    {.name = "BelowLinkLocal", .text = "169.253.255.255:80"},
    {.name = "AboveLinkLocal", .text = "169.255.0.0:80"},
    {.name = "BelowLoopback", .text = "126.255.255.255:80"},
    {.name = "AboveLoopback", .text = "128.0.0.0:80"},
    {.name = "Unspecified", .text = "0.0.0.0:80"},
    {.name = "JustBelow6", .text = "[2001:1:ffff:ffff:ffff:ffff:ffff:ffff]:80"},
    {.name = "JustAbove6", .text = "[2001:2:1::]:80"},
    {.name = "Public6", .text = "[2001:4860:4860::8888]:443"},
    {.name = "Mapped", .text = "[::ffff:198.18.0.10]:443"},
    {.name = "MappedPrivate", .text = "[::ffff:10.0.0.1]:443"},
    {.name = "Documentation6", .text = "[2001:db8::1]:443"},
    {.name = "Unspecified6", .text = "[::]:443"},
    {.name = "BelowUniqueLocal", .text = "[fbff:ffff::1]:443"},
    {.name = "AboveUniqueLocal", .text = "[fe00::1]:443"},
    {.name = "AboveLinkLocal6", .text = "[fec0::1]:443"},
};
INSTANTIATE_TEST_SUITE_P(Rails, OutsideTarget, testing::ValuesIn(kOutsideTargets), name_of);

class OutsideSource : public testing::TestWithParam<Case> {};
TEST_P(OutsideSource, IsRefusedAndTheRangesAreNamed) {
  const std::string text{GetParam().text};
  EXPECT_EQ(refusal_of([&] { return SourcePrefix::parse(text); }), text + ": " + kAllowedSources);
}
constexpr Case kOutsideSources[] = {
    {.name = "Everything", .text = "0.0.0.0/0"},
    {.name = "OneBitWider", .text = "198.18.0.0/14"},
    {.name = "Public", .text = "8.8.8.0/24"},
    {.name = "Everything6", .text = "::/0"},
    {.name = "OneBitWider6", .text = "2001:2::/47"},
    {.name = "Neighbour6", .text = "2001:2:1::/48"},
    {.name = "WiderThanPrivate", .text = "10.0.0.0/7"},
    {.name = "LinkLocal", .text = "169.254.0.0/16"},
    {.name = "Loopback", .text = "127.0.0.0/8"},
    {.name = "LinkLocal6", .text = "fe80::/64"},
    {.name = "WiderThanUniqueLocal", .text = "fc00::/6"},
};
INSTANTIATE_TEST_SUITE_P(Rails, OutsideSource, testing::ValuesIn(kOutsideSources), name_of);

class InsideTarget : public testing::TestWithParam<Case> {};
TEST_P(InsideTarget, IsTakenAndReadsAsItWasWritten) {
  const std::string text{GetParam().text};
  EXPECT_EQ(Target::parse(text).text(), text);
}
constexpr Case kInsideTargets[] = {
    {.name = "First", .text = "198.18.0.0:1"},
    {.name = "Last", .text = "198.19.255.255:65535"},
    {.name = "First6", .text = "[2001:2::]:443"},
    {.name = "Last6", .text = "[2001:2:0:ffff:ffff:ffff:ffff:ffff]:443"},
    {.name = "Private10", .text = "10.255.255.255:80"},
    {.name = "Private172First", .text = "172.16.0.0:80"},
    {.name = "Private172Last", .text = "172.31.255.255:80"},
    {.name = "Private192", .text = "192.168.1.1:80"},
    {.name = "LinkLocal", .text = "169.254.1.1:80"},
    {.name = "Loopback", .text = "127.0.0.1:80"},
    {.name = "UniqueLocal", .text = "[fdff::1]:443"},
    {.name = "LinkLocal6", .text = "[febf::1]:443"},
    {.name = "Loopback6", .text = "[::1]:443"},
};
INSTANTIATE_TEST_SUITE_P(Rails, InsideTarget, testing::ValuesIn(kInsideTargets), name_of);

class NoTarget : public testing::TestWithParam<Case> {};
TEST_P(NoTarget, IsRefusedWithAnExample) {
  EXPECT_THAT(refusal_of([&] { return Target::parse(std::string{GetParam().text}); }),
              testing::HasSubstr("like 198.18.0.10:443"));
}
constexpr Case kNoTargets[] = {
    {.name = "Empty", .text = ""},
    {.name = "NoPort", .text = "198.18.0.10"},
    {.name = "EmptyPort", .text = "198.18.0.10:"},
    {.name = "PortZero", .text = "198.18.0.10:0"},
    {.name = "PortTooHigh", .text = "198.18.0.10:65536"},
    {.name = "PortWithMore", .text = "198.18.0.10:80x"},
    {.name = "Name", .text = "localhost:80"},
    {.name = "NoBrackets", .text = "2001:2::10:443"},
    {.name = "BracketsAroundIpv4", .text = "[198.18.0.10]:443"},
    {.name = "HalfABracket", .text = "[2001:2::10:443"},
};
INSTANTIATE_TEST_SUITE_P(Rails, NoTarget, testing::ValuesIn(kNoTargets), name_of);

TEST(Targets, BeyondTheRailsAreTakenWhenTheirNetworkIsNamed) {
  const std::vector<wire::Prefix> allowed{parse_prefix("192.0.2.0/25"), parse_prefix("2001:db8::/32")};
  EXPECT_EQ(Target::parse("192.0.2.127:80", allowed).text(), "192.0.2.127:80");
  EXPECT_EQ(Target::parse("[2001:db8::1]:80", allowed).text(), "[2001:db8::1]:80");
  for (const char* text : {"192.0.2.128:80", "[2001:db9::1]:80"})
    EXPECT_THAT(refusal_of([&] { return Target::parse(text, allowed); }),
                testing::HasSubstr("--allow-target"));
}

TEST(Targets, AreNoGroupsWhateverIsAllowed) {
  const std::vector<wire::Prefix> allowed{parse_prefix("0.0.0.0/0"), parse_prefix("::/0")};
  for (const char* text : {"224.0.0.1:80", "255.255.255.255:80", "[ff02::1]:80"})
    EXPECT_THAT(refusal_of([&] { return Target::parse(text, allowed); }), testing::HasSubstr("group"));
}

TEST(SourcePrefixes, OfPrivateSpaceAreTaken) {
  for (const char* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.7.0/24", "fd00::/8"})
    EXPECT_EQ(text_of(SourcePrefix::parse(text).prefix()), text);
}

TEST(SourcePrefixes, OfClientsAndAttackLieApartByDefault) {
  for (const char* text : {"198.18.0.10:443", "[2001:2::10]:443"}) {
    const auto target = Target::parse(text).address();
    const auto clients = SourcePrefix::clients_for(target), attack = SourcePrefix::default_for(target);
    EXPECT_FALSE(contains(clients.prefix(), attack.address()) ||
                 contains(attack.prefix(), clients.address()));
    EXPECT_FALSE(contains(clients.prefix(), target) || contains(attack.prefix(), target));
  }
}

TEST(SourcePrefixes, ForgetTheirHostBits) {
  const auto prefix = SourcePrefix::parse("198.19.255.255/17");
  EXPECT_EQ(std::get<wire::Ipv4Address>(prefix.address()), (wire::Ipv4Address{{198, 19, 128, 0}}));
  EXPECT_EQ(prefix.bits(), 17u);
  EXPECT_EQ(SourcePrefix::parse("2001:2::1").bits(), 128u);
}

TEST(SourcePrefixes, AreRefusedWhenTheyAreNone) {
  for (const char* text : {"", "/16", "198.19.0.0/33", "198.19.0.0/", "2001:2::/129", "198.19.0.0/x"})
    EXPECT_THAT(refusal_of([&] { return SourcePrefix::parse(text); }), testing::HasSubstr("ADDRESS/BITS"))
        << text;
}

}  // namespace
}  // namespace synward::load
