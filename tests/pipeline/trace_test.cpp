// What `synward trace` is given: the packets that are asked for, as they came and as they left, and nothing
// that changes what becomes of them.
#include "dataplane/trace.hpp"

#include <ctime>

#include "dataplane/wire/cut_frame.hpp"
#include "dataplane/wire/icmp.hpp"
#include "tests/support/expect_frame.hpp"
#include "tests/support/lab_client.hpp"
#include "tests/support/traced_lab.hpp"

namespace synward::test {
namespace {

using wire::Family;
using wire::TcpFlags;

FrameBuilder segment4(std::uint8_t flags, std::uint16_t port = 40000) {
  return FrameBuilder{}.ipv4(kClient4, kService4).tcp(port, kServicePort, flags);
}
FrameBuilder segment6(std::uint8_t flags) {
  return FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, flags);
}

TEST(Trace, ASampleIsThePacketAsItCameAndTheReplyThatLeft) {
  Traced lab;
  const Bytes syn = segment4(TcpFlags::kSyn).tcp_options(kLinuxOptions).build();
  const Outcome outcome = lab.run(syn);
  const auto records = lab.take();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(kept(records[0].frame), syn);
  EXPECT_TRUE(same_frame(kept(records[0].answer), outcome.frame));
  EXPECT_EQ(records[0].verdict, Route::kSend);
  EXPECT_EQ(records[0].reason, Drop::kNone);
  EXPECT_EQ(records[0].service, 0);
  EXPECT_FALSE(records[0].connection);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  EXPECT_NEAR(static_cast<double>(records[0].wall_ns), static_cast<double>(now.tv_sec) * 1e9, 60e9);
}

TEST(Trace, ChangesNothing) {
  PipelineLab plain;
  Traced traced;
  std::vector<Bytes> frames{segment4(TcpFlags::kSyn).tcp_options(kLinuxOptions).build(),
                            segment4(TcpFlags::kSyn).tcp_options(kWindowsOptions).build(),
                            segment6(TcpFlags::kSyn).build(),
                            segment4(TcpFlags::kAck).seq(7).build(),
                            segment4(TcpFlags::kRst).build(),
                            segment4(TcpFlags::kSyn).wrong_checksum().build(),
                            FrameBuilder{}.arp_request(kClient4, kService4).build(),
                            {}};
  while (frames.size() < kBurstMax) frames.push_back(frames[frames.size() % 8]);
  const auto wanted = plain.run(frames), got = traced.run(frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(got[i].verdict, wanted[i].verdict) << i;
    EXPECT_EQ(got[i].reason, wanted[i].reason) << i;
    EXPECT_EQ(got[i].frame, wanted[i].frame) << i;
  }
  const auto records = traced.take();
  ASSERT_EQ(records.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(kept(records[i].frame), frames[i]) << "in order";
}

TEST(Trace, ALongFrameIsKeptUpToItsFirstBytes) {
  Traced lab;
  const Bytes frame = segment4(TcpFlags::kAck).payload(Bytes(1000, std::byte{'x'})).build();
  lab.run(frame);
  const auto records = lab.take();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].frame.bytes, frame.size());
  EXPECT_EQ(kept(records[0].frame), Bytes(frame.begin(), frame.begin() + kTraceBytes));
}

struct Wanted {
  std::string_view name;
  TraceFilter filter;
  std::vector<std::size_t> samples;  // of the frames below
};

