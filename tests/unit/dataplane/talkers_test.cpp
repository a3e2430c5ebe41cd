// Mirrors dataplane/talkers.hpp: what is promised of Space-Saving over samples.
#include "dataplane/talkers.hpp"

#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace synward {
namespace {

constexpr auto kEvery = Talkers::kSampleEvery;

ClientPrefix prefix(std::uint64_t number) { return static_cast<ClientPrefix>(number); }

class TalkersTest : public testing::Test {
 protected:
  void say(std::uint64_t number, std::size_t packets = 1, Talk what = Talk::kSyns) {
    for (std::size_t n = 0; n < packets; ++n) talkers_->add(what, [&] { return prefix(number); });
  }
  [[nodiscard]] std::vector<Talker> heard(Talk what = Talk::kSyns) const { return talkers_->read(what); }

  std::unique_ptr<Talkers> talkers_ = std::make_unique<Talkers>(SecretRandom{1, 2});
};

TEST_F(TalkersTest, EstimatesWhatEachSent) {
  constexpr std::size_t kMany = 100'000;
  for (std::size_t n = 0; n < kMany; ++n) {
    say(1);
    if (n % 2 == 0) say(2);
    if (n % 10 == 0) say(3, 1, Talk::kResets);
  }
  const auto syns = heard();
  ASSERT_EQ(syns.size(), 2u);
  EXPECT_EQ(syns[0].prefix, prefix(1));
  EXPECT_EQ(syns[1].prefix, prefix(2));
  // Of so many samples the deviation is at most their square root: 40 and 28; five times that.
  EXPECT_NEAR(static_cast<double>(syns[0].count), kMany, 200.0 * kEvery);
  EXPECT_NEAR(static_cast<double>(syns[1].count), kMany / 2.0, 140.0 * kEvery);
  ASSERT_EQ(heard(Talk::kResets).size(), 1u);
  EXPECT_NEAR(static_cast<double>(heard(Talk::kResets)[0].count), kMany / 10.0, 65.0 * kEvery);
  EXPECT_TRUE(heard(Talk::kBadCookies).empty());
}

TEST_F(TalkersTest, FindWhoSendsMoreThanItsShareWhateverTheOthersDo) {
  std::mt19937_64 random{3};
  for (std::size_t n = 0; n < 2'000'000; ++n) say(n % 20 == 0 ? 7 : random() | 1u << 31);  // three shares
  const auto syns = heard();
  ASSERT_FALSE(syns.empty());
  EXPECT_EQ(syns[0].prefix, prefix(7));
  EXPECT_LE(syns[0].count, 110'000u) << "what others sent is not put on it";
  EXPECT_GE(syns[0].count, 60'000u) << "less at most the share of one entry";
  for (std::size_t n = 1; n < syns.size(); ++n)
    EXPECT_LE(syns[n].count, 4 * kEvery) << "sources at random are nobody";
}

TEST_F(TalkersTest, AFewBehindAFloodCountAsOftenAsTheyCome) {
  constexpr std::uint32_t kThinned = 40, kLoud = kThinned * Talkers::kSamplesPerWindow, kFew = kThinned / 2;
  constexpr std::size_t kRounds = 100;
  static_assert(2 * kRounds * Talkers::kWindowMs < Talkers::kGenerationMs);
  std::uint64_t window = 0;
  const auto samples = [&](std::uint64_t number, std::uint32_t count) {
    talkers_->advance(window++ * Talkers::kWindowMs);
    for (std::uint32_t n = 0; n < count; ++n) talkers_->add_sample(Talk::kSyns, prefix(number));
  };
  for (std::size_t round = 0; round < kRounds; ++round) {
    samples(1, kLoud);
    samples(2, kFew);  // of kThinned one would be looked at, so half of the time one of these is
  }
  const auto syns = heard();
  ASSERT_EQ(syns.size(), 2u);
  EXPECT_EQ(syns[0].count, kRounds * kLoud * kEvery) << "behind a quiet window all are looked at";
  // Each round is 0 or kThinned, so all deviate by kThinned / 2 times their square root; five times that.
  EXPECT_NEAR(static_cast<double>(syns[1].count), kRounds * kFew * kEvery, 5 * 10.0 * kThinned / 2 * kEvery);
}

TEST_F(TalkersTest, AFloodThatIsThinnedIsEstimatedAllTheSame) {
  constexpr std::uint32_t kSamples = 1000, kWindows = 200;
  for (std::uint64_t window = 0; window < kWindows; ++window) {
    talkers_->advance(window * Talkers::kWindowMs);
    for (std::uint32_t n = 0; n < kSamples; ++n)
      talkers_->add_sample(Talk::kSyns, prefix(n % 4 == 0 ? 2 : 1));
  }
  const auto syns = heard();
  ASSERT_EQ(syns.size(), 2u);
  constexpr double kAll = 1.0 * kSamples * kWindows * kEvery;
  EXPECT_NEAR(static_cast<double>(syns[0].count + syns[1].count), kAll, kAll / 100);
  EXPECT_NEAR(static_cast<double>(syns[1].count), kAll / 4, kAll / 100);
}

TEST_F(TalkersTest, ForgetAfterAMinuteAtMost) {
  constexpr auto kGeneration = Talkers::kGenerationMs;
  talkers_->advance(0);
  say(1, 1000);
  talkers_->advance(kGeneration);
  say(2, 1000);
  EXPECT_EQ(heard().size(), 2u);
  talkers_->advance(2 * kGeneration);
  ASSERT_EQ(heard().size(), 1u);
  EXPECT_EQ(heard()[0].prefix, prefix(2));
  talkers_->advance(4 * kGeneration);
  EXPECT_TRUE(heard().empty()) << "a generation passed without a turn";
}

TEST_F(TalkersTest, AnAddressIsOneOfItsNetwork) {
  const auto a = client_prefix(wire::Ipv4Address{{198, 18, 3, 1}});
  EXPECT_EQ(a, client_prefix(wire::Ipv4Address{{198, 18, 3, 255}}));
  EXPECT_NE(a, client_prefix(wire::Ipv4Address{{198, 18, 4, 1}}));
}

}  // namespace
}  // namespace synward
