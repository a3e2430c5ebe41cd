// What is learned of a backend: SYNs that pass and teach, promises, a backend that is down, older
// connections.
#include "tests/support/lab_backend.hpp"

namespace synward::test {
namespace {

using Flags = wire::TcpFlags;
using table::ConnectionPhase;

/// A lab whose backends have never answered.
template <typename Type>
class Unlearned : public ProxyTest<Type> {
 protected:
  Unlearned() { this->lab.core.profiles = &nothing; }
  /// A SYN of this client passes; returns the SYN-ACK that the client gets from the backend itself.
  handshake::Segment pass_syn() {
    const Bytes asked = this->client.syn();
    const Outcome passed = this->lab.run(asked);
    EXPECT_EQ(passed.verdict, Route::kForward);
    EXPECT_EQ(passed.frame, asked);
    const Bytes answer = this->backend.syn_ack(segment_in<Type::kFamily>(asked));
    const Outcome back = this->lab.run_inside(answer);
    EXPECT_EQ(back.verdict, Route::kForward);
    EXPECT_EQ(back.frame, answer);
    const auto seen = segment_in<Type::kFamily>(answer);
    this->client.service_next = seen.seq.value() + 1;
    this->client.agreed_timestamps = seen.options.timestamps;
    return seen;
  }
  proxy::BackendProfiles nothing{table::HashSecret{}, 16};
};
TYPED_TEST_SUITE(Unlearned, Families);

TYPED_TEST(Unlearned, TheFirstSynPassesAndItsAnswerIsWhatLaterOnesGet) {
  const auto answer = this->pass_syn();
  EXPECT_EQ(this->counted(Event::kSynPassed), 1u);
  typename TestFixture::Client second{this->lab, 40001};
  second.ask();
  const auto syn_ack = segment_in<TestFixture::kFamily>(this->lab.run(second.syn()).frame);
  EXPECT_EQ(syn_ack.options.mss, answer.options.mss);
  EXPECT_EQ(syn_ack.options.window_scale, answer.options.window_scale);
  EXPECT_EQ(syn_ack.options.sack_permitted, answer.options.sack_permitted);
  EXPECT_EQ(syn_ack.options.timestamps.has_value(), answer.options.timestamps.has_value());
  EXPECT_EQ(syn_ack.window, answer.window);
}

TYPED_TEST(Unlearned, WhatTheBackendDeclinedIsPromisedToNobody) {
  this->backend = typename TestFixture::Backend{this->client, {.mss = 1400}};
  this->pass_syn();
  // It is asked again, but not for every client.
  EXPECT_EQ(this->lab.run(typename TestFixture::Client{this->lab, 39999}.syn()).verdict, Route::kForward);
  typename TestFixture::Client second{this->lab, 40001};
  const auto syn_ack = segment_in<TestFixture::kFamily>(this->lab.run(second.syn()).frame);
  EXPECT_EQ(syn_ack.options.mss, 1400);
  EXPECT_FALSE(syn_ack.options.window_scale);
  EXPECT_FALSE(syn_ack.options.sack_permitted);
  EXPECT_FALSE(syn_ack.options.timestamps);
  // Nor is the backend asked for it on this client's behalf, whatever the client's own SYN had.
  second.ask();
  EXPECT_EQ(this->lab.run(second.ack()).verdict, Route::kHold);
  const auto syn = this->syn_to_backend();
  EXPECT_FALSE(syn.options.window_scale);
  EXPECT_FALSE(syn.options.sack_permitted);
  EXPECT_FALSE(syn.options.timestamps);
}

TYPED_TEST(Unlearned, WhatABackendDeclinedUnderStressIsPromisedAgainOnceItAgrees) {
  this->backend =
      typename TestFixture::Backend{this->client, {.mss = 1460}};  // as with SYN cookies of its own
  this->pass_syn();
  std::uint16_t port = 2000;
  const auto passes = [this, &port] {
    typename TestFixture::Client one{this->lab, ++port};
    const Outcome outcome = this->lab.run(one.syn());
    if (outcome.verdict != Route::kForward) return false;
    typename TestFixture::Backend well{one};
    this->lab.run_inside(well.syn_ack(segment_in<TestFixture::kFamily>(outcome.frame)));
    return true;
  };
  std::uint64_t asked = 0;
  const std::uint64_t slots = proxy::BackendProfiles::kRecentSlots + 4;
  for (std::uint64_t ms = 0; ms < slots * cookie::kSlotMs; ms += 2'000) {
    asked += passes() ? 1u : 0u;
    this->lab.pass(2'000, 1'000);
  }
  EXPECT_LE(asked, slots * cookie::kSlotMs / 1000 / kAskingAgainSeconds + 1);
  typename TestFixture::Client last{this->lab, 50000};
  const auto syn_ack = segment_in<TestFixture::kFamily>(this->lab.run(last.syn()).frame);
  EXPECT_EQ(syn_ack.options.window_scale, 7);
  EXPECT_TRUE(syn_ack.options.sack_permitted);
  EXPECT_TRUE(syn_ack.options.timestamps);
}

TYPED_TEST(Unlearned, OfTwoSynsOfOneTupleTheBackendDeclinedOnlyWhatBothAskedFor) {
  typename TestFixture::Client without{this->lab, 40000, kWindowsOptions};
  typename TestFixture::Backend answers{without};
  EXPECT_EQ(this->lab.run(without.syn()).verdict, Route::kForward);
  EXPECT_EQ(this->lab.run(this->client.syn()).verdict, Route::kForward);
  this->lab.run_inside(answers.syn_ack(segment_in<TestFixture::kFamily>(without.syn())));
  std::uint8_t known = 0;
  this->nothing.for_each(this->lab.core.keys.current(), 0,
                         [&known](const proxy::BackendReading& reading) { known = reading.promise->known; });
  EXPECT_EQ(known, proxy::OptionSet::kScale | proxy::OptionSet::kSack);
}

TYPED_TEST(Unlearned, ACookieWhosePromiseNobodyRemembersIsResetWhenItComesAgain) {
  this->lab.core.profiles = &this->lab.profiles;
  this->client.ask();
  this->lab.core.profiles = &this->nothing;
  EXPECT_EQ(this->lab.run(this->client.ack()).reason, Drop::kBadCookie);
  this->lab.pass(3'100);
  EXPECT_EQ(this->client.answer_to(this->client.ack()).flags, Flags::kRst);
}

TYPED_TEST(Unlearned, ASynThatPassesAfterASilentHandshakeIsAnsweredByTheBackend) {
  this->lab.core.profiles = &this->lab.profiles;
  this->promote();
  this->lab.pass(7'300);  // given up, and marked as down
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kTombstone);
  const Outcome passed = this->lab.run(this->client.syn());
  EXPECT_EQ(passed.verdict, Route::kForward);
  const Bytes answer = this->backend.syn_ack(segment_in<TestFixture::kFamily>(passed.frame));
  EXPECT_EQ(this->lab.run_inside(answer).frame, answer);
  EXPECT_EQ(this->counted(Event::kSynPassed), 1u);
  typename TestFixture::Client next{this->lab, 50000};
  next.ask();  // it is up again
}

TYPED_TEST(Unlearned, WhatABackendSaidInAnOlderConnectionOfTheTupleEndsWithIt) {
  this->lab.core.profiles = &this->lab.profiles;
  const std::uint32_t old_seq = 0x2222'0000, old_ack = 0x3333'0000;
  this->lab.run_inside(this->backend.frame(Flags::kAck).seq(old_seq).ack(old_ack).build());
  this->open();
  this->lab.run(this->client.segment().seq(old_ack).ack(old_seq).build());
  EXPECT_EQ(this->counted(Event::kAdopted), 0u);
  EXPECT_EQ(this->counted(Event::kReplaced), 0u);
}

TYPED_TEST(Unlearned, AConnectionThatPassedIsFollowedFromItsFirstAckOnAndNotTranslated) {
  this->pass_syn();
  const Bytes ack = this->client.ack();
  const Outcome outcome = this->lab.run(ack);
  EXPECT_EQ(outcome.verdict, Route::kForward);
  EXPECT_EQ(outcome.frame, ack);
  EXPECT_EQ(this->counted(Event::kAdopted), 1u);
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
  const Bytes question = this->client.text("question"), answer = this->backend.text("answer");
  EXPECT_EQ(this->lab.run(question).frame, question);
  EXPECT_EQ(this->lab.run_inside(answer).frame, answer);
}

TYPED_TEST(Unlearned, AFloodBeforeTheFirstAnswerReachesTheBackendWithinABudget) {
  std::uint32_t passed = 0;
  for (std::uint16_t n = 0; n < 100; ++n) {
    const Outcome outcome =
        this->lab.run(typename TestFixture::Client{this->lab, static_cast<std::uint16_t>(2000 + n)}.syn());
    passed += outcome.verdict == Route::kForward ? 1 : 0;
    EXPECT_EQ(outcome.reason, outcome.verdict == Route::kForward ? Drop::kNone : Drop::kBackendUnknown);
  }
  EXPECT_EQ(passed, kAskingSynsPerSecond);
}

TYPED_TEST(Unlearned, AnOptionThatNobodyAskedForYetLetsOneSynASecondPass) {
  this->client = typename TestFixture::Client{this->lab, 40000, kWindowsOptions};  // no timestamps
  this->backend = typename TestFixture::Backend{this->client};
  this->pass_syn();
  this->lab.pass(1'000);
  std::uint32_t passed = 0;
  for (std::uint16_t n = 0; n < 50; ++n) {
    const Outcome outcome =
        this->lab.run(typename TestFixture::Client{this->lab, static_cast<std::uint16_t>(2000 + n)}.syn());
    passed += outcome.verdict == Route::kForward ? 1 : 0;
    if (outcome.verdict == Route::kForward) continue;
    EXPECT_FALSE(segment_in<TestFixture::kFamily>(outcome.frame).options.timestamps);
  }
  EXPECT_EQ(passed, 1u);
}

TYPED_TEST(Unlearned, ASynAckOutOfTheBlueTeachesNothing) {
  handshake::Segment nobodys;
  nobodys.options = kLinuxOptions;
  EXPECT_EQ(this->lab.run_inside(this->backend.syn_ack(nobodys)).verdict, Route::kForward);
  EXPECT_EQ(this->nothing.size(), 0u);
}

TYPED_TEST(Unlearned, AConnectionOlderThanSynwardIsAdoptedWhenBothDirectionsAgree) {
  this->client.service_next = this->backend.next;
  const auto stranger = [this](std::uint32_t seq, std::uint32_t ack) {
    return this->lab.run(this->client.segment().seq(seq).ack(ack).build());
  };
  EXPECT_EQ(stranger(this->client.next, this->backend.next).verdict, Route::kForward);  // within the budget
  EXPECT_EQ(this->counted(Event::kUnknownPassed), 1u);
  EXPECT_EQ(this->lab.run_inside(this->backend.segment().build()).verdict, Route::kForward);
  stranger(this->client.next + (1u << 30), this->backend.next);
  EXPECT_EQ(this->counted(Event::kAdopted), 0u);
  stranger(this->client.next, this->backend.next);
  EXPECT_EQ(this->counted(Event::kAdopted), 1u);
}

TYPED_TEST(Unlearned, AConnectionThatAnEarlierSynwardTranslatedIsResetAtBothEnds) {
  this->client.service_next = 0xdead'0000;  // numbers of a cookie that nobody remembers
  this->lab.run_inside(this->backend.segment().build());
  const Bytes text = this->client.text("hello?");
  EXPECT_EQ(this->lab.run(text).verdict, Route::kForward);  // it may be a stranger's guess
  this->lab.pass(1'000);
  EXPECT_EQ(this->lab.run(text).verdict, Route::kForward);
  this->lab.pass(2'200);
  const auto rst = this->client.answer_to(text);
  EXPECT_EQ(rst.flags, Flags::kRst);
  EXPECT_EQ(rst.seq.value(), 0xdead'0000u);
  const auto sent = this->lab.take_originated();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].port, PipelineLab::kInside);
  EXPECT_EQ(segment_in<TestFixture::kFamily>(sent[0].bytes).seq.value(), this->client.isn + 1);
  EXPECT_EQ(this->counted(Event::kUntranslatable), 1u);
}

TYPED_TEST(Unlearned, NoGuessAtAnotherConnectionsNumbersResetsIt) {
  this->lab.run_inside(this->backend.segment().build());
  const auto guess = [this](std::uint32_t ahead, std::uint32_t ack) {
    const Bytes segment = this->client.segment().seq(this->client.next + ahead).ack(ack).build();
    EXPECT_EQ(this->lab.run(segment).verdict, Route::kForward);
    this->lab.pass(500);
  };
  for (std::uint32_t n = 0; n < 50; ++n) guess(0, 0x5000'0000 + n * (1u << 16));  // another each time
  for (std::uint32_t n = 0; n < 50; ++n) guess(1u << 17, 5);                      // too far off
  EXPECT_EQ(this->counted(Event::kUntranslatable), 0u);
}

template <typename Type>
using Down = ProxyTest<Type>;
TYPED_TEST_SUITE(Down, Families);

TYPED_TEST(Down, ARefusalLetsAFewSynsPassForASecondAndResetsTheOthersAtOnce) {
  this->promote();
  this->to_client(this->backend.frame(Flags::kRst | Flags::kAck).seq(0).ack(this->client.isn + 1).build());
  std::uint32_t passed = 0, resets = 0;
  const std::uint32_t all = kAskingSynsPerSecond + kDownResetsPerSecond + 5;
  for (std::uint32_t n = 0; n < all; ++n) {
    typename TestFixture::Client other{this->lab, static_cast<std::uint16_t>(2000 + n)};
    const Outcome outcome = this->lab.run(other.syn());
    passed += outcome.verdict == Route::kForward ? 1 : 0;
    if (outcome.verdict == Route::kDrop) {
      EXPECT_EQ(outcome.reason, Drop::kBackendDown);
    }
    if (outcome.verdict != Route::kSend) continue;
    ++resets;
    const auto rst = segment_in<TestFixture::kFamily>(outcome.frame);
    ASSERT_EQ(rst.flags, Flags::kRst | Flags::kAck);
    ASSERT_EQ(rst.ack.value(), other.isn + 1);
  }
  EXPECT_EQ(passed, kAskingSynsPerSecond);
  EXPECT_EQ(resets, kDownResetsPerSecond);
  this->lab.pass(1'100);
  typename TestFixture::Client later{this->lab, 50000};
  later.ask();  // a second later it may be up again
}

TYPED_TEST(Down, OneAnswerBringsItUpAtOnce) {
  this->promote();
  this->to_client(this->backend.frame(Flags::kRst | Flags::kAck).seq(0).ack(this->client.isn + 1).build());
  typename TestFixture::Client other{this->lab, 50000};
  typename TestFixture::Backend up{other};
  const Outcome passed = this->lab.run(other.syn());
  ASSERT_EQ(passed.verdict, Route::kForward);
  this->lab.run_inside(up.syn_ack(segment_in<TestFixture::kFamily>(passed.frame)));
  typename TestFixture::Client third{this->lab, 50001};
  third.ask();
}

TEST(Promises, OfABurstAreEachItsOwnBackends) {
  auto services = PipelineLab::default_services();
  services[0].prefix_bits = 24;
  services.push_back(services[0]);
  services.back().port = wire::Port{8443};
  PipelineLab lab{std::move(services), 1000, 64, PipelineLab::Mode::kInline};
  struct Server {
    const char* address;
    std::uint16_t port, mss;
  };
  // Neighbours in the burst differ in the address, in the port, in both or in nothing; the last is unknown.
  constexpr Server kServers[] = {{"198.18.0.20", kServicePort, 1001}, {"198.18.0.20", kServicePort, 1001},
                                 {"198.18.0.21", kServicePort, 1002}, {"198.18.0.21", 8443, 1003},
                                 {"198.18.0.20", 8443, 1004},         {"198.18.0.21", kServicePort, 1002},
                                 {"198.18.0.20", kServicePort, 1001}, {"198.18.0.22", 8443, 0}};
  std::vector<Bytes> burst;
  burst.reserve(std::size(kServers));
  for (const auto& [address, port, mss] : kServers) {
    if (mss != 0)
      lab.profiles.learn<wire::Family::kIpv4>(ip4(address), wire::Port{port}, {.mss = mss, .window = 60000},
                                              lab.core.keys.current());
    const wire::SynOptions asked{.mss = 1460};
    burst.push_back(
        FrameBuilder{}.ipv4(kClient4, ip4(address)).tcp(40000, port, Flags::kSyn).tcp_options(asked).build());
  }
  const auto outcomes = lab.run(burst);
  for (std::size_t n = 0; n < std::size(kServers); ++n) {
    if (kServers[n].mss == 0) {
      EXPECT_EQ(outcomes[n].verdict, Route::kForward);
    } else {
      EXPECT_EQ(segment_in<wire::Family::kIpv4>(outcomes[n].frame).options.mss, kServers[n].mss) << n;
    }
  }
}

}  // namespace
}  // namespace synward::test
