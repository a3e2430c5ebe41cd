// Mirrors bench/load/attack.hpp: every frame is a segment that a careful receiver takes for real.
#include "bench/load/attack.hpp"

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
  AttackFrames<kFamily> flood_{Target::parse(CaseOfFamily::kTarget),
                               SourcePrefix::parse(CaseOfFamily::kSources), link_, 7, AttackMix{}};

  /// The next frame, in a buffer that ends with it, and as parse_frame() sees it: with every checksum right.
  struct Seen {
    std::vector<std::byte> frame;
    handshake::Received<kFamily> received;
    AttackKind kind;
  };
  Seen next() {
    std::vector<std::byte> buffer(kAttackRoom, std::byte{0xa5});
    const auto made = flood_.next(std::span<std::byte, kAttackRoom>{buffer});
    buffer.resize(made.bytes);
    Seen seen{std::move(buffer), {}, made.kind};
    const auto received = handshake::parse_frame<kFamily>(seen.frame);
    if (!received) throw std::runtime_error("not an intact TCP segment");
    seen.received = *received;
    return seen;
  }

  void attack_with(const AttackMix& mix, std::uint64_t seed = 7) {
    flood_ = {Target::parse(CaseOfFamily::kTarget), SourcePrefix::parse(CaseOfFamily::kSources), link_, seed,
              mix};
  }
};
using Families = testing::Types<Case<Family::kIpv4>, Case<Family::kIpv6>>;
TYPED_TEST_SUITE(Flooded, Families, );

