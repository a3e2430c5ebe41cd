// Mirrors bench/load/trial/plan.hpp and schedule.hpp: what is no plan is refused before anything is sent.
#include "bench/load/trial/plan.hpp"

#include <algorithm>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::load {
namespace {

TrialPlan plan() {
  TrialPlan made{.device = "net_null0"};
  made.targets.push_back(Target::parse("198.18.0.10:443"));
  made.flood_rate = 1000;
  made.client_rate = 100;
  made.timeline = {.baseline_us = 1'000'000, .attack_us = 2'000'000, .recovery_us = 1'000'000};
  return made;
}

template <typename Change>
std::string refusal_of(Change&& change) {
  TrialPlan changed = plan();
  change(changed);
  try {
    check(changed);
    return "taken";
  } catch (const std::invalid_argument& refusal) {
    return refusal.what();
  }
}

TEST(TrialPlans, ThatAreSoundAreTaken) {
  EXPECT_EQ(refusal_of([](TrialPlan&) {}), "taken");
  EXPECT_EQ(refusal_of([](TrialPlan& p) { p.flood_rate = 0; }), "taken");
  EXPECT_EQ(refusal_of([](TrialPlan& p) { p.client_rate = 0; }), "taken");
}

TEST(TrialPlans, ThatDoNothingAreRefused) {
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.targets.clear(); }), testing::HasSubstr("--target"));
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.flood_rate = p.client_rate = 0; }),
              testing::HasSubstr("nothing to do"));
  EXPECT_THAT(refusal_of([](TrialPlan& p) {
                p.client_rate = 0;
                p.timeline.attack_us = 0;
              }),
              testing::HasSubstr("nothing to do"));
}

TEST(TrialPlans, ABackendIsAtAPortOfItsOwn) {
  EXPECT_EQ(refusal_of([](TrialPlan& p) { p.backend = "net_null1"; }), "taken");
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.backend = p.device; }), testing::HasSubstr("--backend"));
}

TEST(TrialPlans, TheirTextNamesTheBackend) {
  TrialPlan made = plan();
  EXPECT_THAT(text_of(made), testing::Not(testing::HasSubstr("backend")));
  made.backend = "net_null1";
  made.backend_manners.answer = std::string(10'000, 'x');
  EXPECT_THAT(text_of(made), testing::HasSubstr("backend   net_null1: "));
  EXPECT_THAT(text_of(made), testing::HasSubstr("answers of 10,000 bytes"));
}

TEST(TrialPlans, AnAnswersSegmentsAreCounted) {
  const auto limited = [](std::uint32_t bytes, const char* backend, std::uint64_t most) {
    return refusal_of([&](TrialPlan& p) {
      p.flood_rate = 0;  // 400 clients
      p.manners.answer_bytes = bytes;
      p.backend = backend;
      p.max_packets = most;
    });
  };
  EXPECT_EQ(limited(0, "", 3'200), "taken");
  EXPECT_THAT(limited(12'080, "", 7'199), testing::HasSubstr("--max-packets"));
  EXPECT_EQ(limited(12'080, "", 7'200), "taken");
  EXPECT_THAT(limited(12'080, "net_null1", 14'399), testing::HasSubstr("--max-packets"));
  EXPECT_EQ(limited(12'080, "net_null1", 14'400), "taken");
}

TEST(TrialPlans, AReplayWantsClients) {
  EXPECT_THAT(refusal_of([](TrialPlan& p) {
                p.mix = AttackMix::parse("syn,replay");
                p.client_rate = 0;
              }),
              testing::HasSubstr("--clients"));
}

TEST(TrialPlans, AddressesAreNotInEachOthersWay) {
  EXPECT_THAT(
      refusal_of([](TrialPlan& p) { p.client_sources.push_back(SourcePrefix::parse("198.19.7.0/24")); }),
      testing::HasSubstr("overlap"));
  EXPECT_THAT(
      refusal_of([](TrialPlan& p) { p.attack_sources.push_back(SourcePrefix::parse("198.18.0.0/24")); }),
      testing::HasSubstr("the target 198.18.0.10:443 lies among the sources 198.18.0.0/24"));
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.gateway = parse_prefix("2001:2::1").address; }),
              testing::HasSubstr("another family"));
}

TEST(TrialPlans, AreBoundedInPacketsAndClients) {
  EXPECT_EQ(refusal_of([](TrialPlan& p) { p.max_packets = 5'200; }), "taken");  // 2,000 and 8 for each of 400
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.max_packets = 5'199; }),
              testing::HasSubstr("5,200 packets, more than the 5,199 of --max-packets"));
  EXPECT_THAT(refusal_of([](TrialPlan& p) { p.client_rate = 5'000'001; }), testing::HasSubstr("20,000,000"));
}

TEST(TrialPlans, OfEachFamilyItsOwnSources) {
  TrialPlan mixed = plan();
  mixed.client_sources.push_back(SourcePrefix::parse("fd00:1::/64"));
  EXPECT_EQ(text_of(mixed.client_sources_for(Target::parse("[fd00::1]:1").address()).prefix()),
            "fd00:1::/64");
  EXPECT_EQ(text_of(mixed.client_sources_for(Target::parse("10.0.0.1:1").address()).prefix()),
            "198.18.64.0/24");
}

TEST(Arrivals, ConstantOnesAreAtEqualDistances) {
  const auto times = arrival_times(Arrivals::kConstant, 4, 1'000'000, 1);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{0, 250'000, 500'000, 750'000}));
}

TEST(Arrivals, PoissonOnesComeAtTheRateAndAtRandom) {
  const auto times = arrival_times(Arrivals::kPoisson, 1000, 100'000'000, 7);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  EXPECT_LT(times.back(), 100'000'000u);
  EXPECT_NEAR(static_cast<double>(times.size()), 100'000, 4 * 316);  // standard deviations
  std::size_t short_gaps = 0;
  for (std::size_t n = 1; n < times.size(); ++n) short_gaps += times[n] - times[n - 1] < 693 ? 1u : 0u;
  EXPECT_NEAR(static_cast<double>(short_gaps), 50'000, 1'000);  // the median of gaps is ln 2 of their mean
}

TEST(Arrivals, OneSeedIsOneSchedule) {
  EXPECT_EQ(arrival_times(Arrivals::kPoisson, 100, 1'000'000, 7),
            arrival_times(Arrivals::kPoisson, 100, 1'000'000, 7));
  EXPECT_NE(arrival_times(Arrivals::kPoisson, 100, 1'000'000, 7),
            arrival_times(Arrivals::kPoisson, 100, 1'000'000, 8));
  EXPECT_TRUE(arrival_times(Arrivals::kPoisson, 0, 1'000'000, 7).empty());
}

}  // namespace
}  // namespace synward::load
