// Segments beside SYNs by the kernels of each instruction set that this CPU has, beside the stages.
#include <random>

#include "dataplane/stages/stages.hpp"
#include "tests/support/kernel_cases.hpp"
#include "tests/support/lab_client.hpp"
#include "tests/support/segment_maker.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;
using Mode = PipelineLab::Mode;

class CommonSegment : public testing::TestWithParam<KernelCase> {
 protected:
  struct Pair : LabPair {
    Pair() : LabPair{GetParam().isa, PipelineLab::default_services(), GetParam().mode} {}
    /// A client whose SYN both have answered.
    template <wire::Family kFamily>
    LabClient<kFamily> asked(const wire::SynOptions& options = kLinuxOptions) {
      LabClient<kFamily> client{fast, 40'000, options};
      client.ask();
      EXPECT_EQ(reference.run(client.syn()).verdict, Route::kSend);
      return client;
    }
    std::vector<PipelineLab::Sent> sent_by_both() {
      auto sent = take_sent();
      EXPECT_TRUE(sent.has_value());
      return sent.value_or(std::vector<PipelineLab::Sent>{});
    }
  };
};

/// With timestamps and without, over both families.
template <typename Each>
void for_all(const Each& each) {
  for (const auto& options : {kLinuxOptions, kWindowsOptions}) {
    each.template operator()<wire::Family::kIpv4>(options);
    each.template operator()<wire::Family::kIpv6>(options);
  }
}

/// Those of a full burst are written at once: they are as classify() makes them, of SYNs and of segments of
/// any length, behind any tags.
TEST_P(CommonSegment, HasTheViewThatClassifyMakes) {
  const auto views = [](PipelineLab& lab, const std::vector<Bytes>& frames) {
    std::vector<Bytes> buffers;
    const auto burst = lab.received(frames, buffers);
    match_common(*burst, lab.core);
    classify(*burst, lab.core);
    return burst->view;
  };
  const auto compare = [&]<wire::Family kFamily>() {
    for (std::size_t tags = 0; tags <= wire::kMaxVlanTags; ++tags) {
      for (const bool is_syn : {true, false}) {
        Pair pair;
        std::vector<Bytes> frames;
        for (std::size_t n = 0; n < kBurstMax; ++n) {
          FrameBuilder built;
          if constexpr (kFamily == wire::Family::kIpv4) {
            built.ipv4(kClient4, kService4);
          } else {
            built.ipv6(kClient6, kService6);
          }
          built.tcp(40'000, kServicePort, is_syn ? TcpFlags::kSyn : TcpFlags::kAck);
          if (is_syn) {
            built.tcp_options(syn_options(n % 2 == 0 ? SynLayout::kLinux : SynLayout::kWindows, {}));
          } else {
            built.payload(Bytes(n * 20 + n % 3));
          }
          for (std::size_t t = 0; t < tags; ++t) built.vlan(7);
          frames.push_back(built.build());
        }
        static_cast<void>(views(pair.fast, frames));  // from now on there is a hint
        const auto got = views(pair.fast, frames), wanted = views(pair.reference, frames);
        for (std::size_t n = 0; n < kBurstMax; ++n) {
          SCOPED_TRACE(n);
          EXPECT_EQ(got[n].network, wanted[n].network);
          EXPECT_EQ(got[n].transport, wanted[n].transport);
          EXPECT_EQ(got[n].transport_bytes, wanted[n].transport_bytes);
          EXPECT_EQ(got[n].service, wanted[n].service);
        }
      }
    }
  };
  compare.template operator()<wire::Family::kIpv4>();
  compare.template operator()<wire::Family::kIpv6>();
}

/// Or the comparisons below would be of the stages with themselves: plain, behind more headers, among others.
TEST_P(CommonSegment, IsReadByTheKernel) {
  constexpr std::size_t kFarApart = 10;  // lanes
  for_all([]<wire::Family kFamily>(const wire::SynOptions& options) {
    for (std::size_t n = 0; n < 4 * (wire::kMaxVlanTags + 1); ++n) {
      const bool has_more = n % 2 != 0;
      const std::size_t apart = n % 4 < 2 ? 1 : kFarApart, tags = n / 4;
      Pair pair;
      auto client = pair.template asked<kFamily>(options);
      auto forged = client;
      forged.service_next ^= 0x100;
      std::vector<Bytes> frames;
      for (FrameBuilder built : {client.segment(), forged.segment(), client.segment().payload("text"),
                                 client.segment().wrong_checksum(),
                                 client.segment(TcpFlags::kAck | TcpFlags::kFin | TcpFlags::kPsh),
                                 client.segment(TcpFlags::kRst | TcpFlags::kAck)}) {
        if (has_more) built.more_headers();
        for (std::size_t tag = 0; tag < tags; ++tag) built.vlan(77);
        frames.push_back(built.build());
        frames.resize(frames.size() + apart - 1, FrameBuilder{}.arp_request(kClient4, kService4).build());
      }
      const auto lanes = [apart](const char* which) {  // '1': the n-th of those
        simd::LaneBits bits = 0;
        for (std::size_t at = 0; which[at] != 0; ++at) bits |= simd::LaneBits{which[at] == '1'} << at * apart;
        return bits;
      };
      std::vector<Bytes> buffers;
      const auto burst = pair.fast.received(frames, buffers);
      CoreState& core = pair.fast.core;
      match_common(*burst, core);
      CommonSegments& found = burst->common_segments;
      EXPECT_EQ(found.of<kFamily>()[tags], lanes("111111"));
      EXPECT_EQ(found.all<wire::Family::kIpv4>() | found.all<wire::Family::kIpv6>(), lanes("111111"));
      EXPECT_EQ(found.intact, lanes("110011"));
      EXPECT_EQ(found.resets, lanes("000001"));
      EXPECT_EQ(burst->on(Route::kReceived).size(), frames.size()) << "they stay";
      EXPECT_EQ(found.batch.hash(0), table::hash<kFamily>(client.key(), core.secret));

      const cookie::Slot slot = core.keys.current();
      const auto* const right = &core.keys.key<kFamily>(slot);
      const auto* const wrong = &core.keys.key<kFamily>(slot.previous());
      const auto refuted = [&](const crypto::AesKey* even, const crypto::AesKey* odd) {
        return core.kernels->refute<kFamily>()(found.frames, LanesByLink::network(tags), lanes("111110"),
                                               {{even, odd}});
      };
      const bool is_odd = slot.parity() != 0;
      EXPECT_EQ(refuted(is_odd ? wrong : right, is_odd ? right : wrong), lanes("010000"));
      EXPECT_EQ(refuted(wrong, wrong), lanes("111110"));
    }
  });
}

/// What backends send has any flags.
TEST_P(CommonSegment, OfABackendIsReadByTheKernel) {
  if (GetParam().mode != Mode::kInline) return;
  const auto each = []<wire::Family kFamily>() {
    for (std::size_t tags = 0; tags <= wire::kMaxVlanTags; ++tags) {
      Pair pair;
      const LabClient<kFamily> client{pair.fast};
      std::vector<Bytes> frames;
      for (const std::uint8_t flags :
           std::to_array<std::uint8_t>({TcpFlags::kAck, TcpFlags::kAck | TcpFlags::kSyn, TcpFlags::kRst})) {
        for (const std::uint16_t port : {kServicePort, kUnheardPort}) {
          FrameBuilder built;
          built.mac(kPeerMac, kOurMac);
          if constexpr (kFamily == wire::Family::kIpv4) {
            built.ipv4(kService4, kClient4);
          } else {
            built.ipv6(kService6, kClient6);
          }
          for (std::size_t tag = 0; tag < tags; ++tag) built.vlan(77);
          frames.push_back(built.tcp(port, client.key().client_port.host(), flags).payload("text").build());
        }
      }
      for (const bool looked_up_before : {false, true}) {
        EXPECT_EQ(pair.fast.core.last_lookup<kFamily>().service != service::kNoService, looked_up_before);
        std::vector<Bytes> buffers;
        const auto burst = pair.fast.received(frames, buffers);
        burst->port = PipelineLab::kInside;
        match_common(*burst, pair.fast.core);
        CommonSegments& found = burst->common_segments;
        EXPECT_EQ(found.of<kFamily>()[tags], 0b010101u) << "of no service, the others are left alone";
        EXPECT_EQ(burst->on(Route::kReceived).bits(), 0b111111u) << "they stay";
        EXPECT_EQ(found.batch.hash(0), table::hash<kFamily>(client.key(), pair.fast.core.secret));
      }
    }
  };
  each.operator()<wire::Family::kIpv4>();
  each.operator()<wire::Family::kIpv6>();
}

/// Bursts of any size at any time of a cookie's life: promoted, replayed, refuted, spliced, closed.
TEST_P(CommonSegment, EndsAsInTheStages) {
  std::mt19937 random{33};
  const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::uint64_t promoted = 0, refused = 0;
  for (int round = 0; round < 60; ++round) {
    Pair pair;
    SegmentMaker maker{below};
    std::uint64_t now = kStartMs + below(108'000);
    pair.set_time(now);
    pair.let_none_pass();
    std::vector<Outcome> answers;
    expect_same(pair, maker.syns(), 0, &answers);
    maker.learn(answers);
    for (int bursts = 0; bursts < 12; ++bursts) {
      std::vector<Bytes> frames;
      for (std::uint32_t n = 1 + below(kBurstMax); n != 0; --n) frames.push_back(maker.segment());
      expect_same(pair, frames);
      if (HasFatalFailure()) return;
      for (auto syn_acks = syn_acks_to(pair.sent_by_both()); !syn_acks.empty();
           syn_acks = syn_acks_to(pair.sent_by_both())) {
        syn_acks.resize(std::min(syn_acks.size(), kBurstMax));
        expect_same(pair, syn_acks, PipelineLab::kInside);
        if (HasFatalFailure()) return;
      }
      if (GetParam().mode == Mode::kInline) {
        frames.clear();
        for (std::uint32_t n = 1 + below(kBurstMax); n != 0; --n) frames.push_back(maker.answer());
        expect_same(pair, frames, PipelineLab::kInside);
        if (HasFatalFailure()) return;
      }
      if (below(3) == 0) pair.set_time(now += below(30'000));
    }
    const auto seen = read(pair.fast.core.counters);
    promoted += seen[Event::kPromoted];
    refused += seen[Drop::kBadCookie] + seen[Event::kUnknownPassed];
  }
  EXPECT_GT(promoted, 60u * 4);
  EXPECT_GT(refused, 60u * 20);
}

/// Every single bit of an ACK that brings a cookie, with the checksum that it had and with the one that it
/// then should have.
TEST_P(CommonSegment, WithOneBitWrongEndsAsInTheStages) {
  const auto each = []<wire::Family kFamily>(const wire::SynOptions& options) {
    Pair pair;
    auto client = pair.template asked<kFamily>(options);
    for (const Bytes& good : {client.ack(), client.segment().more_headers().build()}) {
      for (std::size_t bit = 0; bit < 8 * good.size() && !HasFatalFailure(); ++bit) {
        Bytes corrupt = good;
        corrupt[bit / 8] ^= std::byte(1u << bit % 8);
        Bytes repaired = corrupt;
        repair_checksums(repaired);
        expect_same(pair, {corrupt, repaired});
        static_cast<void>(pair.sent_by_both());
      }
    }
  };
  for_all(each);
}

/// Not padded, and cut anywhere.
TEST_P(CommonSegment, OfAnyLengthEndsAsInTheStages) {
  const auto each = []<wire::Family kFamily>(const wire::SynOptions& options) {
    for (const bool has_more : {false, true}) {
      Pair pair;
      auto client = pair.template asked<kFamily>(options);
      const Bytes good = has_more ? client.segment().more_headers().build() : client.ack();
      for (std::size_t bytes = 0; bytes <= good.size() && !HasFatalFailure(); ++bytes)
        expect_same(pair, {Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes))});
      EXPECT_EQ(read(pair.fast.core.counters)[Event::kPromoted], 1u);
    }
  };
  for_all(each);
}

/// By a node whose clock is ahead, shortly before the edge of a slot here: two keys may have minted it.
TEST_P(CommonSegment, WithACookieOfTheNextSlotIsTaken) {
  const auto each = []<wire::Family kFamily>() {
    Pair pair;
    const std::uint64_t edge = (kStartMs / cookie::kSlotMs + 1) * cookie::kSlotMs;
    pair.set_time(edge + 1'000);
    pair.let_none_pass();
    auto client = pair.template asked<kFamily>();
    pair.set_time(edge - 3'000);
    expect_same(pair, {client.ack()});
    EXPECT_EQ(read(pair.fast.core.counters)[Event::kPromoted], 1u);
  };
  each.operator()<wire::Family::kIpv4>();
  each.operator()<wire::Family::kIpv6>();
}

TEST_P(CommonSegment, FromAnAddressThatCannotSendEndsAsInTheStages) {
  std::mt19937 random{34};
  const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  SynMaker maker{below};
  Pair pair;
  for (int bursts = 0; bursts < 8 && !HasFatalFailure(); ++bursts) {
    std::vector<Bytes> frames;
    while (frames.size() < kBurstMax) {
      FrameBuilder built;
      const bool can_send = below(8) == 0;  // then the kernels have a service to compare with
      if (below(2) == 0) {
        built.ipv4(can_send ? kClient4 : maker.strange_ipv4(), kService4);
      } else {
        built.ipv6(can_send ? kClient6 : maker.strange_ipv6(), kService6);
      }
      frames.push_back(built.tcp(40'000, kServicePort, TcpFlags::kAck).build());
    }
    expect_same(pair, frames);
  }
  EXPECT_GT(read(pair.fast.core.counters)[Drop::kBadSource], 8u * kBurstMax / 2);
}

/// The kernels' own sums say no, but the NIC's word counts.
TEST_P(CommonSegment, WithAWrongChecksumThatTheNicCallsGoodIsTaken) {
  Pair pair;
  pair.fast.nic_verdict = pair.reference.nic_verdict = RxChecksum::kGood;
  auto client = pair.asked<wire::Family::kIpv4>();
  Bytes frame = client.ack();
  frame[14 + 20 + 16] ^= std::byte{1};
  expect_same(pair, {frame});
  EXPECT_EQ(read(pair.fast.core.counters)[Event::kPromoted], 1u);
}

/// What the kernels read at once and what they read after all else keep their order within a flow.
TEST_P(CommonSegment, BetweenOthersOfItsFlowKeepsItsPlace) {
  if (GetParam().mode != Mode::kEndpoint) return;
  Pair pair;
  auto client = pair.asked<wire::Family::kIpv4>();
  std::vector<Bytes> frames{client.ack()};
  for (int n = 0; n < 10; ++n) {
    frames.push_back(client.text("abc"));
    frames.push_back(client.segment().more_headers().payload("defg").build());
    client.next += 4;
  }
  expect_same(pair, frames);
  const auto* connection = pair.fast.core.table<wire::Family::kIpv4>().find(client.key());
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->state.client_next.value(), client.next) << "taken in the order in which they came";
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, CommonSegment, testing::ValuesIn(kernel_cases()), name_of_case);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommonSegment);  // a CPU without any

}  // namespace
}  // namespace synward::test
