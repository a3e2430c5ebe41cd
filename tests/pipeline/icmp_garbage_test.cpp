// ICMP of any kind, from anyone: what is not understood passes as it is, and nothing outside a quote changes.
#include <random>

#include "tests/support/lab_router.hpp"

namespace synward::test {
namespace {

template <typename Type>
class IcmpGarbage : public RouterTest<Type> {
 protected:
  std::uint32_t below(std::uint32_t end) {
    return std::uniform_int_distribution<std::uint32_t>{0, end - 1}(random);
  }
  Bytes some(std::size_t bytes) {
    Bytes made(bytes);
    for (std::byte& byte : made) byte = static_cast<std::byte>(below(256));
    return made;
  }
  /// A quote of a spliced segment, with a few bytes changed or cut off.
  Bytes spoiled(const Bytes& seen) {
    Bytes quoted = this->quote(seen, below(80));
    for (std::uint32_t n = below(4); n > 0 && !quoted.empty(); --n)
      quoted[below(static_cast<std::uint32_t>(quoted.size()))] = static_cast<std::byte>(below(256));
    if (below(4) == 0) quoted.resize(below(static_cast<std::uint32_t>(quoted.size()) + 1));
    return quoted;
  }
  /// Same length, same bytes before the ICMP checksum and behind 128 bytes of the quote; and intact.
  void expect_harmless(const Bytes& error, const Outcome& outcome) {
    constexpr std::size_t kMessage = sizeof(wire::EthernetHeader) + (RouterTest<Type>::kIs4 ? 20 : 40);
    ASSERT_EQ(outcome.frame.size(), error.size());
    if (outcome.verdict == Route::kDrop) {
      ASSERT_EQ(outcome.frame, error);
    }
    for (std::size_t at = 0; at < error.size(); ++at) {
      const bool may_change =
          at == kMessage + 2 || at == kMessage + 3 || (at >= kMessage + 8 && at < kMessage + 136);
      if (!may_change) {
        ASSERT_EQ(outcome.frame[at], error[at]) << at;
      }
    }
    ASSERT_TRUE(this->icmp_is_intact(outcome.frame));
  }
  std::mt19937 random{792};
};
TYPED_TEST_SUITE(IcmpGarbage, Families);

TYPED_TEST(IcmpGarbage, NeverCrashesAndNeverSpreads) {
  this->open();
  const auto down = this->from_backend(this->backend.text("some text"));
  const auto up = this->from_client(this->client.text("more text"));
  for (int round = 0; round < 20'000; ++round) {
    const bool to_service = this->below(2) == 0;
    FrameBuilder built = this->router(to_service);
    built.icmp_error(static_cast<std::uint8_t>(1 + this->below(12)), 0, 1300);
    const bool raw = this->below(8) == 0;
    built.payload(raw ? this->some(this->below(200)) : this->spoiled(to_service ? down.seen : up.seen));
    const Bytes error = built.build();
    const Outcome outcome = this->run_error(to_service, error);
    ASSERT_NO_FATAL_FAILURE(this->expect_harmless(error, outcome)) << round;
  }
  EXPECT_GT(this->counted(Event::kIcmpTranslated), 1000u);
}

TYPED_TEST(IcmpGarbage, MayEndAnywhere) {
  this->open();
  const auto text = this->from_backend(this->backend.text("some text"));
  const Bytes error = this->too_big(true, this->quote(text.seen)).build();
  for (std::size_t bytes = 0; bytes < error.size(); ++bytes) {
    const Bytes cut(error.begin(), error.begin() + std::ptrdiff_t(bytes));
    const Outcome outcome = this->lab.run(cut);
    EXPECT_EQ(outcome.frame, cut) << bytes;  // its IP header promises more than there is
  }
}

TYPED_TEST(IcmpGarbage, GoesToTheCoreThatOwnsTheQuotedFlow) {
  Steering::Seed seed;
  for (auto& byte : seed) byte = static_cast<std::uint8_t>(this->below(256));
  const Steering steering{seed, 2};
  this->lab.core.steering = &steering;
  int handed_over = 0;
  for (std::uint16_t port = 40000; port < 40064; ++port) {
    typename TestFixture::Client one{this->lab, port};
    const typename TestFixture::Backend other{one};
    const auto flow = one.key();
    const auto owner =
        steering.owner<TestFixture::kFamily>(flow.client, flow.service, flow.client_port, flow.service_port);
    for (const bool to_service : {true, false}) {
      const Bytes segment = to_service ? other.segment().build() : one.segment().build();
      const Bytes error = this->too_big(to_service, this->quote(segment, 8)).build();
      EXPECT_EQ(this->run_error(to_service, error).verdict, owner == 0 ? Route::kForward : Route::kHandOver);
      const std::uint16_t from = to_service ? PipelineLab::kOutside : PipelineLab::kInside;
      EXPECT_EQ(this->lab.run({error}, true, from).front().verdict, Route::kForward);  // decided here
    }
    handed_over += owner;
  }
  EXPECT_GT(handed_over, 16);
  EXPECT_LT(handed_over, 48);
}

}  // namespace
}  // namespace synward::test
