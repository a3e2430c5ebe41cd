// Services that the operator takes out while connections go on: stages/retire_syns.cpp, CoreState::serve().
#include <gtest/gtest.h>

#include "tests/support/lab_backend.hpp"

namespace synward::test {
namespace {

using service::Standing;

Policy policy_with(Standing standing) {
  auto services = PipelineLab::default_services();
  for (service::Service& service : services) service.standing = standing;
  return Policy{service::ServiceTable{std::move(services)}};
}
const Policy kServed = policy_with(Standing::kServed), kRetired = policy_with(Standing::kRetired),
             kGone = policy_with(Standing::kGone);

template <typename Type>
class RetiredService : public ConnectionTest<Type> {
 protected:
  /// Of the family's service.
  [[nodiscard]] std::size_t live() const {
    return this->lab.core.live(ConnectionTest<Type>::kFamily == wire::Family::kIpv4 ? 0 : 1);
  }
};
TYPED_TEST_SUITE(RetiredService, Families);

TYPED_TEST(RetiredService, KeepsItsConnectionsAndHandshakesAndAnswersNoSyn) {
  typename TestFixture::Client open{this->lab}, asking{this->lab, 40001}, late{this->lab, 40002};
  open.open();
  asking.ask();
  this->lab.core.serve(kRetired);
  EXPECT_EQ(this->live(), 1u);
  EXPECT_EQ(open.answer_to(open.text("text")).ack.value(), open.next);
  EXPECT_EQ(this->lab.run(asking.ack()).verdict, Route::kForward);
  EXPECT_EQ(this->live(), 2u);
  EXPECT_EQ(this->lab.run(late.syn()).reason, Drop::kNoService);
  this->lab.core.serve(kServed);
  late.open();
  EXPECT_EQ(this->live(), 3u);
}

TYPED_TEST(RetiredService, HasNoConnectionsWhenTheyHaveEnded) {
  typename TestFixture::Client client{this->lab};
  client.open();
  EXPECT_EQ(this->live(), 1u);
  this->lab.core.serve(kRetired);
  this->lab.run(client.rst());
  EXPECT_EQ(this->live(), 0u) << "its tombstone is none";
  this->lab.core.serve(kGone);
  EXPECT_EQ(this->lab.run(client.ack()).reason, Drop::kNoService);
  this->lab.pass(200'000);
}

TYPED_TEST(RetiredService, OthersAreServedInTheSameBurst) {
  auto services = PipelineLab::default_services();
  services[TestFixture::kFamily == wire::Family::kIpv4 ? 0 : 1].standing = Standing::kRetired;
  const Policy one{service::ServiceTable{std::move(services)}};
  this->lab.core.serve(one);
  constexpr auto kOther =
      TestFixture::kFamily == wire::Family::kIpv4 ? wire::Family::kIpv6 : wire::Family::kIpv4;
  std::vector<Bytes> burst;
  for (std::uint16_t port = 40000; port < 40020; ++port) {
    burst.push_back(typename TestFixture::Client{this->lab, port}.syn());
    burst.push_back(LabClient<kOther>{this->lab, port}.syn());
  }
  const auto outcomes = this->lab.run(burst);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].verdict, i % 2 == 0 ? Route::kDrop : Route::kSend) << i;
    EXPECT_EQ(outcomes[i].reason, i % 2 == 0 ? Drop::kNoService : Drop::kNone) << i;
  }
}

template <typename Type>
class RetiredBackend : public ProxyTest<Type> {
 protected:
  /// Of the client's old port, with other numbers at both ends.
  void expect_a_new_connection_passes() {
    typename ProxyTest<Type>::Client again{this->lab};
    again.isn = 0x7000'0000;
    again.next = again.isn + 1;
    typename ProxyTest<Type>::Backend anew{again};
    anew.isn = 0x2222'0000;
    anew.next = anew.isn + 1;
    expect_unchanged(again.syn(), PipelineLab::kOutside);
    expect_unchanged(anew.syn_ack(segment_in<ProxyTest<Type>::kFamily>(again.syn())), PipelineLab::kInside);
    again.service_next = anew.next;
    expect_unchanged(again.ack(), PipelineLab::kOutside);
    expect_unchanged(again.text("text"), PipelineLab::kOutside);
    anew.client_next = again.next;
    expect_unchanged(anew.text("answer"), PipelineLab::kInside);
  }

 private:
  void expect_unchanged(const Bytes& frame, std::uint16_t port) {
    const Outcome outcome = this->lab.run(std::vector<Bytes>{frame}, false, port).front();
    EXPECT_EQ(outcome.verdict, Route::kForward);
    EXPECT_EQ(outcome.frame, frame);
  }
};
TYPED_TEST_SUITE(RetiredBackend, Families);

TYPED_TEST(RetiredBackend, MeetsItsClientsAsIfSynwardWereACable) {
  this->lab.core.serve(kRetired);
  const Bytes syn = this->client.syn();
  const Outcome passed = this->lab.run(syn);
  EXPECT_EQ(passed.verdict, Route::kForward);
  EXPECT_EQ(passed.frame, syn);
  // More of them than may be of connections that are older than synward.
  this->client.service_next = 0x1000'0001;
  for (std::uint32_t n = 0; n < 2 * kUnknownPassesPerSecond; ++n)
    ASSERT_EQ(this->lab.run(this->client.text("x")).verdict, Route::kForward) << n;
  EXPECT_EQ(this->counted(Event::kAdopted), 0u);
  this->lab.core.serve(kServed);
  std::size_t ended = 0;
  for (std::uint32_t n = 0; n < 2 * kUnknownPassesPerSecond; ++n)
    ended += std::size_t{this->lab.run(this->client.text("x")).reason == Drop::kUnknownLimited};
  EXPECT_GT(ended, 0u);
}

/// Nobody translates the new connection by the old one's numbers.
TYPED_TEST(RetiredBackend, MeetsAClientAgainThatHasForgottenItsConnection) {
  this->open();
  this->lab.core.serve(kRetired);
  this->expect_a_new_connection_passes();
}
TYPED_TEST(RetiredBackend, MeetsAClientAgainThatHasResetItsConnection) {
  this->open();
  this->lab.run(this->client.rst());
  this->lab.core.serve(kRetired);
  this->expect_a_new_connection_passes();
}
TYPED_TEST(RetiredBackend, MeetsAClientAgainOfWhoseConnectionATombstoneIsLeft) {
  this->open();
  this->lab.run(this->client.rst());
  this->lab.core.serve(kRetired);
  this->lab.pass(70'000, 1'000);
  EXPECT_EQ(this->client.phase(), table::ConnectionPhase::kTombstone);
  this->expect_a_new_connection_passes();
}

TYPED_TEST(RetiredBackend, IsSplicedOnForThoseThatWere) {
  this->open();
  this->lab.core.serve(kRetired);
  EXPECT_EQ(this->lab.run(this->client.text("text")).verdict, Route::kForward);
}

}  // namespace
}  // namespace synward::test
