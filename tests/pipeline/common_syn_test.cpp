// SYNs by the kernels of each instruction set that this CPU has, beside the stages: the same verdicts, the
// same bytes.
#include <random>

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/stages/reply.hpp"
#include "tests/support/kernel_cases.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;
using Mode = PipelineLab::Mode;

class CommonSyn : public testing::TestWithParam<KernelCase> {
 protected:
  struct Pair : LabPair {
    explicit Pair(const service::Profile& profile = {})
        : LabPair{GetParam().isa, services_of_syn_maker(profile), GetParam().mode} {}
  };
  /// In bursts.
  static void expect_all_same(Pair& pair, const std::vector<Bytes>& frames) {
    for (std::size_t at = 0; at < frames.size() && !HasFatalFailure(); at += kBurstMax) {
      const auto from = frames.begin() + static_cast<std::ptrdiff_t>(at);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kBurstMax, frames.size() - at));
      expect_same(pair, {from, from + count});
    }
  }
  static std::uint64_t taken(const PipelineLab& lab) {
    const auto seen = read(lab.core.counters);
    return seen[Route::kCommonSyn4] + seen[Route::kCommonSyn6];
  }
  static Bytes syn(SynLayout layout, bool is_ipv4, const SynValues& values = {}) {
    FrameBuilder built;
    is_ipv4 ? built.ipv4(kClient4, kService4) : built.ipv6(kClient6, kService6);
    return built.tcp(40'000, kServicePort, TcpFlags::kSyn)
        .seq(7)
        .tcp_options(syn_options(layout, values))
        .build();
  }
};

TEST_P(CommonSyn, IsRecognisedInEachLayoutOverBothFamiliesTaggedOrNot) {
  for (const SynLayout layout : kSynLayouts) {
    for (const bool is_ipv4 : {true, false}) {
      for (std::size_t tags = 0; tags <= wire::kMaxVlanTags; ++tags) {
        Pair pair;
        Bytes frame = syn(layout, is_ipv4);
        for (std::size_t n = 0; n < tags; ++n) {
          constexpr int kTypes[][2] = {{0x81, 0x00}, {0x88, 0xa8}, {0x91, 0x00}};
          const auto& type = kTypes[static_cast<std::size_t>(layout) % 3];
          const Bytes tag = bytes_of({type[0], type[1], 0x61, 0x23});
          frame.insert(frame.begin() + 12, tag.begin(), tag.end());
        }
        expect_same(pair, {frame});
        EXPECT_EQ(taken(pair.fast), 1u);
        EXPECT_EQ(taken(pair.reference), 0u);
      }
    }
  }
}

