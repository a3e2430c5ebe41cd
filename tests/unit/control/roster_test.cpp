// Mirrors control/roster.hpp.
#include "control/roster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace synward::control {
namespace {

using service::ServiceId;
using service::Standing;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Roster::Clock::time_point kStart{std::chrono::hours{1}};
constexpr std::chrono::seconds kSettled = Roster::kSettles + std::chrono::seconds{1};

config::Config config_of(const std::vector<std::pair<std::string, std::string>>& services,
                         const std::string& more = "") {
  std::string text = "[[port]]\nname = \"nic\"\ndevice = \"eth0\"\n" + more;
  for (const auto& [name, address] : services)
    text += "[[service]]\nname = \"" + name + "\"\naddress = \"" + address +
            "\"\nport = 443\nidle_timeout = 60\n";
  auto [config, errors] = config::parse(text, "a.toml");
  EXPECT_THAT(errors, IsEmpty());
  return config;
}

std::vector<Standing> standings(const Roster& roster) {
  std::vector<Standing> all;
  for (const auto& service : roster.services()) all.push_back(service.standing);
  return all;
}

const auto none = [](ServiceId) { return false; };

TEST(Roster, ServesWhatTheConfigSays) {
  Roster roster{1500};
  roster.serve(config_of({{"four", "198.18.0.10"}, {"six", "2001:2::/64"}}), kStart);
  ASSERT_EQ(roster.services().size(), 2u);
  EXPECT_EQ(roster.services()[0].profile.mss, 1460);
  EXPECT_EQ(roster.services()[1].profile.mss, 1440);
  EXPECT_EQ(roster.services()[1].prefix_bits, 64);
  EXPECT_EQ(roster.services()[0].idle_timeout_ms, 60'000u);
  EXPECT_THAT(standings(roster), ElementsAre(Standing::kServed, Standing::kServed));
}

TEST(Roster, AServiceKeepsItsNumberWhateverTheOrderAndItsName) {
  Roster roster{1500};
  roster.serve(config_of({{"a", "198.18.0.1"}, {"b", "198.18.0.2"}}), kStart);
  roster.serve(config_of({{"c", "198.18.0.3"}, {"bee", "198.18.0.2"}, {"a", "198.18.0.1"}}), kStart);
  std::vector<std::string> names;
  for (const auto& service : roster.services()) names.push_back(service.name);
  EXPECT_THAT(names, ElementsAre("a", "bee", "c"));
}

TEST(Roster, TimeoutsAreAsOldAsTheirLastChange) {
  Roster roster{1500};
  auto config = config_of({{"a", "198.18.0.1"}, {"b", "198.18.0.2"}});
  roster.serve(config, kStart);
  EXPECT_EQ(roster.services()[0].timeouts_since_ms, 0u) << "no connection is older";
  config.services[0].idle_timeout_s = 61;
  roster.serve(config, kStart + std::chrono::seconds{1});
  config.services[0].name = "c";
  roster.serve(config, kStart + std::chrono::seconds{2});
  EXPECT_EQ(roster.services()[0].timeouts_since_ms, 3'601'000u);
  EXPECT_EQ(roster.services()[1].timeouts_since_ms, 0u);
  config.services[1].close_after_s = 5;
  roster.serve(config, kStart + std::chrono::seconds{3});
  EXPECT_EQ(roster.services()[0].timeouts_since_ms, 3'601'000u);
  EXPECT_EQ(roster.services()[1].timeouts_since_ms, 3'603'000u);
}

TEST(Roster, WhatIsTakenOutGoesWhenItHasSettledAndHasNoConnection) {
  Roster roster{1500};
  roster.serve(config_of({{"a", "198.18.0.1"}, {"b", "198.18.0.2"}, {"c", "198.18.0.3"}}), kStart);
  roster.serve(config_of({{"b", "198.18.0.2"}}), kStart);
  EXPECT_THAT(standings(roster), ElementsAre(Standing::kRetired, Standing::kServed, Standing::kRetired));
  EXPECT_THAT(roster.let_go(none, kStart + Roster::kSettles / 2), IsEmpty());
  EXPECT_THAT(roster.let_go([](ServiceId id) { return id == 0; }, kStart + kSettled), ElementsAre("c"));
  EXPECT_THAT(standings(roster), ElementsAre(Standing::kRetired, Standing::kServed, Standing::kGone));
  EXPECT_THAT(roster.let_go(none, kStart + kSettled), ElementsAre("a"));
  EXPECT_THAT(roster.let_go(none, kStart + kSettled), IsEmpty()) << "once";
  roster.serve(config_of({{"c", "198.18.0.3"}, {"b", "198.18.0.2"}}), kStart);
  EXPECT_THAT(standings(roster), ElementsAre(Standing::kGone, Standing::kServed, Standing::kServed));
}

TEST(Roster, APolicyKnowsWhatIsRetiredAndNothingOfWhatIsGone) {
  Roster roster{1500};
  const auto both = config_of({{"a", "198.18.0.1"}, {"b", "198.18.0.2"}});
  const auto one = config_of({{"b", "198.18.0.2"}}, "[drop_list]\nsources = [\"198.18.7.0/24\"]\n");
  const wire::Ipv4Address address{{198, 18, 0, 1}};
  const auto find = [&](const Policy& policy) {
    return policy.services.find<wire::Family::kIpv4>(address, wire::Port{443});
  };
  roster.serve(both, kStart);
  const Policy first = *policy_of(roster, drop_list_of(both.drop_list));
  EXPECT_FALSE(first.services.has_retired());
  EXPECT_EQ(first.drop_list, nullptr);
  roster.serve(one, kStart);
  const Policy second = *policy_of(roster, drop_list_of(one.drop_list));
  EXPECT_TRUE(second.services.is_retired(0));
  EXPECT_FALSE(second.services.is_retired(1));
  EXPECT_EQ(find(second), 0u);
  EXPECT_NE(second.drop_list, nullptr);
  static_cast<void>(roster.let_go(none, kStart + kSettled));
  const Policy third = *policy_of(roster, second.drop_list);
  EXPECT_FALSE(third.services.has_retired());
  EXPECT_EQ(find(third), service::kNoService);
  EXPECT_FALSE(third.services.owns<wire::Family::kIpv4>(address));
}

TEST(Roster, NumbersAreNotGivenTwiceAndRunOut) {
  Roster roster{1500};
  config::Config config = config_of({{"a", "198.18.0.1"}});
  const config::Service one = config.services.front();
  config.services.clear();
  for (unsigned i = 0; i < service::kNoService; ++i) {
    config.services.push_back(one);
    config.services.back().address =
        wire::Ipv4Address{{198, 18, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i & 0xff)}};
  }
  roster.serve(config, kStart);
  config.services.front().port = 444;
  EXPECT_THROW(roster.serve(config, kStart), std::runtime_error);
}

}  // namespace
}  // namespace synward::control