TYPED_TEST(Flooded, EveryFrameIsAnIntactSynToTheTarget) {
  const auto target = Target::parse(TypeParam::kTarget);
  for (int i = 0; i < kFrames; ++i) {
    const auto [frame, received, kind] = this->next();
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
    const auto [frame, received, kind] = this->next();
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

TYPED_TEST(Flooded, OtherKindsAreIntactSegmentsOfNoConnection) {
  using Flags = wire::TcpFlags;
  for (const auto& [kind, flags] :
       {std::pair{AttackKind::kAck, Flags::kAck}, std::pair{AttackKind::kRst, Flags::kRst},
        std::pair{AttackKind::kFin, std::uint8_t(Flags::kFin | Flags::kAck)},
        std::pair{AttackKind::kReplay, Flags::kAck},
        std::pair{AttackKind::kSynAck, std::uint8_t(Flags::kSyn | Flags::kAck)}}) {
    this->attack_with(AttackMix::only(kind));
    std::set<std::uint32_t> seqs, acks;
    int with_timestamps = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto seen = this->next();
      EXPECT_EQ(seen.kind, kind);
      EXPECT_EQ(seen.received.segment.flags, flags);
      seqs.insert(seen.received.segment.seq.value());
      acks.insert(seen.received.segment.ack.value());
      with_timestamps += seen.received.segment.options.timestamps ? 1 : 0;
    }
    EXPECT_GT(seqs.size(), 995u);
    EXPECT_GT(acks.size(), 995u);
    const bool is_ack = kind == AttackKind::kAck || kind == AttackKind::kReplay;
    EXPECT_NEAR(with_timestamps, is_ack ? 500 : 0, is_ack ? 80 : 0);
  }
}

TYPED_TEST(Flooded, OddSynsAreIntactAndOfManyShapesAndLengths) {
  this->attack_with(AttackMix::only(AttackKind::kOddSyn));
  std::set<std::vector<int>> shapes;
  std::set<std::size_t> lengths;
  for (int i = 0; i < kFrames; ++i) {
    const auto seen = this->next();
    EXPECT_EQ(seen.received.segment.flags, wire::TcpFlags::kSyn);
    EXPECT_EQ(seen.received.segment.text_bytes, 0);
    EXPECT_LE(seen.frame.size(), kMaxAttackBytes);
    shapes.insert(options_of(seen.frame, TypeParam::kIs4 ? 34 : 54));
    lengths.insert(seen.frame.size());
  }
  EXPECT_GE(shapes.size(), 50u);
  EXPECT_GE(lengths.size(), 8u);  // of 11
}

TYPED_TEST(Flooded, AnAcknowledgmentIsKnownByItsArithmeticAlone) {
  for (int i = 0; i < 1000; ++i) {
    const auto seen = this->next();
    const auto& [local, remote, local_port, remote_port] = seen.received.path.tuple;
    const auto isn = seen.received.segment.seq;
    EXPECT_TRUE(this->flood_.acknowledged(remote, remote_port, isn + 1));
    EXPECT_FALSE(this->flood_.acknowledged(remote, remote_port, isn + 2));
    EXPECT_FALSE(this->flood_.acknowledged(
        remote, wire::Port{static_cast<std::uint16_t>(remote_port.host() ^ 1)}, isn + 1));
    EXPECT_TRUE(this->flood_.is_source(remote));
    auto outside = remote;
    outside.bytes[1] ^= 1;
    EXPECT_FALSE(this->flood_.is_source(outside));
  }
}

TYPED_TEST(Flooded, AMixKeepsItsShares) {
  this->attack_with(AttackMix::parse("syn=70,ack=20,rst=10"));
  std::map<AttackKind, int> counts;
  for (int i = 0; i < 10'000; ++i) ++counts[this->next().kind];
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_NEAR(counts[AttackKind::kSyn], 7000, 250);
  EXPECT_NEAR(counts[AttackKind::kAck], 2000, 220);
  EXPECT_NEAR(counts[AttackKind::kRst], 1000, 170);
}

TYPED_TEST(Flooded, AReplayIsWhatWasRememberedByteForByte) {
  this->attack_with(AttackMix::only(AttackKind::kReplay));
  std::set<std::vector<std::byte>> remembered;
  for (std::uint8_t n = 0; n < 10; ++n) {
    const std::vector<std::byte> ack(66, std::byte{n});
    remembered.insert(ack);
    this->flood_.remember(ack);
  }
  std::set<std::vector<std::byte>> seen;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::byte> buffer(kAttackRoom);
    const auto made = this->flood_.next(std::span<std::byte, kAttackRoom>{buffer});
    buffer.resize(made.bytes);
    EXPECT_EQ(made.kind, AttackKind::kReplay);
    seen.insert(buffer);
  }
  EXPECT_EQ(seen, remembered);
}

TYPED_TEST(Flooded, OneSeedMakesTheSameFramesAndAnotherOthers) {
  const auto some = [this](std::uint64_t seed) {
    this->attack_with(AttackMix::parse("mixed"), seed);
    std::vector<std::vector<std::byte>> frames;
    for (int i = 0; i < 100; ++i) frames.push_back(this->next().frame);
    return frames;
  };
  const auto first = some(1), again = some(1), other = some(2);
  EXPECT_EQ(first, again);
  for (const auto& frame : other) EXPECT_EQ(std::ranges::find(first, frame), first.end());
}

TEST(AttackMixes, AreReadAsTheyAreWritten) {
  const auto mix = AttackMix::parse("syn=3,fin");
  for (const auto& row : kAttackKindTable) {
    const unsigned expected = row.value == AttackKind::kSyn ? 3 : row.value == AttackKind::kFin ? 1 : 0;
    EXPECT_EQ(mix.weights[std::size_t(row.value)], expected) << row.label;
  }
  for (const auto& row : kAttackKindTable) EXPECT_TRUE(AttackMix::parse("mixed").has(row.value)) << row.label;
}

TEST(AttackMixes, ThatAreNoneAreRefusedAndTheKindsNamed) {
  for (const char* text :
       {"", "sin", "syn=", "syn=0", "syn=101", "syn=-1", "syn=1x", "syn,,ack", "syn,", "mixed,syn"}) {
    try {
      (void)AttackMix::parse(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const std::invalid_argument& refusal) {
      EXPECT_NE(std::string{refusal.what()}.find("syn, odd-syn, ack, replay, rst, fin, syn-ack"),
                std::string::npos);
    }
  }
}

TEST(MakeAttack, TakesSourcesOfTheTargetsFamilyOnly) {
  const auto target = Target::parse("198.18.0.10:443");
  EXPECT_THROW((void)make_attack(target, SourcePrefix::parse("2001:2::/64"), {}, 1), std::invalid_argument);
  EXPECT_NO_THROW((void)make_attack(target, SourcePrefix::default_for(target.address()), {}, 1));
}

}  // namespace
}  // namespace synward::load
