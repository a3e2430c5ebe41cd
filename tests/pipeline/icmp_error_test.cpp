// ICMP errors about spliced segments: each end hears of its own segments, in its own numbers.
#include "tests/support/lab_router.hpp"

namespace synward::test {
namespace {

using Flags = wire::TcpFlags;
using table::ConnectionPhase;
constexpr bool kToService = true, kToClient = false;

template <typename Type>
using IcmpError = RouterTest<Type>;
TYPED_TEST_SUITE(IcmpError, Families);

TYPED_TEST(IcmpError, TellsTheBackendOfItsOwnSegment) {
  this->open();
  const auto text = this->from_backend(this->backend.text(std::string(1000, 'x')));
  ASSERT_NE(text.sent, text.seen);
  for (const std::size_t tcp_bytes :
       std::initializer_list<std::size_t>{8, 9, 15, 32, 33, 1000})  // with a TCP checksum, all that it covers
    this->expect_translated(kToService, text, tcp_bytes);
  EXPECT_EQ(this->counted(Event::kIcmpTranslated), 6u);
}

TYPED_TEST(IcmpError, TellsTheClientOfItsOwnSegmentSackAndTimestampsIncluded) {
  this->open();
  FrameBuilder sacked = this->client.segment();
  Bytes options = bytes_of({1, 1, 5, 18});
  for (const std::uint32_t edge : {100u, 200u, 300u, 400u})
    append(options, bytes_of(wire::BigEndian32{this->client.service_next + edge}));
  append(options, bytes_of({1, 1, 8, 10}));
  append(options, bytes_of(wire::BigEndian32{this->client.tsval}));
  append(options, bytes_of(wire::BigEndian32{this->client.agreed_timestamps->tsval}));
  const auto segment = this->from_client(sacked.tcp_options(options).payload("text").build());
  ASSERT_NE(segment.sent, segment.seen);
  for (const std::size_t tcp_bytes : std::initializer_list<std::size_t>{8, 52, 1000})
    this->expect_translated(kToClient, segment, tcp_bytes);
}

TYPED_TEST(IcmpError, HasARightChecksumWhereverTheQuoteIsCut) {
  this->open();
  const auto down = this->from_backend(this->backend.text("some text"));
  const auto up = this->from_client(this->client.text("more text"));
  for (std::size_t tcp_bytes = 8; tcp_bytes <= 41; ++tcp_bytes) {
    for (const bool to_service : {kToService, kToClient}) {
      const auto quoted = this->quote(to_service ? down.seen : up.seen, tcp_bytes);
      const Outcome outcome = this->run_error(to_service, this->too_big(to_service, quoted).build());
      EXPECT_EQ(outcome.verdict, Route::kForward);
      EXPECT_TRUE(this->icmp_is_intact(outcome.frame)) << tcp_bytes;
    }
  }
}

TYPED_TEST(IcmpError, ThatCameCorruptArrivesCorrupt) {
  this->open();
  const auto text = this->from_backend(this->backend.text("text"));
  const auto quoted = this->quote(text.seen);
  const Outcome outcome = this->lab.run(this->too_big(kToService, quoted).wrong_checksum().build());
  EXPECT_EQ(outcome.verdict, Route::kForward);
  EXPECT_FALSE(this->icmp_is_intact(outcome.frame));
}

TYPED_TEST(IcmpError, MayQuoteOptionsOrExtensionHeadersOfIp) {
  this->open();
  FrameBuilder down = this->backend.segment();
  FrameBuilder up = this->client.segment();
  for (FrameBuilder* built : {&down, &up}) {
    if (TestFixture::kIs4) {
      built->ip_options(bytes_of({1, 1, 1, 0}));
    } else {
      built->extension(wire::IpProtocol::kHopByHopOptions, 16)
          .extension(wire::IpProtocol::kDestinationOptions);
    }
  }
  this->expect_translated(kToService, this->from_backend(down.payload("down").build()));
  this->expect_translated(kToClient, this->from_client(up.payload("up").build()));
}

TYPED_TEST(IcmpError, KeepsVlanTags) {
  this->open();
  const auto text = this->from_backend(this->backend.text("text"));
  const auto error = [this](const Bytes& frame) {
    return this->too_big(kToService, this->quote(frame)).vlan(7).build();
  };
  EXPECT_TRUE(same_frame(this->lab.run(error(text.seen)).frame, error(text.sent)));
}

TYPED_TEST(IcmpError, IsTranslatedWhenItsTypeQuotesASegmentAndPassesOtherwise) {
  this->open();
  const auto text = this->from_backend(this->backend.text("text"));
  const std::vector<int> errors = TestFixture::kIs4 ? std::vector{3, 11, 12} : std::vector{1, 2, 3, 4};
  for (int type = 0; type < 256; ++type) {
    const auto error = [&](const Bytes& frame) {
      FrameBuilder built = this->router(kToService);
      built.icmp_error(static_cast<std::uint8_t>(type), 1);
      return built.payload(this->quote(frame)).build();
    };
    const bool is_error = std::find(errors.begin(), errors.end(), type) != errors.end();
    EXPECT_TRUE(same_frame(this->lab.run(error(text.seen)).frame, error(is_error ? text.sent : text.seen)))
        << type;
  }
  EXPECT_EQ(this->counted(Event::kIcmpTranslated), errors.size());
}

TYPED_TEST(IcmpError, LeavesTheExtensionsBehindTheQuoteAlone) {
  this->open();
  const auto text = this->from_backend(this->backend.text("text"));
  const auto extended =
      [this](const Bytes& frame) {  // RFC 4884: zeros up to 128 bytes, and an object behind them
        Bytes quoted = this->quote(frame);
        quoted.resize(128);
        append(quoted, bytes_of({0x20, 0, 0x82, 0x61, 0, 8, 1, 1, 0, 0x01, 0x01, 0x01}));
        return this->too_big(kToService, quoted).build();
      };
  EXPECT_TRUE(same_frame(this->lab.run(extended(text.seen)).frame, extended(text.sent)));
}

using IcmpError6 = RouterTest<FamilyType<wire::Family::kIpv6>>;
TEST_F(IcmpError6, NothingBehind128BytesOfTheQuoteIsTakenForTcpOptions) {
  open();
  Bytes options(24, std::byte{1});  // the timestamps lie behind what RFC 4884 says is the segment's
  append(options, bytes_of({8, 10, 1, 2, 3, 4, 5, 6, 7, 8}));
  FrameBuilder built = backend.segment();
  built.extension(wire::IpProtocol::kDestinationOptions, 48).tcp_options(options);
  const auto segment = from_backend(built.build());
  const Bytes error = too_big(kToService, quote(segment.seen)).build();
  const Outcome outcome = run_error(kToService, error);
  EXPECT_NE(outcome.frame, error);
  const auto behind = [](const Bytes& frame) {
    return Bytes(frame.begin() + 14 + 40 + 8 + 128, frame.end());
  };
  EXPECT_EQ(behind(outcome.frame), behind(error));
  EXPECT_TRUE(icmp_is_intact(outcome.frame));
}

TYPED_TEST(IcmpError, ThatQuotesWhatWasNeverSentIsDropped) {
  this->open();
  const std::uint32_t near = 1u << 24;
  this->from_backend(this->backend.text("some text"));
  this->from_client(this->client.text("more text"));
  // As routers see them: the backend's segments in the cookie's numbers.
  FrameBuilder down = this->backend.segment(), up = this->client.segment();
  const std::uint32_t service_next = this->client.service_next + 9, client_next = this->client.next;
  for (const std::uint32_t beyond : {1u, near, 1u << 31, 0u - near}) {
    const Bytes of_backend = down.seq(service_next + beyond).build();
    this->expect_dropped(kToService, this->quote(of_backend), Drop::kIcmpOutOfWindow);
    const Bytes of_client = up.seq(client_next + beyond).build();
    this->expect_dropped(kToClient, this->quote(of_client), Drop::kIcmpOutOfWindow);
  }
  for (const std::uint32_t at_or_before : {0u, 0u - 9u, 1u - near}) {
    const Bytes of_backend = down.seq(service_next + at_or_before).build();
    const Bytes error = this->too_big(kToService, this->quote(of_backend)).build();
    EXPECT_EQ(this->run_error(kToService, error).verdict, Route::kForward);
    const Bytes of_client = up.seq(client_next + at_or_before).build();
    const Bytes other = this->too_big(kToClient, this->quote(of_client)).build();
    EXPECT_EQ(this->run_error(kToClient, other).verdict, Route::kForward);
  }
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(IcmpError, BeforeTheBackendHasAnsweredEndsHereAndHarmsNothing) {
  const auto syn = this->promote();
  const Bytes our_syn = this->client.segment(Flags::kSyn).seq(this->client.isn).build();
  this->expect_dropped(kToClient, this->quote(our_syn), Drop::kIcmpNoBackend);
  const Bytes our_syn_ack =
      this->backend.frame(Flags::kSyn | Flags::kAck).seq(this->client.service_next - 1).build();
  this->expect_dropped(kToService, this->quote(our_syn_ack), Drop::kIcmpNoBackend);
  this->answer(syn);
  this->to_backend(this->client.text("alive"));
}

TYPED_TEST(IcmpError, OfAConnectionThatItsBackendRefusedEndsHere) {
  this->promote();
  this->lab.run_inside(this->backend.frame(Flags::kRst | Flags::kAck).seq(0).ack(this->client.next).build());
  ASSERT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  const Bytes our_rst = this->backend.frame(Flags::kRst).seq(this->client.service_next).build();
  this->expect_dropped(kToService, this->quote(our_rst), Drop::kIcmpNoBackend);
}

TYPED_TEST(IcmpError, OfAConnectionThatIsOverIsStillTranslated) {
  this->open();
  this->to_backend(this->client.fin());
  this->backend.client_next = this->client.next;
  const auto fin = this->from_backend(this->backend.fin());
  this->client.service_next += 1;
  this->to_backend(this->client.ack());
  this->lab.pass(61'000);
  ASSERT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  this->expect_translated(kToService, fin);
}

TYPED_TEST(IcmpError, OfAConnectionOlderThanSynwardPassesUntouched) {
  const Bytes down = this->backend.segment().payload("old").build();
  this->expect_untouched(kToService, this->too_big(kToService, this->quote(down)).build());
  const Bytes up = this->client.segment().payload("old").build();
  this->expect_untouched(kToClient, this->too_big(kToClient, this->quote(up)).build());
}

TYPED_TEST(IcmpError, PassesUntouchedWhenItQuotesNoSegmentOfThisConnectionsSender) {
  this->open();
  const auto down = this->from_backend(this->backend.text("text"));
  const auto up = this->from_client(this->client.text("text"));
  const auto untouched = [this](bool to_service, const Bytes& quoted) {
    this->expect_untouched(to_service, this->too_big(to_service, quoted).build());
  };
  untouched(kToService, this->quote(down.seen, 7));
  untouched(kToService, this->quote(up.seen));  // it went the other way
  untouched(kToClient, this->quote(down.seen));
  untouched(kToService, {});
  Bytes another = this->quote(down.seen);
  const std::size_t tcp = TestFixture::kIs4 ? 20 : 40, protocol = TestFixture::kIs4 ? 9 : 6;
  another[protocol] = std::byte{wire::IpProtocol::kUdp};
  untouched(kToService, another);
  another = this->quote(down.seen);
  another[tcp + 1] ^= std::byte{1};  // another port
  untouched(kToService, another);
  another = this->quote(down.seen);
  another[tcp + 12] = std::byte{0x40};  // a header of 16 bytes
  untouched(kToService, another);
  another = this->quote(down.seen);
  another[0] ^= std::byte{0x20};  // the other family's version
  untouched(kToService, another);
}

TYPED_TEST(IcmpError, InFragmentsOrAboutLaterFragmentsPassesUntouched) {
  this->open();
  const auto text = this->from_backend(this->backend.text("text"));
  for (const bool first : {true, false}) {
    FrameBuilder error = this->too_big(kToService, this->quote(text.seen));
    this->expect_untouched(kToService, error.fragment(first ? 0 : 1280, first).build());
  }
  const auto quoting = [this](std::size_t offset, bool more) {
    FrameBuilder quoted = this->backend.frame(Flags::kAck);
    const Bytes frame = quoted.seq(this->client.service_next).fragment(offset, more).build();
    return this->too_big(kToService, this->quote(frame, 8)).build();
  };
  this->expect_untouched(kToService, quoting(1280, false));
  this->expect_untouched(kToService, quoting(1280, true));
  const Bytes first = quoting(0, true);
  const Outcome outcome = this->lab.run(first);
  EXPECT_EQ(outcome.verdict, Route::kForward);
  EXPECT_NE(outcome.frame, first);
  EXPECT_TRUE(this->icmp_is_intact(outcome.frame));
}

}  // namespace
}  // namespace synward::test