/// Bursts of any size, of both families, with strange ones among them; and services and backends that promise
/// anything.
TEST_P(CommonSyn, IsAnsweredAsByTheStages) {
  std::mt19937 random{31};
  const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  SynMaker maker{below};
  std::uint64_t fast = 0;
  for (int round = 0; round < 40; ++round) {
    const service::Profile profile{.mss = static_cast<std::uint16_t>(64 + below(9'000)),
                                   .window = 1 + below(0x1'0000),
                                   .window_scale = static_cast<std::uint8_t>(below(15)),
                                   .sack = below(3) != 0,
                                   .timestamps = below(3) != 0};
    Pair pair{profile};
    using proxy::Answer;
    const auto answer = [&] { return below(3) != 0 ? Answer::kAgreed : Answer::kDeclined; };
    pair.teach({.mss = profile.mss,
                .window = static_cast<std::uint16_t>(1 + below(0xffff)),
                .scaling = answer(),
                .scale = profile.window_scale,
                .sack = answer(),
                .timestamps = answer(),
                .ecn = answer()});
    const std::uint64_t now =
        kStartMs + below(108'000);  // in the slot in which the backends were heard, or the next
    for (PipelineLab* lab : {&pair.fast, &pair.reference}) lab->set_time(now);
    pair.let_none_pass();
    for (int bursts = 0; bursts < 12; ++bursts) {
      std::vector<Bytes> frames;
      for (std::uint32_t n = 1 + below(kBurstMax); n != 0; --n) frames.push_back(maker.syn());
      expect_same(pair, frames);
      if (HasFatalFailure()) return;
    }
    fast += taken(pair.fast);
  }
  EXPECT_GT(fast, 40u * 12 * 32 / 2) << "most of them are common";
}

/// With any number of options, or none: or the comparisons below would be of the stages with themselves.
TEST_P(CommonSyn, OfOtherOptionsIsReadByTheKernel) {
  for (const unsigned n : {0u, 1u, 2u, 3u}) {
    const bool is_ipv4 = n % 2 == 0;
    std::vector<Bytes> frames;
    for (std::size_t bytes = 0; bytes <= wire::kMaxTcpOptionBytes; bytes += 4) {
      FrameBuilder built;
      is_ipv4 ? built.ipv4(kClient4, kService4) : built.ipv6(kClient6, kService6);
      if (n >= 2) built.more_headers();
      frames.push_back(built.tcp(40'000, kServicePort, TcpFlags::kSyn | TcpFlags::kPsh)
                           .tcp_options(Bytes(bytes, std::byte{0xfe}))
                           .build());
    }
    const simd::LaneBits all = (simd::LaneBits{1} << frames.size()) - 1;
    for (Bytes frame : {frames.front(), frames.back()}) {
      frame.back() ^= std::byte{1};
      frames.push_back(frame);
    }
    Pair pair;
    std::vector<Bytes> buffers;
    const auto burst = pair.fast.received(frames, buffers);
    match_common(*burst, pair.fast.core);
    EXPECT_EQ(burst->on(is_ipv4 ? Route::kSyn4 : Route::kSyn6).bits(), all | 0b11 * (all + 1));
    EXPECT_EQ(burst->common_segments.intact, all);
    EXPECT_TRUE(burst->on(Route::kReceived).empty());
  }
}

/// Whose header is elsewhere, whose options are others, or that is shorter than the least that registers
/// write.
TEST_P(CommonSyn, IsAnsweredWhereItIsNotCommon) {
  const Bytes kOptions[] = {{},
                            bytes_of({1, 1, 4, 2}),
                            bytes_of({8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 3, 3, 9, 0}),
                            Bytes(wire::kMaxTcpOptionBytes, std::byte{1}),
                            syn_options(SynLayout::kLinux, {})};
  for (const Bytes& options : kOptions) {
    for (const std::size_t between : {0u, 1u, 4u, 8u}) {
      std::vector<Bytes> frames;
      for (const bool is_ipv4 : {true, false}) {
        for (std::uint16_t tags = 0; tags <= wire::kMaxVlanTags; ++tags) {
          FrameBuilder built;
          if (is_ipv4) {
            built.ipv4(kClient4, kService4).ip_options(Bytes(between * 5, std::byte{1}));
          } else {
            built.ipv6(kClient6, kService6);
            for (std::size_t n = 0; n < between; ++n) built.extension(wire::IpProtocol::kDestinationOptions);
          }
          built.tcp(40'000, kServicePort, TcpFlags::kSyn).seq(0xffff'ffff).tcp_options(options);
          for (std::uint16_t tag = 0; tag < tags; ++tag) built.vlan(tag);
          frames.push_back(built.build());
        }
      }
      Pair pair;
      pair.let_none_pass();
      expect_same(pair, frames);
      EXPECT_EQ(read(pair.fast.core.counters)[Event::kSynAnswered], frames.size());
    }
  }
}

/// For shed_syns(): as the stages hash it.
TEST_P(CommonSyn, IsHashedAsByTheTable) {
  for (std::size_t tags = 0; tags <= wire::kMaxVlanTags; ++tags) {
    const auto each = [tags]<wire::Family kFamily>() {
      Pair pair;
      std::vector<Bytes> frames;
      for (std::uint16_t port = 0; port < kBurstMax; ++port) {
        FrameBuilder built;
        kFamily == wire::Family::kIpv4 ? built.ipv4(kClient4, kService4) : built.ipv6(kClient6, kService6);
        for (std::size_t tag = 0; tag < tags; ++tag) built.vlan(77);
        built.tcp(static_cast<std::uint16_t>(port * 1000), kServicePort, TcpFlags::kSyn);
        frames.push_back(built.tcp_options(syn_options(SynLayout::kLinux, {})).build());
      }
      std::vector<Bytes> buffers;
      const auto burst = pair.fast.received(frames, buffers);
      CoreState& core = pair.fast.core;
      match_common(*burst, core);
      ASSERT_EQ(burst->common_syns.of<kFamily>()[tags], ~simd::LaneBits{0});
      simd::SegmentBatch& batch = burst->common_segments.batch;
      core.kernels->hash<kFamily>()({burst->frame.data(), burst->frame_bytes.data(), burst->size},
                                    LanesByLink::network(tags), ~simd::LaneBits{0}, core.secret, batch);
      for (std::size_t i = 0; i < kBurstMax; ++i) {
        const auto flow = flow_of<kFamily>(*burst, static_cast<LaneIndex>(i));
        EXPECT_EQ(batch.hash(i), table::hash<kFamily>(flow, core.secret));
      }
    };
    each.operator()<wire::Family::kIpv4>();
    each.operator()<wire::Family::kIpv6>();
  }
}

TEST_P(CommonSyn, HasEveryMssAndScaleInItsCookie) {
  for (const SynLayout layout : {SynLayout::kLinux, SynLayout::kWindows}) {
    Pair pair;
    for (std::uint32_t mss = 0; mss <= 0xffff && !HasFatalFailure(); mss += kBurstMax) {
      std::vector<Bytes> frames;
      for (std::uint32_t m = mss; m < mss + kBurstMax; ++m)
        frames.push_back(
            syn(layout, m % 2 == 0,
                {.mss = static_cast<std::uint16_t>(m), .scale = static_cast<std::uint8_t>(m / 2)}));
      expect_same(pair, frames);
    }
    EXPECT_EQ(taken(pair.fast), 0x10000u - cookie::kLeastMss);
  }
}

/// Every single bit, with the checksum that it had and with the one that it then should have.
TEST_P(CommonSyn, WithOneBitWrongEndsAsInTheStages) {
  for (const SynLayout layout : kSynLayouts) {
    for (const bool is_ipv4 : {true, false}) {
      Pair pair;
      const Bytes good = syn(layout, is_ipv4);
      std::vector<Bytes> frames;
      for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        Bytes& corrupt = frames.emplace_back(good);
        corrupt[bit / 8] ^= std::byte(1u << bit % 8);
        repair_checksums(frames.emplace_back(corrupt));
      }
      expect_all_same(pair, frames);
    }
  }
}

TEST_P(CommonSyn, CutAnywhereEndsAsInTheStages) {
  for (const SynLayout layout : kSynLayouts) {
    for (const bool is_ipv4 : {true, false}) {
      Pair pair;
      const Bytes good =
          syn(layout, is_ipv4, {.scale = 0xa5});  // where it comes last, as the slack behind has it
      std::vector<Bytes> frames;
      for (std::size_t bytes = 0; bytes < good.size(); ++bytes)
        frames.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes));
      expect_all_same(pair, frames);
      EXPECT_EQ(taken(pair.fast), 0u);
    }
  }
}

/// The kernels' own sums say no, but the NIC's word counts.
TEST_P(CommonSyn, WithAWrongChecksumThatTheNicCallsGoodIsAnswered) {
  Pair pair;
  pair.fast.nic_verdict = pair.reference.nic_verdict = RxChecksum::kGood;
  Bytes frame = syn(SynLayout::kLinux, true);
  frame[14 + 20 + 16] ^= std::byte{1};
  expect_same(pair, {frame});
  EXPECT_EQ(pair.fast.run(frame).verdict, Route::kSend);
}

/// Some lanes of a register end or go elsewhere; the others are answered, and nobody else's bytes are
/// touched.
TEST_P(CommonSyn, BesideOthersThatAreNotAnsweredIsAnswered) {
  std::mt19937 random{32};
  for (int bursts = 0; bursts < 64; ++bursts) {
    Pair pair;
    pair.let_none_pass();
    std::vector<Bytes> frames;
    for (std::size_t n = 0; n < kBurstMax; ++n) {
      Bytes& frame = frames.emplace_back(syn(SynLayout::kLinux, random() % 2 == 0));
      const std::size_t ports = frame.size() - 40;  // TCP is at the end of the frame
      if (random() % 2 == 0) frame[ports + 3] = std::byte{kUnheardPort & 0xff};
      repair_checksums(frame);
    }
    expect_same(pair, frames);
    if (HasFatalFailure()) return;
    EXPECT_EQ(taken(pair.fast), kBurstMax);
  }
}

/// A SYN from a backend to a service goes by, whatever it looks like.
TEST_P(CommonSyn, FromTheInsideIsNotAnswered) {
  if (GetParam().mode != Mode::kInline) return;
  Pair pair;
  expect_same(pair, {syn(SynLayout::kLinux, true), syn(SynLayout::kLinux, false)}, PipelineLab::kInside);
  EXPECT_EQ(taken(pair.fast), 0u);
}

/// So that each SYN passes for the sake of what it asks for, or is told what is known, one by one.
TEST_P(CommonSyn, ThatPassesForTheBackendsOwnAnswerPassesAsFromTheStages) {
  constexpr std::uint8_t kEcn = TcpFlags::kEce | TcpFlags::kCwr;
  Pair pair;
  pair.teach({.mss = 1400, .window = 5000, .scaling = proxy::Answer::kAgreed, .scale = 3});
  for (const std::uint16_t port : {kServicePort, kTaughtPort, kUnheardPort}) {
    for (const SynLayout layout : kSynLayouts) {
      for (const std::uint8_t flags : {std::uint8_t{0}, kEcn}) {
        for (PipelineLab* lab : {&pair.fast, &pair.reference}) lab->set_time(lab->core.now.wall_ms + 2'000);
        const auto frame = FrameBuilder{}
                               .ipv4(kClient4, kService4)
                               .tcp(40'000, port, static_cast<std::uint8_t>(TcpFlags::kSyn | flags))
                               .tcp_options(syn_options(layout, {}))
                               .build();
        expect_same(pair, {frame});
      }
    }
  }
}

/// As a frame that the NIC's driver delivers in pieces does.
TEST_P(CommonSyn, ThatHasEndedBeforeIsNotAnswered) {
  Pair pair;
  auto burst = std::make_unique<Burst>();
  std::vector<Bytes> buffers(2, syn(SynLayout::kLinux, true));
  burst->size = buffers.size();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    burst->frame_bytes[i] = static_cast<std::uint16_t>(buffers[i].size());
    buffers[i].resize(buffers[i].size() + kFrameSlack);
    burst->frame[i] = buffers[i].data();
    burst->ip_checksum[i] = burst->transport_checksum[i] = RxChecksum::kUnknown;
  }
  drop_lane(*burst, 0, Drop::kOtherMac);
  burst->on(Route::kReceived).push(1);
  run_burst(pair.fast.core, *burst);
  settle(*burst, pair.fast.core);
  EXPECT_EQ(burst->on(Route::kDrop).size(), 1u);
  ASSERT_EQ(burst->on(Route::kSend).size(), 1u);
  EXPECT_EQ(*burst->on(Route::kSend).begin(), 1u);
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, CommonSyn, testing::ValuesIn(kernel_cases()), name_of_case);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommonSyn);  // a CPU without any

}  // namespace
}  // namespace synward::test
