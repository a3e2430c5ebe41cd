// Mirrors bench/load/syn_flood.hpp: every frame is a SYN that a careful receiver takes for real.
#include "bench/load/syn_flood.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::load {
namespace {

using test::mac;
using wire::Family;

constexpr int kFrames = 6000;

template <Family kFamily>
struct Case {
  static constexpr Family kFamilyOf = kFamily;
  static constexpr bool kIs4 = kFamily == Family::kIpv4;
  static constexpr const char* kTarget = kIs4 ? "198.18.0.10:443" : "[2001:2::10]:443";
  static constexpr const char* kSources = kIs4 ? "198.19.128.0/20" : "2001:2:0:1::/60";
  static constexpr std::size_t kPrefixBits = kIs4 ? 20 : 60;
  static constexpr std::uint16_t kMss = kIs4 ? 1460 : 1440;
};

template <typename CaseOfFamily>
class Flooded : public testing::Test {
 protected:
  static constexpr Family kFamily = CaseOfFamily::kFamilyOf;
  const Link link_{mac("02:00:00:00:00:01"), mac("02:00:00:00:00:0a")};
  SynFlood<kFamily> flood_{Target::parse(CaseOfFamily::kTarget), SourcePrefix::parse(CaseOfFamily::kSources),
                           link_, 7};

