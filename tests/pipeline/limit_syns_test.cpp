// SYNs of one client prefix beyond its budget end at random, once it is caught; and only they.
#include <memory>

#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;

constexpr double kBudget = PrefixBudget::kPerSecond;

Bytes syn(const std::string& client, bool common = true) {
  FrameBuilder built;
  if (client.find(':') == std::string::npos) {
    built.ipv4(ip4(client), kService4);
  } else {
    built.ipv6(ip6(client), kService6);
  }
  built.tcp(40000, kServicePort, TcpFlags::kSyn);
  if (common) built.tcp_options(kLinuxOptions);  // as the kernels know them
  return built.build();
}

/// Sends so many frames like `frame` evenly over a second. Returns how many were answered; the others must
/// have ended for this reason.
double answered(PipelineLab& lab, const Bytes& frame, double per_second) {
  const std::vector<Bytes> burst(kBurstMax, frame);
  const auto bursts = static_cast<std::size_t>(per_second / kBurstMax);
  const std::uint64_t start = lab.core.now.wall_ms;
  double answers = 0;
  for (std::size_t b = 0; b < bursts; ++b) {
    lab.set_time(start + 1000 * b / bursts);
    for (const Outcome& outcome : lab.run(burst)) {
      if (outcome.verdict == Route::kSend) {
        ++answers;
      } else {
        EXPECT_EQ(outcome.reason, Drop::kSynBudget);
      }
    }
  }
  lab.set_time(start + 1000);
  return answers;
}

std::uint64_t limited_prefixes(PipelineLab& lab) {
  housekeep(lab.core);
  return read(lab.core.counters)[Gauge::kLimitedPrefixes];
}

struct FloodCase {
  std::string name, flood, same_prefix, next_prefix, other_family;
  bool common;
};

class LimitSyns : public testing::TestWithParam<FloodCase> {};

TEST_P(LimitSyns, AFloodFromOnePrefixGetsItsBudgetAndNobodyElseLosesAnything) {
  const auto& [name, flood, same_prefix, next_prefix, other_family, common] = GetParam();
  PipelineLab lab;
  EXPECT_EQ(limited_prefixes(lab), 0u);
  EXPECT_LE(answered(lab, syn(flood, common), 5 * kBudget), 2 * kBudget);
  EXPECT_EQ(limited_prefixes(lab), 1u);
  const double second = answered(lab, syn(flood, common), 5 * kBudget);
  EXPECT_NEAR(second, kBudget, 0.1 * kBudget);
  EXPECT_NEAR(answered(lab, syn(same_prefix, common), 5 * kBudget), kBudget, 0.1 * kBudget);
  for (const std::string& client : {next_prefix, other_family}) {
    for (const Outcome& outcome : lab.run(std::vector<Bytes>(kBurstMax, syn(client, common))))
      EXPECT_EQ(outcome.verdict, Route::kSend) << client;
  }
  const auto counted = read(lab.core.counters);
  EXPECT_GT(counted[Drop::kSynBudget], 110'000u);
  EXPECT_EQ(counted[Drop::kSynBudget], counted[Route::kDrop]);
}

const FloodCase kFloods[] = {
    {"Ipv4", "203.0.112.7", "203.0.112.200", "203.0.111.7", "2001:db8:1:2::7", true},
    {"Ipv4NoOptions", "203.0.112.7", "203.0.112.200", "203.0.111.7", "2001:db8:1:2::7", false},
    {"Ipv6", "2001:db8:1:2::7", "2001:db8:1:2:ffff::8", "2001:db8:1:3::7", "203.0.112.7", true},
    {"Ipv6NoOptions", "2001:db8:1:2::7", "2001:db8:1:2:ffff::8", "2001:db8:1:3::7", "203.0.112.7", false},
};
INSTANTIATE_TEST_SUITE_P(Flood, LimitSyns, testing::ValuesIn(kFloods),
                         [](const auto& test) { return test.param.name; });

TEST(LimitSynsTo, ALoadTestFromOneAddressIsAnsweredCompletely) {
  PipelineLab lab;
  for (int second = 0; second < 3; ++second)
    EXPECT_NEAR(answered(lab, syn("203.0.112.7"), 0.9 * kBudget), 0.9 * kBudget, kBurstMax);
  EXPECT_EQ(read(lab.core.counters)[Drop::kSynBudget], 0u);
}

TEST(LimitSynsTo, TakesOnlySynsWithRightChecksumsForSyns) {
  PipelineLab lab;
  const Bytes broken = FrameBuilder{}
                           .ipv4(kClient4, kService4)
                           .tcp(40000, kServicePort, TcpFlags::kSyn)
                           .wrong_checksum()
                           .build();
  const Bytes ack = FrameBuilder{}.ipv4(kClient4, kService4).tcp(40000, kServicePort, TcpFlags::kAck).build();
  for (const Bytes& frame : {broken, ack})
    for (int n = 0; n < 300; ++n) lab.run(std::vector<Bytes>(kBurstMax, frame));
  EXPECT_FALSE(lab.core.syn_budget.active());
}

TEST(LimitSynsTo, WhenTheFloodEndsTheGaugeSaysSoAlthoughNoSynComes) {
  PipelineLab lab;
  answered(lab, syn("203.0.112.7"), 5 * kBudget);
  EXPECT_EQ(limited_prefixes(lab), 1u);
  lab.pass(1500);
  EXPECT_EQ(limited_prefixes(lab), 0u);
  EXPECT_TRUE(lab.core.syn_budget.active());
  lab.pass(2500);
  EXPECT_FALSE(lab.core.syn_budget.active());
}

TEST(LimitSynsTo, APrefixTooManyIsCountedAndAnswered) {
  PipelineLab lab;
  PrefixBudget& budget = lab.core.syn_budget;
  budget.advance(lab.core.now.mono_ms);
  for (std::uint32_t other = 0; budget.marked() < PrefixBudget::kMarks; ++other) {
    const auto prefix = static_cast<ClientPrefix>(other);
    constexpr std::size_t kSyns = PrefixBudget::kSuspectSamples * PrefixBudget::kSampleEvery;
    EXPECT_EQ(budget.sample(kSyns, [=](std::size_t) { return prefix; }), 0u);
  }
  const std::vector<Bytes> burst(kBurstMax, syn("203.0.112.7"));
  for (int n = 0; n < 220; ++n) {
    for (const Outcome& outcome : lab.run(burst)) EXPECT_EQ(outcome.verdict, Route::kSend);
  }
  // 220 samples, of which the last 21 are of a suspect.
  EXPECT_NEAR(static_cast<double>(read(lab.core.counters)[Event::kPrefixUnmarked]), 21, 1);
}

}  // namespace
}  // namespace synward::test