TEST(Trace, GivesWhatTheFilterSays) {
  const std::vector<Bytes> frames{
      segment4(TcpFlags::kSyn).build(),                                                      // 0: send
      segment6(TcpFlags::kSyn).build(),                                                      // 1: send
      segment4(TcpFlags::kAck).seq(7).build(),                                               // 2: bad_cookie
      segment4(TcpFlags::kSyn | TcpFlags::kFin).build(),                                     // 3: syn_fin
      FrameBuilder{}.ipv4(ip4("198.19.7.7"), kService4).tcp(1, 80, TcpFlags::kSyn).build(),  // 4: no_service
      FrameBuilder{}.arp_request(kClient4, kService4).build(),                               // 5: send
      segment4(TcpFlags::kSyn).ether_type(0x88cc).build(),  // 6: other_ether_type
  };
  const wire::Prefix client{ip4("198.19.0.0"), 22}, elsewhere{ip4("198.19.8.0"), 24};
  const std::vector<Wanted> rows{
      {"everything", {}, {0, 1, 2, 3, 4, 5, 6}},
      {"one service", {.service = 0}, {0, 2, 3}},
      {"the other", {.service = 1}, {1}},
      {"a prefix", {.client = client}, {0, 2, 3}},
      {"another prefix", {.client = elsewhere}, {}},
      {"all of IPv6", {.client = wire::Prefix{ip6("2000::"), 3}}, {1}},
      {"a reason", {.reasons = TraceFilter::bit(Drop::kBadCookie)}, {2}},
      {"two", {.reasons = TraceFilter::bit(Drop::kSynFin) | TraceFilter::bit(Drop::kNoService)}, {3, 4}},
      {"a verdict", {.verdicts = TraceFilter::bit(Route::kDrop)}, {2, 3, 4, 6}},
      {"a verdict or a reason",
       {.reasons = TraceFilter::bit(Drop::kSynFin), .verdicts = TraceFilter::bit(Route::kSend)},
       {0, 1, 3, 5}},
      {"all at once", {.service = 0, .client = client, .reasons = TraceFilter::bit(Drop::kSynFin)}, {3}},
  };
  for (const Wanted& row : rows) {
    Traced lab{row.filter};
    lab.run(frames);
    const auto records = lab.take();
    std::vector<Bytes> got, wanted;
    for (const auto& record : records) got.push_back(kept(record.frame));
    for (const std::size_t n : row.samples) wanted.push_back(frames[n]);
    EXPECT_EQ(got, wanted) << row.name;
  }
}

TEST(Trace, WithoutRoomPacketsAreCountedAndNoLongerLookedAt) {
  Traced lab;
  std::vector<Bytes> burst(60, segment4(TcpFlags::kAck).seq(7).build());
  for (std::size_t n = 0; n < 6; ++n) lab.run(burst);  // 256 find room, of 360
  EXPECT_EQ(lab.tap().missed(), 360 - TraceTap::kRecords);
  EXPECT_EQ(lab.take().size(), TraceTap::kRecords);
  lab.run(burst);
  EXPECT_EQ(lab.take().size(), burst.size());
  EXPECT_EQ(lab.tap().missed(), 360 - TraceTap::kRecords);
}

TEST(Trace, OfAChecksumItKnowsTheRightOne) {
  const auto checksum_of = [](const Bytes& frame) { return wire::read_cut_frame(frame).tcp->checksum; };
  Traced lab;
  for (const auto& builder : {segment4(TcpFlags::kSyn).payload("odd"), segment6(TcpFlags::kSyn)}) {
    EXPECT_EQ(lab.run(FrameBuilder{builder}.wrong_checksum().build()).reason, Drop::kBadTcpChecksum);
    const auto records = lab.take();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].right_checksum, checksum_of(FrameBuilder{builder}.build()));
  }
  lab.run(segment4(TcpFlags::kSyn).wrong_ip_checksum().build());
  auto records = lab.take();
  const Bytes right = segment4(TcpFlags::kSyn).build();
  EXPECT_EQ(records.at(0).right_checksum, wire::read_cut_frame(right).ipv4->checksum);

  const auto icmp_checksum = [](const Bytes& frame) {
    return wire::overlay<wire::IcmpHeader>(frame.data() + wire::read_cut_frame(frame).transport).checksum;
  };
  for (const auto& echo : {FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 2),
                           FrameBuilder{}.ipv6(kClient6, kService6).echo_request(1, 2)}) {
    EXPECT_EQ(lab.run(FrameBuilder{echo}.wrong_checksum().build()).reason, Drop::kBadIcmpChecksum);
    records = lab.take();
    EXPECT_EQ(records.at(0).right_checksum, icmp_checksum(FrameBuilder{echo}.build()));
  }
  lab.run(segment4(TcpFlags::kSyn).build());
  EXPECT_FALSE(lab.take().at(0).right_checksum);
}

