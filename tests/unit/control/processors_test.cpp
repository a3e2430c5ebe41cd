// Mirrors control/processors.hpp.
#include "control/processors.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace synward::control {
namespace {

using Ids = std::vector<std::uint16_t>;

/// `nodes` of `cores` physical cores each; `threads` on each core, numbered as Linux does on most machines:
/// all first threads, then all second ones.
std::vector<Processor> machine(int nodes, int cores, int threads, const Ids& isolated = {}) {
  std::vector<Processor> processors;
  for (int id = 0; id < nodes * cores * threads; ++id) {
    const int core = id % (nodes * cores);
    const auto number = static_cast<std::uint16_t>(id);
    processors.push_back({.id = number,
                          .core = static_cast<std::uint16_t>(core),
                          .node = core / cores,
                          .isolated = std::find(isolated.begin(), isolated.end(), number) != isolated.end()});
  }
  return processors;
}

TEST(Processors, AnLcoreThatIsNotThereIsToldWhatIs) {
  std::vector<Processor> usable;
  for (const std::uint16_t id : Ids{0, 1, 2, 5, 8, 9})
    usable.push_back({.id = id, .core = id, .node = 0, .isolated = false});
  EXPECT_NO_THROW(check_processors({0, 5}, usable));
  try {
    check_processors({1, 7}, usable);
    FAIL() << "lcore 7 is not there";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "workers.lcores names lcore 7; the processors here are 0-2,5,8-9");
  }
}

TEST(Processors, ThereIsOneToRunThisOn) { EXPECT_FALSE(usable_processors().empty()); }

/// Of those that there are, described as the test likes.
TEST(Processors, AreReadFromWhatTheKernelShows) {
  const auto here = usable_processors();
  std::string name = (std::filesystem::temp_directory_path() / "synward-XXXXXX").string();
  const std::filesystem::path root = mkdtemp(name.data());
  const auto folder = root / "sys/devices/system/cpu";
  for (const Processor& processor : here) {
    const auto own = folder / ("cpu" + std::to_string(processor.id));
    std::filesystem::create_directories(own / "topology");
    std::filesystem::create_directories(own / "node3");
    std::ofstream{own / "topology/thread_siblings_list"} << here.front().id << "-" << processor.id
                                                         << ",900\n";
  }
  for (const Processor& processor : here) {
    std::ofstream{folder / "online", std::ios::app} << processor.id << ",";
    if (processor.isolated) std::ofstream{folder / "isolated", std::ios::app} << processor.id << ",";
  }
  std::ofstream{folder / "isolated", std::ios::app} << "999\n";
  const auto read = usable_processors(root);
  std::filesystem::remove_all(root);
  ASSERT_EQ(read.size(), here.size()) << "999 is isolated, and not there";
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].id, here[i].id);
    EXPECT_EQ(read[i].core, here.front().id);
    EXPECT_EQ(read[i].node, 3);
    EXPECT_EQ(read[i].isolated, here[i].isolated);
  }
}

TEST(PlanWorkers, TakesEachPhysicalCoreButTheFirst) {
  EXPECT_EQ(plan_workers(machine(1, 4, 1), -1, 99), (Ids{1, 2, 3}));
  EXPECT_EQ(plan_workers(machine(1, 4, 2), -1, 99), (Ids{1, 2, 3}));
  EXPECT_EQ(plan_workers(machine(1, 2, 1), 0, 99), Ids{1});
  EXPECT_EQ(plan_workers(machine(1, 1, 1), 0, 99), Ids{0}) << "there is no other";
  EXPECT_EQ(plan_workers(machine(1, 1, 2), 0, 99), Ids{0});
}

TEST(PlanWorkers, KeepsToTheNodeOfThePortsAndToSoMany) {
  EXPECT_EQ(plan_workers(machine(2, 4, 2), 1, 99), (Ids{4, 5, 6, 7}));
  EXPECT_EQ(plan_workers(machine(2, 4, 2), 0, 99), (Ids{1, 2, 3}));
  EXPECT_EQ(plan_workers(machine(2, 4, 2), -1, 5), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(plan_workers(machine(2, 4, 2), 7, 99).size(), 7u) << "no processor is on that node";
  EXPECT_EQ(plan_workers(machine(1, 4, 1), 0, 0), Ids{1}) << "one at least";
  EXPECT_EQ(plan_workers(machine(1, 200, 1), 0, 999).back(), 126);
  EXPECT_EQ(plan_workers(machine(2, 128, 1), 1, 99).front(), 1) << "those of node 1 cannot be named";
  EXPECT_THROW(static_cast<void>(plan_workers({}, -1, 1)), std::runtime_error);
}

TEST(PlanWorkers, TakesWhatIsIsolatedForIt) {
  EXPECT_EQ(plan_workers(machine(1, 4, 2, {2, 3, 6, 7}), 0, 99), (Ids{2, 3}));
  EXPECT_EQ(plan_workers(machine(1, 4, 2, {6, 7}), 0, 99), (Ids{6, 7})) << "only the second threads are";
  EXPECT_EQ(plan_workers(machine(1, 4, 1, {0, 1, 2, 3}), 0, 99), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(plan_workers(machine(2, 4, 1, {2, 3, 6}), 1, 99), Ids{6});
}

TEST(PlanControl, KeepsAwayFromWorkersAndIsolatedProcessors) {
  EXPECT_EQ(plan_control(machine(1, 4, 1), {0, 1}), 2);
  EXPECT_EQ(plan_control(machine(1, 4, 2), {0, 1}), 2) << "4 is beside 0";
  EXPECT_EQ(plan_control(machine(1, 4, 1, {0, 2}), {3}), 1);
  EXPECT_EQ(plan_control(machine(1, 2, 2), {0, 1}), 2) << "beside a worker, but a processor of its own";
  EXPECT_EQ(plan_control(machine(1, 2, 1, {1}), {0}), 1) << "an isolated one, rather than the worker's";
  EXPECT_EQ(plan_control(machine(1, 2, 1), {1, 0}), 1);
}

TEST(CoreWarnings, NameWhoIsInWhoseWay) {
  EXPECT_TRUE(core_warnings(machine(1, 4, 2), {1, 2}, 0, {{"outside", 0}}).empty());
  EXPECT_TRUE(core_warnings(machine(2, 4, 2), {4}, 0, {{"outside", -1}}).empty())
      << "where the ports are is not known";
  const auto warnings = core_warnings(machine(2, 4, 2), {1, 9, 4}, 12, {{"outside", 0}, {"inside", 1}});
  ASSERT_EQ(warnings.size(), 4u);
  EXPECT_EQ(warnings[0],
            "workers on processors 1 and 9 share a physical core: together they do little more than one");
  EXPECT_EQ(warnings[1], "the control thread on processor 12 shares a physical core with the worker on 4");
  EXPECT_EQ(warnings[2],
            "port outside is on node 0, worker(s) on processor 4 are not: each of its packets goes from one "
            "node to "
            "another; give both NICs and all workers one node");
  EXPECT_EQ(warnings[3].substr(0, 60), "port inside is on node 1, worker(s) on processor 1,9 are not");
  EXPECT_EQ(
      core_warnings(machine(1, 2, 1), {0, 1}, 0, {{"outside", 0}}),
      std::vector<std::string>{"the control thread shares processor 0 with a worker, for none is left"});
}

}  // namespace
}  // namespace synward::control
