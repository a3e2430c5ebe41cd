// Mirrors control/eal.hpp and placement.hpp: what EAL is told, and what memory there is for it.
#include "control/eal.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "control/memory_plan.hpp"
#include "control/placement.hpp"

namespace synward::control {
namespace {

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
std::string after(const std::vector<std::string>& words, const std::string& option) {
  const auto at = std::find(words.begin(), words.end(), option);
  return at == words.end() ? "" : *std::next(at);
}

TEST(HugePages, AreCountedInBytesByNode) {
  std::string name = (std::filesystem::temp_directory_path() / "synward-XXXXXX").string();
  const std::filesystem::path root = mkdtemp(name.data());
  const auto write = [&](const char* folder, int pages) {
    std::filesystem::create_directories(root / "sys" / folder);
    std::ofstream{root / "sys" / folder / "free_hugepages"} << pages << "\n";
  };
  write("kernel/mm/hugepages/hugepages-2048kB", 7);
  write("kernel/mm/hugepages/hugepages-1048576kB", 2);
  write("devices/system/node/node1/hugepages/hugepages-2048kB", 3);
  constexpr std::size_t kMib = std::size_t{1} << 20;
  EXPECT_EQ(free_huge_page_bytes(-1, root), (7 * 2 + 2 * 1024) * kMib);
  EXPECT_EQ(free_huge_page_bytes(1, root), 6 * kMib);
  EXPECT_EQ(free_huge_page_bytes(0, root), 0u);
  std::filesystem::remove_all(root);
}

TEST(PlanLcores, TakesAsManyAsThereIsUseAndRoomFor) {
  std::vector<Processor> processors;
  for (std::uint16_t id = 0; id < 24; ++id)
    processors.push_back({.id = id, .core = id, .node = 0, .isolated = false});
  config::Config config{.ports = {{"outside", "0000:3b:00.0"}, {"inside", "0000:3b:00.1"}}};
  const std::size_t each = worker_bytes(config);
  const auto on_huge_pages = [&](std::size_t free_bytes) {
    return [free_bytes](int node) { return node == 0 ? free_bytes : 0; };
  };
  const auto count = [&](const std::function<std::size_t(int)>& free_bytes_on) {
    return plan_lcores(config, processors, 0, free_bytes_on).lcores.size();
  };
  EXPECT_EQ(count({}), 16u);
  EXPECT_EQ(count(on_huge_pages(16 * each)), 16u);
  EXPECT_EQ(count(on_huge_pages(4 * each - 1)), 3u);
  EXPECT_EQ(count(on_huge_pages(0)), 1u) << "EAL says what is missing";
  for (Processor& processor : processors) processor.node = 1;
  EXPECT_EQ(count(on_huge_pages(16 * each)), 1u) << "the tables are on the workers' node, not on the NIC's";
  config.ports[1].device = "net_tap0,iface=synward0";
  EXPECT_EQ(count({}), 1u) << "it has one queue";
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

TEST(EalArguments, HaveTelemetryOnlyWhenItIsAskedFor) {
  config::Config config{.lcores = {1}, .ports = {{"out", "net_null0"}}};
  EXPECT_TRUE(has(eal_arguments(config, {}, false), "--no-telemetry"));
  EXPECT_FALSE(has(eal_arguments(config, {}, false), "--file-prefix"));
  config.telemetry = true;
  for (const bool huge_pages : {false, true}) {
    const auto words = eal_arguments(config, {}, huge_pages);
    EXPECT_FALSE(has(words, "--no-telemetry"));
    EXPECT_EQ(after(words, "--file-prefix"), "synward");
    EXPECT_TRUE(has(words, "lib.telemetry:error"));
  }
  EXPECT_EQ(after(eal_arguments(config, {"--file-prefix", "edge"}, true), "--file-prefix"), "edge");
  EXPECT_FALSE(has(eal_arguments(config, {"--log-level=debug"}, true), "lib.telemetry:error"));
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
