// Mirrors control/trace/explain.hpp: for each reason what was seen, and what was expected.
#include "control/trace/explain.hpp"

#include <random>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/trace/packet_text.hpp"
#include "tests/support/lab_client.hpp"
#include "tests/support/traced_lab.hpp"

namespace synward::control {
namespace {

using test::Bytes;
using test::FrameBuilder;
using test::ip4;
using test::kClient4;
using test::kClient6;
using test::kService4;
using test::kService6;
using test::kServicePort;
using test::LabClient;
using test::PipelineLab;
using test::Traced;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using wire::Family;
using wire::TcpFlags;

FrameBuilder segment4(std::uint8_t flags) {
  return FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, kServicePort, flags);
}
FrameBuilder segment6(std::uint8_t flags) {
  return FrameBuilder{}.ipv6(kClient6, kService6).tcp(40000, kServicePort, flags);
}

/// What is said of one frame.
std::string why(Traced& lab, const Bytes& frame, std::uint16_t port = 0) {
  lab.take();
  lab.run(std::vector<Bytes>{frame}, false, port);
  const auto records = lab.take();
  if (records.size() != 1) return "";
  return explain(records.front(), {lab.core.ports, *lab.core.services});
}

struct Row {
  std::string_view name;
  Bytes frame;
  Drop reason;
  std::string seen;
};

TEST(Explain, SaysWhatWasSeenAndExpected) {
  Bytes short_frame = segment4(TcpFlags::kSyn).build();
  short_frame.resize(13);
  const std::vector<Row> rows{
      {"half a header", short_frame, Drop::kTruncatedFrame, "seen 13 bytes"},
      {"another MAC", segment4(TcpFlags::kSyn).mac({{2, 0, 0, 0, 0, 0x77}}, test::kPeerMac).build(),
       Drop::kOtherMac, "seen 02:00:00:00:00:77; expected " + mac_text(test::kOurMac)},
      {"LLDP", segment4(TcpFlags::kSyn).ether_type(0x88cc).build(), Drop::kOtherEtherType, "seen 0x88cc"},
      {"ARP", FrameBuilder{}.arp_request(kClient4, ip4("198.18.0.99")).build(), Drop::kArpIgnored,
       "seen operation 1 for 198.18.0.99; expected a request (1) for the address of a service"},
      {"IPv4 length", segment4(TcpFlags::kSyn).claim_total_bytes(41).build(), Drop::kBadIpv4Header,
       "seen version 4, a header of 20 bytes and 41 bytes in all; expected version 4, 20 to 60 bytes, and no "
       "more than the 40 that came"},
      {"IPv6 length", segment6(TcpFlags::kSyn).claim_total_bytes(61).build(), Drop::kBadIpv6Header,
       "seen version 6, 61 bytes in all and next header 6; expected version 6, no more than the 60 that "
       "came, "
       "and extension headers in RFC 8200's order"},
      {"fragment", segment4(TcpFlags::kSyn).fragment(8, true).build(), Drop::kFragment,
       "seen offset 8 and more to come"},
      {"source", FrameBuilder{}.ipv4(ip4("127.0.0.1"), kService4).tcp(1, kServicePort, 2).build(),
       Drop::kBadSource, "seen 127.0.0.1"},
      {"group", FrameBuilder{}.ipv4(kClient4, ip4("255.255.255.255")).tcp(1, kServicePort, 2).build(),
       Drop::kGroupDestination, "seen 255.255.255.255"},
      {"UDP", segment4(2).protocol(wire::IpProtocol::kUdp).build(), Drop::kOtherProtocol, "seen protocol 17"},
      {"port", FrameBuilder{}.ipv4(kClient4, kService4).tcp(1, 80, 2).build(), Drop::kNoService,
       "198.18.0.10 has a service, but not on port 80"},
      {"address", FrameBuilder{}.ipv4(kClient4, ip4("198.18.0.11")).tcp(1, 443, 2).build(), Drop::kNoService,
       "198.18.0.11 is the address of none"},
      {"TCP header", segment4(2).claim_tcp_header_bytes(16).build(), Drop::kBadTcpHeader,
       "seen a header of 16 bytes in 20; expected 20 to 60, and no more than there are"},
      {"nineteen bytes", segment4(2).claim_total_bytes(39).build(), Drop::kBadTcpHeader,
       "seen a header of 20 bytes in 19; expected 20 to 60, and no more than there are"},
      {"flags", segment4(TcpFlags::kSyn | TcpFlags::kFin).build(), Drop::kSynFin, "seen flags FS"},
      {"MSS", segment4(2).tcp_options(wire::SynOptions{.mss = 55}).build(), Drop::kMssTooSmall,
       "seen 55; expected 56 at least"},
      {"cookie", segment4(TcpFlags::kAck).seq(8).ack(0x12345679).build(), Drop::kBadCookie,
       "seen ack 305419897: 0x12345678 is no cookie for this client, service and ISN 7 under the keys of the "
       "last 64 to 128 seconds; expected an ACK of our SYN-ACK, or the first text"},
  };
  for (const Row& row : rows) {
    Traced lab;
    const std::string text = why(lab, row.frame);
    const std::string_view help = kDropTable[static_cast<std::size_t>(row.reason)].help;
    EXPECT_EQ(text, std::string{help} + "; " + row.seen) << row.name;
  }
}

TEST(Explain, ChecksumsAreBothThere) {
  Traced lab;
  EXPECT_THAT(why(lab, segment4(2).wrong_checksum().build()),
              testing::ContainsRegex("seen 0x[0-9a-f]{4}; expected 0x[0-9a-f]{4}$"));
}

TEST(Explain, SegmentsOfAConnectionAreHeldAgainstWhatItExpects) {
  Traced lab;
  LabClient<Family::kIpv4> client{lab};
  client.open();
  const auto far = segment4(TcpFlags::kRst).seq(client.next - 5).build();
  const std::string text = why(lab, far);
  EXPECT_THAT(text, HasSubstr("its connection is ESTABLISHED; seen seq " + std::to_string(client.next - 5)));
  EXPECT_THAT(text, HasSubstr("; expected seq " + std::to_string(client.next) + " to "));
  EXPECT_THAT(why(lab, segment4(TcpFlags::kAck).seq(client.next).ack(client.service_next).build()),
              HasSubstr("without the timestamps that its connection agreed on"));
}

TEST(Explain, Replies) {
  Traced lab;
  EXPECT_THAT(
      why(lab, segment4(2).tcp_options(test::kLinuxOptions).build()),
      testing::ContainsRegex("^SYN answered with a SYN-ACK whose ISN [0-9]+ is a cookie, options mss 1460,"));
  EXPECT_EQ(why(lab, FrameBuilder{}.arp_request(kClient4, kService4).build()),
            "answered: ARP: 198.18.0.10 is at " + mac_text(test::kOurMac));
  EXPECT_THAT(why(lab, FrameBuilder{}.ipv4(kClient4, kService4).echo_request(1, 1).build()),
              EndsWith("ICMP type 0 code 0"));
  const Bytes stray = segment4(TcpFlags::kAck).seq(7).ack(9).build();
  lab.run(stray);
  lab.set_time(test::kStartMs + 3'000);
  EXPECT_EQ(why(lab, stray), "reset: neither connection nor cookie, and it came again after three seconds");
  LabClient<Family::kIpv4> client{lab, 40001};
  client.ask();
  EXPECT_EQ(why(lab, client.ack()), "taken; its connection is ESTABLISHED");
  EXPECT_THAT(why(lab, client.text("text")), HasSubstr("answered with [.] seq "));
}

TEST(Explain, ResetsAreToldApart) {
  const std::string stray = "reset: neither connection nor cookie, and it came again after three seconds";
  Traced lab;
  LabClient<Family::kIpv4> client{lab};
  client.ask();
  const Bytes first = client.text("text");
  lab.run(first);
  lab.run(client.rst());  // a tombstone is left
  lab.run(first);
  lab.set_time(test::kStartMs + 3'000);
  EXPECT_EQ(why(lab, first), stray);

  Traced wire{{}, PipelineLab::Mode::kInline};
  LabClient<Family::kIpv4> asking{wire};
  asking.ask();
  wire.run(asking.ack());
  const Bytes refusal = FrameBuilder{}
                            .mac(test::kPeerMac, test::kOurMac)
                            .ipv4(kService4, kClient4)
                            .tcp(kServicePort, 40000, TcpFlags::kRst | TcpFlags::kAck)
                            .ack(asking.next)
                            .build();
  wire.run_inside(refusal);
  for (int n = 0; n < 25; ++n) wire.run(asking.syn());  // 20 a second pass, to ask it again
  EXPECT_EQ(why(wire, asking.syn()), "SYN reset: its backend is down");
}

/// Whatever is in a frame, and however little of it: words, and no byte beyond it is read.
TEST(Explain, HasWordsForAnything) {
  std::mt19937 random{7};
  Traced lab;
  for (int n = 0; n < 20'000; ++n) {
    Bytes frame = (n % 2 == 0 ? segment4(static_cast<std::uint8_t>(random()))
                              : segment6(static_cast<std::uint8_t>(random())))
                      .tcp_options(test::kLinuxOptions)
                      .build();
    for (int change = 0; change < n % 4; ++change)
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    if (n % 3 == 0) frame.resize(random() % frame.size());
    lab.run(frame);
    for (const auto& record : lab.take()) {
      EXPECT_NE(explain(record, {lab.core.ports, *lab.core.services}), "");
      EXPECT_NE(packet_text(record.frame.kept(), record.frame.bytes), "");
    }
  }
}

/// A row of drop.hpp that nobody has thought of here.
TEST(Explain, EveryReasonHasWordsWhateverTheFrame) {
  const Traced lab;
  TraceRecord record{};
  record.verdict = Route::kDrop;
  for (const auto& row : kDropTable) {
    record.reason = row.value;
    for (const Bytes& frame : {Bytes{}, segment4(2).build(), segment6(2).build(),
                               FrameBuilder{}.arp_request(kClient4, kService4).build()}) {
      record.frame.keep(frame);
      for (const bool is_known : {false, true}) {
        record.connection.reset();
        if (is_known)
          record.connection = TracedConnection{.phase = table::ConnectionPhase::kEstablished,
                                               .is_spliced = false,
                                               .timestamps = true,
                                               .client_next = wire::SeqNum{1},
                                               .service_next = wire::SeqNum{2},
                                               .receive_window = 65535};
        EXPECT_THAT(explain(record, {lab.core.ports, *lab.core.services}), StartsWith(std::string{row.help}));
      }
    }
  }
}

}  // namespace
}  // namespace synward::control