  /// The next frame, in a buffer that ends with it, and as parse_frame() sees it: with every checksum right.
  struct Seen {
    std::vector<std::byte> frame;
    handshake::Received<kFamily> received;
  };
  Seen next() {
    std::vector<std::byte> buffer(kMaxSynBytes, std::byte{0xa5});
    const auto written = flood_.next(std::span<std::byte, kMaxSynBytes>{buffer});
    Seen seen{{written.begin(), written.end()}, {}};
    const auto received = handshake::parse_frame<kFamily>(seen.frame);
    if (!received) throw std::runtime_error("not an intact TCP segment");
    seen.received = *received;
    return seen;
  }
};
using Families = testing::Types<Case<Family::kIpv4>, Case<Family::kIpv6>>;
TYPED_TEST_SUITE(Flooded, Families, );

TYPED_TEST(Flooded, EveryFrameIsAnIntactSynToTheTarget) {
  const auto target = Target::parse(TypeParam::kTarget);
  for (int i = 0; i < kFrames; ++i) {
    const auto [frame, received] = this->next();
    EXPECT_EQ(received.segment.flags, wire::TcpFlags::kSyn);
    EXPECT_EQ(received.segment.text_bytes, 0);
    EXPECT_EQ(received.segment.ack, wire::SeqNum{0});
    EXPECT_EQ(received.path.local_mac, this->link_.remote);
    EXPECT_EQ(received.path.remote_mac, this->link_.local);
    EXPECT_EQ(IpAddress{received.path.tuple.local}, target.address());
    EXPECT_EQ(received.path.tuple.local_port, target.port());
    EXPECT_GE(received.path.tuple.remote_port.host(), 1024);
  }
}

TYPED_TEST(Flooded, SourcesPortsAndIsnsAreSpreadAndStayInThePrefix) {
  const auto prefix =
      std::get<wire::Address<TypeParam::kFamilyOf>>(SourcePrefix::parse(TypeParam::kSources).address());
  std::set<wire::Address<TypeParam::kFamilyOf>> sources;
  std::set<std::uint16_t> ports;
  std::set<std::uint32_t> isns;
  auto seen_bits = prefix;
  for (int i = 0; i < kFrames; ++i) {
    const auto [frame, received] = this->next();
    const auto& source = received.path.tuple.remote;
    for (std::size_t bit = 0; bit < TypeParam::kPrefixBits; ++bit) {
      const unsigned mask = 0x80u >> bit % 8;
      EXPECT_EQ(source.bytes[bit / 8] & mask, prefix.bytes[bit / 8] & mask);
    }
    for (std::size_t byte = 0; byte < source.bytes.size(); ++byte)
      seen_bits.bytes[byte] |= source.bytes[byte];
    sources.insert(source);
    ports.insert(received.path.tuple.remote_port.host());
    isns.insert(received.segment.seq.value());
  }
  for (std::size_t bit = TypeParam::kPrefixBits; bit < 8 * prefix.bytes.size(); ++bit)
    EXPECT_NE(seen_bits.bytes[bit / 8] & (0x80u >> bit % 8), 0) << "bit " << bit << " was never drawn";
  EXPECT_GT(sources.size(), 2500u);  // of 4096 in a /20, 6000 draws leave out about 946
  EXPECT_GT(ports.size(), 5000u);    // of 64512, 6000 draws repeat about 270
  EXPECT_GT(isns.size(), kFrames - 5u);
}

/// The bytes of the options, where those that are drawn are zero.
std::vector<int> options_of(const std::vector<std::byte>& frame, std::size_t tcp_at) {
  std::vector<int> octets;
  octets.reserve(frame.size());
  for (const auto octet : frame) octets.push_back(std::to_integer<int>(octet));
  octets.erase(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(tcp_at + 20));
  const std::vector<int> timestamps{8, 10};
  const auto at = std::search(octets.begin(), octets.end(), timestamps.begin(), timestamps.end());
  if (at != octets.end()) std::fill(at + 2, at + 6, 0);
  return octets;
}

TYPED_TEST(Flooded, OptionsAreThoseOfLinuxMacOsAndWindowsInEqualShares) {
  const int high = TypeParam::kMss >> 8, low = TypeParam::kMss & 0xff;
  const std::vector<int> linux{2, 4, high, low, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};
  const std::vector<int> macos{2, 4, high, low, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0};
  const std::vector<int> windows{2, 4, high, low, 1, 3, 3, 8, 1, 1, 4, 2};
  std::map<std::vector<int>, int> counts;
  for (int i = 0; i < kFrames; ++i) ++counts[options_of(this->next().frame, TypeParam::kIs4 ? 34 : 54)];
  ASSERT_EQ(counts.size(), 3u);
  for (const auto& options : {linux, macos, windows}) EXPECT_NEAR(counts[options], 2000, 200);
}

TYPED_TEST(Flooded, TheLongestFrameFillsTheBufferExactly) {
  std::size_t longest = 0;
  for (int i = 0; i < 100; ++i) longest = std::max(longest, this->next().frame.size());
  EXPECT_EQ(longest, TypeParam::kIs4 ? kMaxSynBytes - 20 : kMaxSynBytes);
}

TYPED_TEST(Flooded, OtherKindsAreIntactSegmentsOfNoConnectionWithoutOptions) {
  for (const auto& [kind, flags] :
       {std::pair{FloodKind::kAck, wire::TcpFlags::kAck}, std::pair{FloodKind::kRst, wire::TcpFlags::kRst},
        std::pair{FloodKind::kSynAck, std::uint8_t(wire::TcpFlags::kSyn | wire::TcpFlags::kAck)}}) {
    this->flood_ = {Target::parse(TypeParam::kTarget), SourcePrefix::parse(TypeParam::kSources), this->link_,
                    7, kind};
    std::set<std::uint32_t> seqs, acks;
    for (int i = 0; i < 1000; ++i) {
      const auto [frame, received] = this->next();
      EXPECT_EQ(received.segment.flags, flags);
      EXPECT_EQ(frame.size(), TypeParam::kIs4 ? 54u : 74u);
      seqs.insert(received.segment.seq.value());
      acks.insert(received.segment.ack.value());
    }
    EXPECT_GT(seqs.size(), 995u);
    EXPECT_GT(acks.size(), 995u);
  }
}

TEST(MakeSynFlood, TakesSourcesOfTheTargetsFamilyOnly) {
  const auto target = Target::parse("198.18.0.10:443");
  EXPECT_THROW((void)make_syn_flood(target, SourcePrefix::parse("2001:2::/64"), {}, 1),
               std::invalid_argument);
  EXPECT_NO_THROW((void)make_syn_flood(target, SourcePrefix::default_for(target.address()), {}, 1));
}

}  // namespace
}  // namespace synward::load