TEST(Trace, KnowsTheConnection) {
  Traced lab;
  LabClient<Family::kIpv6> client{lab};
  client.ask();
  lab.take();
  lab.run(client.ack());
  const auto records = lab.take();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].verdict, Route::kForward);
  EXPECT_EQ(records[0].answer.bytes, 0u);  // it went to the acceptor
  EXPECT_EQ(records[0].service, 1);
  ASSERT_TRUE(records[0].connection);
  EXPECT_EQ(records[0].connection->phase, table::ConnectionPhase::kEstablished);
  EXPECT_EQ(records[0].connection->client_next.value(), client.next);
  EXPECT_EQ(records[0].connection->service_next.value(), client.service_next);
  EXPECT_TRUE(records[0].connection->timestamps);
  EXPECT_GE(records[0].connection->receive_window, 1u << 16);
}

TEST(Trace, TellsACookieWithoutItsTimestampsFromAForgedOne) {
  Traced lab{{.reasons = TraceFilter::bit(Drop::kBadCookie)}};
  const auto doubt = [&](const Bytes& frame) {
    EXPECT_EQ(lab.run(frame).reason, Drop::kBadCookie);
    const auto records = lab.take();
    return records.empty() ? CookieDoubt::kNone : records[0].doubt;
  };
  LabClient<Family::kIpv4> with{lab, 40001}, without{lab, 40002, kWindowsOptions};
  with.ask();
  without.ask();
  const auto ack = [](const auto& client, std::uint16_t port) {
    return segment4(TcpFlags::kAck, port).seq(client.next).ack(client.service_next);
  };
  EXPECT_EQ(doubt(ack(with, 40001).build()), CookieDoubt::kMintedWith);
  EXPECT_EQ(doubt(ack(without, 40002).tcp_options(wire::TcpTimestamps{1, 2}).build()),
            CookieDoubt::kMintedWithout);
  EXPECT_EQ(doubt(ack(without, 40003).build()), CookieDoubt::kNone);
}

TEST(Trace, InTheWireTheClientIsTheSameInBothDirections) {
  Traced lab{{.client = wire::Prefix{kClient4, 32}}, PipelineLab::Mode::kInline};
  LabClient<Family::kIpv4> client{lab};
  client.ask();
  lab.take();
  EXPECT_EQ(lab.run(client.ack()).verdict, Route::kHold);
  const Bytes back = FrameBuilder{}
                         .ipv4(kService4, kClient4)
                         .tcp(kServicePort, 40000, TcpFlags::kSyn | TcpFlags::kAck)
                         .build();
  lab.run_inside(back);
  const Bytes stranger =
      FrameBuilder{}.ipv4(kService4, ip4("198.19.1.3")).tcp(kServicePort, 40000, TcpFlags::kAck).build();
  lab.run_inside(stranger);
  const auto records = lab.take();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].port, PipelineLab::kOutside);
  EXPECT_EQ(records[1].port, PipelineLab::kInside);
  EXPECT_EQ(records[1].service, 0);
  EXPECT_EQ(kept(records[1].frame), back);
}

TEST(Trace, WhatAnotherCoreTakesOverIsThatOnesToTell) {
  EXPECT_FALSE(TraceFilter{}.wants(Route::kHandOver, Drop::kNone));
  EXPECT_FALSE(
      (TraceFilter{.verdicts = TraceFilter::bit(Route::kHandOver)}).wants(Route::kHandOver, Drop::kNone));
}

}  // namespace
}  // namespace synward::test
