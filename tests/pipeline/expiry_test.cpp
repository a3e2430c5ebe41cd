// What silence ends, by which way its frames leave, and what a full outbox puts off.
#include "tests/support/expect_frame.hpp"
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;
using wire::Family;
using wire::TcpFlags;

constexpr std::uint64_t kIdleMs = 7'440'000;  // RFC 5382 REQ-5: 2 h 4 min

template <typename Type>
class Expiry : public ConnectionTest<Type> {
 protected:
  typename ConnectionTest<Type>::Client client{this->lab};
};
TYPED_TEST_SUITE(Expiry, Families, );

TYPED_TEST(Expiry, AnIdleConnectionIsResetAndForgotten) {
  this->client.open();
  EXPECT_TRUE(this->lab.pass(kIdleMs - 1'000, 10'000).empty());
  const auto sent = this->lab.pass(3'000);
  ASSERT_EQ(sent.size(), 1u);
  const auto rst = segment_in<TestFixture::kFamily>(sent[0]);
  EXPECT_EQ(rst.flags, TcpFlags::kRst | TcpFlags::kAck);
  EXPECT_EQ(rst.seq.value(), this->client.service_next);
  EXPECT_EQ(rst.ack.value(), this->client.next);
  EXPECT_EQ(this->client.phase(), std::nullopt);  // no tombstone: its cookie died hours ago
  EXPECT_EQ(read(this->lab.core.counters)[Event::kIdleReset], 1u);
  EXPECT_EQ(read(this->lab.core.counters)[Gauge::kConnections4], 0u);
}

TYPED_TEST(Expiry, ATombstoneOutlivesItsCookieAlsoWhenTheClockStepsBack) {
  this->client.ask();
  auto copy = this->client;
  const Bytes duplicate = copy.text("POST /pay");
  this->client.answer_to(this->client.text("POST /pay"));
  this->lab.run(this->client.rst());
  const std::uint64_t stepped_ms = kStartMs - 15'000;  // within the slot
  for (std::uint64_t ms = 0; ms < 109'000; ms += 100) {
    this->lab.core.set_clock({.wall_ms = stepped_ms + ms, .mono_ms = 1 + ms});
    housekeep(this->lab.core);
  }
  EXPECT_EQ(this->lab.run(duplicate).reason, Drop::kSpentCookie);
}

TYPED_TEST(Expiry, TsvalDoesNotGoBackWhenTheClockStepsBackDuringTheHandshake) {
  this->client.ask();
  this->lab.core.set_clock({.wall_ms = kStartMs - 10'000, .mono_ms = 50});
  const auto answer = this->client.answer_to(this->client.text("hello"));
  EXPECT_GE(answer.options.timestamps->tsval - this->client.agreed_timestamps->tsval, 0u);
  EXPECT_LT(answer.options.timestamps->tsval - this->client.agreed_timestamps->tsval, 1'000u);
}

TYPED_TEST(Expiry, EverySegmentOfTheConnectionPutsItOff) {
  this->client.open();
  for (int hour = 0; hour < 5; ++hour) {
    EXPECT_TRUE(this->lab.pass(3'600'000, 10'000).empty());
    this->lab.run(this->client.ack());
  }
  EXPECT_EQ(this->client.phase(), ConnectionPhase::kEstablished);
}

TYPED_TEST(Expiry, ForgedSegmentsDoNot) {
  this->client.open();
  auto forged = this->client;
  forged.service_next += 12345;
  auto outside = this->client;
  outside.next += 10'000'000;
  std::size_t sent = 0;
  for (int hour = 0; hour < 3; ++hour) {
    this->lab.run(forged.ack());
    this->lab.run(outside.segment().payload("x").build());
    sent += this->lab.pass(3'600'000, 10'000).size();
  }
  EXPECT_EQ(sent, 1u);
}

TYPED_TEST(Expiry, AShortIdleTimeoutLeavesATombstoneAsLongAsTheCookieLives) {
  auto services = PipelineLab::default_services();
  for (auto& service : services) service.idle_timeout_ms = 3'000;
  PipelineLab short_lab{services};
  typename TestFixture::Client brief{short_lab};
  brief.open();
  EXPECT_EQ(short_lab.pass(5'000).size(), 1u);
  EXPECT_EQ(brief.phase(), ConnectionPhase::kTombstone);
  EXPECT_EQ(short_lab.run(brief.ack()).reason, Drop::kSpentCookie);
  short_lab.pass(2 * cookie::kSlotMs);
  EXPECT_EQ(brief.phase(), std::nullopt);
}

/// The services with other timeouts, since now.
Policy policy_since(const PipelineLab& lab, std::uint32_t idle_timeout_ms, std::uint32_t close_after_ms = 0) {
  auto services = PipelineLab::default_services();
  for (service::Service& service : services) {
    service.idle_timeout_ms = idle_timeout_ms;
    service.close_after_ms = close_after_ms;
    service.timeouts_since_ms = lab.core.now.mono_ms;
  }
  return Policy{service::ServiceTable{std::move(services)}};
}

TYPED_TEST(Expiry, LongerTimeoutsHoldForConnectionsThatAreSilentAlready) {
  const Policy closing = policy_since(this->lab, kIdleMs, 30'000);
  this->lab.core.serve(closing);
  this->client.open();
  this->lab.pass(20'000, 1'000);
  const Policy idle = policy_since(this->lab, kIdleMs);
  this->lab.core.serve(idle);
  EXPECT_TRUE(this->lab.pass(kIdleMs - 1'000, 10'000).empty()) << "since the change";
  ASSERT_EQ(this->lab.pass(3'000).size(), 1u);
  EXPECT_EQ(this->client.phase(), std::nullopt);
}

/// Its deadline, less the new timeout, would say that it spoke hours from now.
TYPED_TEST(Expiry, AShorterTimeoutMakesNoCookieOlderThanItsConnection) {
  this->client.open();
  this->lab.pass(10'000, 1'000);
  const Policy shorter = policy_since(this->lab, 60'000);
  this->lab.core.serve(shorter);
  this->lab.pass(10'000, 1'000);
  typename TestFixture::Client rebooted{this->lab};
  rebooted.isn = 0x7000'0000;
  rebooted.next = rebooted.isn + 1;
  rebooted.ask();
  EXPECT_EQ(this->lab.run(rebooted.ack()).verdict, Route::kForward);
  EXPECT_EQ(read(this->lab.core.counters)[Event::kReplaced], 1u);
}

/// Its deadline, less the new timeout, would say that it spoke long before it did.
TYPED_TEST(Expiry, ALongerTimeoutMakesNoCookieYoungerThanItsConnection) {
  const Policy shorter = policy_since(this->lab, 60'000);
  this->lab.core.serve(shorter);
  typename TestFixture::Client old{this->lab};
  old.isn = 0x7000'0000;
  old.next = old.isn + 1;
  old.ask();
  const Bytes duplicate = old.ack();
  this->lab.pass(5'000, 1'000);
  this->client.open();
  const Policy longer = policy_since(this->lab, kIdleMs);
  this->lab.core.serve(longer);
  this->lab.pass(5'000, 1'000);
  EXPECT_EQ(this->lab.run(duplicate).reason, Drop::kSpentCookie);
}

TYPED_TEST(Expiry, AFullOutboxPutsOffAndLosesNothing) {
  auto services = PipelineLab::default_services();
  for (auto& service : services) service.idle_timeout_ms = 3'000;
  PipelineLab short_lab{services, 1000, 1000};
  constexpr std::size_t kClients = 3 * Outbox::kFrames;
  std::vector<typename TestFixture::Client> clients;
  clients.reserve(kClients);
  for (std::uint16_t port = 1; port <= kClients; ++port) clients.emplace_back(short_lab, port).open();
  EXPECT_EQ(short_lab.pass(20'000).size(), kClients);
  EXPECT_EQ(read(short_lab.core.counters)[Event::kIdleReset], kClients);
}

TEST(UnsolicitedFrame, LeavesByTheTagsAndTheStationThatTheClientCameFrom) {
  auto services = PipelineLab::default_services();
  services[0].idle_timeout_ms = 3'000;
  PipelineLab lab{services};
  LabClient<Family::kIpv4> client{lab};
  const wire::MacAddress router = mac("02:00:00:00:00:77");
  client.ask();
  const auto tagged = [&](FrameBuilder frame) {
    return frame.vlan(100, wire::EtherType::kQinQ).vlan(7).mac(kOurMac, router).build();
  };
  lab.run(tagged(client.segment()));
  const auto sent = lab.pass(5'000);
  ASSERT_EQ(sent.size(), 1u);
  auto expected = FrameBuilder{}
                      .ipv4(kService4, kClient4)
                      .mac(router, kOurMac)
                      .vlan(100, wire::EtherType::kQinQ)
                      .vlan(7)
                      .tcp(kServicePort, 40000, TcpFlags::kRst | TcpFlags::kAck)
                      .seq(client.service_next)
                      .ack(client.next)
                      .window((1u << 20) >> 7);
  const auto timestamps = segment_in<Family::kIpv4>(Bytes(sent[0])).options.timestamps;
  EXPECT_TRUE(timestamps);
  EXPECT_TRUE(same_frame(sent[0], expected.tcp_options(timestamps.value_or(wire::TcpTimestamps{})).build()));
}

TEST(UnsolicitedFrame, FollowsAClientToAnotherRouterButNotASpoofer) {
  auto services = PipelineLab::default_services();
  services[0].idle_timeout_ms = 3'000;
  PipelineLab lab{services};
  LabClient<Family::kIpv4> client{lab};
  const wire::MacAddress second = mac("02:00:00:00:00:78"), spoofer = mac("02:00:00:00:00:79");
  client.open();
  lab.run(client.segment().mac(kOurMac, second).build());
  auto old = client;
  old.next -= 5;
  lab.run(old.segment().payload("spoof").mac(kOurMac, spoofer).build());
  const auto sent = lab.pass(5'000);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(std::equal(second.bytes.begin(), second.bytes.end(),
                         reinterpret_cast<const std::uint8_t*>(sent[0].data())));
}

}  // namespace
}  // namespace synward::test
