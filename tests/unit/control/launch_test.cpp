// Mirrors control/launch.hpp: what EAL is told.
#include "control/launch.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace synward::control {
namespace {

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
std::string after(const std::vector<std::string>& words, const std::string& option) {
  const auto at = std::find(words.begin(), words.end(), option);
  return at == words.end() ? "" : *std::next(at);
}

TEST(EalArguments, GiveTheControlThreadAnLcoreThatNoWorkerHas) {
  config::Config config{.lcores = {1}, .ports = {{"out", "net_null0"}}};
  EXPECT_EQ(after(eal_arguments(config, {}, false), "--lcores"), "0@0,1@1");
  EXPECT_EQ(after(eal_arguments(config, {}, false), "--main-lcore"), "0");
  config.lcores.clear();
  for (std::uint16_t lcore = 0; lcore < 126; ++lcore)
    config.lcores.push_back(lcore);  // every processor there is
  EXPECT_EQ(after(eal_arguments(config, {}, false), "--main-lcore"), "126");
  EXPECT_EQ(after(eal_arguments(config, {}, false), "--lcores").substr(0, 9), "126@0,0@0");
}

TEST(EalArguments, FollowTheMachineAndTheDevice) {
  config::Config config{.lcores = {1}, .ports = {{"out", "net_null0"}}};
  EXPECT_TRUE(has(eal_arguments(config, {}, false), "--no-huge"));
  EXPECT_TRUE(has(eal_arguments(config, {}, true), "--in-memory"));
  EXPECT_FALSE(has(eal_arguments(config, {}, true), "--no-huge"));
  EXPECT_TRUE(has(eal_arguments(config, {}, true), "--no-pci"));
  config.ports[0].device = "0000:3b:00.0";
  EXPECT_FALSE(has(eal_arguments(config, {}, true), "--no-pci"));
}

TEST(EalArguments, TouchNoOtherPciDevice) {
  config::Config config{.lcores = {1}, .ports = {{"out", "0000:3b:00.0"}}};
  EXPECT_EQ(after(eal_arguments(config, {}, true), "-a"), "0000:3b:00.0");
  for (const std::vector<std::string>& extra : {std::vector<std::string>{"-a", "0000:3b:00.0,key=1"},
                                                {"-b0000:3b:00.1"},
                                                {"--allow=0000:3b:00.0"},
                                                {"--block", "0000:3b:00.1"}})
    EXPECT_NE(after(eal_arguments(config, extra, true), "-a"), "0000:3b:00.0") << extra.front();
  config.ports[0].device = "net_null0";
  EXPECT_FALSE(has(eal_arguments(config, {}, true), "-a"));
}

TEST(EalArguments, LeaveToTheUserWhatTheUserSets) {
  const config::Config config{.lcores = {1}, .ports = {{"out", "net_null0"}}};
  const auto words = eal_arguments(config, {"-m", "64", "--no-huge"}, false);
  EXPECT_EQ(after(words, "-m"), "64");
  EXPECT_EQ(std::count(words.begin(), words.end(), "--no-huge"), 1);
  for (const char* lcores : {"--lcores=0,1", "-l0,1", "-l", "-c3"}) {
    EXPECT_FALSE(has(eal_arguments(config, {lcores}, false), "--lcores")) << lcores;
    EXPECT_FALSE(has(eal_arguments(config, {lcores}, false), "--main-lcore")) << lcores;
  }
  EXPECT_TRUE(has(eal_arguments(config, {"-S", "0"}, false), "--lcores"));  // service cores are not lcores
  EXPECT_FALSE(has(eal_arguments(config, {"--log-level=debug"}, false), "--log-level"));
  EXPECT_TRUE(has(eal_arguments(config, {"--log-level-not-this"}, false), "--log-level"));
}

TEST(EalArguments, AllowBothPciDevicesOfAWire) {
  config::Config config{.lcores = {1}, .ports = {{"outside", "0000:3b:00.0"}, {"inside", "0000:3b:00.1"}}};
  const auto words = eal_arguments(config, {}, true);
  EXPECT_EQ(std::count(words.begin(), words.end(), "-a"), 2);
  EXPECT_EQ(after(words, "-a"), "0000:3b:00.0");
  EXPECT_EQ(after({std::next(std::find(words.begin(), words.end(), "-a")), words.end()}, "-a"),
            "0000:3b:00.1");
  EXPECT_FALSE(has(words, "--no-pci"));
  const auto users = eal_arguments(config, {"-a", "0000:3b:00.0"}, true);
  EXPECT_EQ(std::count(users.begin(), users.end(), "-a"), 1);
}

TEST(EalArguments, LeavePciOnWhereOneEndOfTheWireIsAPciDevice) {
  for (const config::Config& config :
       {config::Config{.lcores = {1}, .ports = {{"outside", "0000:3b:00.0"}, {"inside", "net_tap0"}}},
        config::Config{.lcores = {1}, .ports = {{"outside", "net_tap0"}, {"inside", "0000:3b:00.0"}}}}) {
    const auto words = eal_arguments(config, {}, true);
    EXPECT_EQ(std::count(words.begin(), words.end(), "-a"), 1);
    EXPECT_EQ(after(words, "-a"), "0000:3b:00.0");
    EXPECT_FALSE(has(words, "--no-pci"));
  }
  const config::Config none{.lcores = {1}, .ports = {{"outside", "net_tap0"}, {"inside", "net_tap1"}}};
  EXPECT_TRUE(has(eal_arguments(none, {}, true), "--no-pci"));
  EXPECT_FALSE(has(eal_arguments(none, {}, true), "-a"));
}

}  // namespace
}  // namespace synward::control
