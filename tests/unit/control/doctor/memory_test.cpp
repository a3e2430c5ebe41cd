// Mirrors control/doctor/memory.cpp.
#include <gmock/gmock.h>

#include "control/memory_plan.hpp"
#include "tests/unit/control/doctor/made_up_machine.hpp"

namespace synward::control::doctor {
namespace {

using testing::HasSubstr;

constexpr std::size_t kPage = std::size_t{2} << 20;

class DoctorMemory : public MadeUpMachine {
 protected:
  /// Pages of 2 MiB that a worker takes.
  static std::size_t pages(const Subject& subject, std::size_t workers = 1) {
    return (workers * worker_bytes(subject.config) + kPage - 1) / kPage;
  }
  std::string file(int node = 0) const {
    return root_ / ("sys/devices/system/node/node" + std::to_string(node) +
                    "/hugepages/hugepages-2048kB/nr_hugepages");
  }
};

TEST_F(DoctorMemory, CountsHugePagesAgainstWhatTheConfigNeeds) {
  const Subject two = subject({{"outside", kOne}, {"inside", kOther}}, {1, 2});
  const auto needed = static_cast<int>(pages(two, 2));
  huge_pages(needed, needed + 5);
  const Findings enough = check_memory(two);
  ASSERT_EQ(enough.size(), 1u);
  EXPECT_EQ(enough[0].state, State::kOk);
  EXPECT_EQ(enough[0].text,
            std::to_string(needed) + " free of 2 MiB on node 0, " + std::to_string(needed) + " needed");
  EXPECT_EQ(enough[0].command, "");

  huge_pages(needed - 3, needed + 5);
  const Findings short_of_three = check_memory(two);
  ASSERT_EQ(short_of_three.size(), 1u);
  EXPECT_EQ(short_of_three[0].state, State::kFail);
  EXPECT_EQ(short_of_three[0].command, "echo " + std::to_string(needed + 8) + " > " + file());
}

TEST_F(DoctorMemory, CountsThemOnTheNodeOfEachWorker) {
  Subject two = subject({{"outside", kOne}}, {1, 3});
  two.processors[3].node = 1;
  const auto one = static_cast<int>(pages(two));
  huge_pages(2 * one, 2 * one);
  huge_pages(0, 0, "2048", 1);
  write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", std::to_string(2 * one));
  const Findings findings = check_memory(two);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].state, State::kOk) << findings[0].text;
  EXPECT_EQ(findings[1].state, State::kFail) << "those of node 0 are of no use to the worker on node 1";
  EXPECT_EQ(findings[1].command, "echo " + std::to_string(one) + " > " + file(1));
}

TEST_F(DoctorMemory, AddsUpBothSizes) {
  const Subject one = subject({{"outside", kOne}});
  huge_pages(0, 0);
  huge_pages(1, 1, "1048576");
  const Findings findings = check_memory(one);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].state, State::kOk);
  EXPECT_THAT(findings[0].text, HasSubstr("0 free of 2 MiB and 1 free of 1 GiB on node 0, "));
  EXPECT_THAT(findings[0].text, HasSubstr(" MiB needed"));
}

TEST_F(DoctorMemory, WithoutAnyOrdinaryMemoryIsUsed) {
  const Subject one = subject({{"outside", "net_tap0,iface=synward0"}});
  huge_pages(0, 0);
  write("proc/meminfo",
        "MemTotal: 9\nMemAvailable:   " + std::to_string(ordinary_memory_mib(one.config) * 1024) + " kB");
  const Findings enough = check_memory(one);
  EXPECT_EQ(of(enough, "huge pages").state, State::kWarn);
  EXPECT_THAT(of(enough, "huge pages").text, HasSubstr("ordinary memory is used"));
  EXPECT_EQ(of(enough, "huge pages").command, "echo " + std::to_string(pages(one)) + " > " + file());
  EXPECT_EQ(of(enough, "ordinary memory").state, State::kOk);
  write("proc/meminfo",
        "MemAvailable:   " + std::to_string(ordinary_memory_mib(one.config) * 1024 - 1) + " kB");
  EXPECT_EQ(of(check_memory(one), "ordinary memory").state, State::kFail);
}

TEST_F(DoctorMemory, UioWantsHugePages) {
  nic(kOne, "uio_pci_generic");
  huge_pages(0, 0);
  const Subject one = subject({{"outside", kOne}});
  const Finding finding = of(check_memory(one), "huge pages");
  EXPECT_EQ(finding.state, State::kFail);
  EXPECT_THAT(finding.text, HasSubstr("uio_pci_generic works by the addresses of memory"));
  EXPECT_EQ(finding.command, "echo " + std::to_string(pages(one)) + " > " + file());
}

TEST_F(DoctorMemory, AKernelWithoutThemHasNoCommand) {
  const Finding finding = of(check_memory(subject({{"outside", "net_null0"}})), "huge pages");
  EXPECT_EQ(finding.state, State::kWarn);
  EXPECT_THAT(finding.text, HasSubstr("this kernel has none"));
  EXPECT_EQ(finding.command, "");
}

TEST_F(DoctorMemory, SaysWhyAutoTakesFewerWorkers) {
  Subject planned = subject({{"outside", kOne}}, {1});
  planned.is_planned = true;
  planned.shortage = "1 worker(s), not 3";
  planned.wanted_workers = 3;
  const auto one = static_cast<int>(pages(planned));
  huge_pages(one, one);
  const Findings findings = check_memory(planned);
  EXPECT_EQ(of(findings, "huge pages").state, State::kOk);
  EXPECT_EQ(of(findings, "workers").state, State::kWarn);
  EXPECT_EQ(of(findings, "workers").text, "1 worker(s), not 3");
  EXPECT_EQ(of(findings, "workers").command, "echo " + std::to_string(pages(planned, 3)) + " > " + file());
}

TEST_F(DoctorMemory, WhatTheRunningSynwardTookIsNotMissing) {
  Subject running = subject({{"outside", kOne}});
  running.running = nlohmann::json::object();
  huge_pages(1, 41);
  EXPECT_EQ(check_memory(running).front().state, State::kOk);
  EXPECT_THAT(check_memory(running).front().text, HasSubstr("beside it 1 of 2 MiB are free"));
}

TEST_F(DoctorMemory, TheIommuIsMissedByThoseWhoWantIt) {
  nic(kOne, "uio_pci_generic");
  const Finding off = of(check_iommu(subject({{"outside", kOne}})), "IOMMU");
  EXPECT_EQ(off.state, State::kOk);
  EXPECT_THAT(off.text, HasSubstr("may write anywhere"));
  nic(kOne, "ixgbe");
  EXPECT_EQ(of(check_iommu(subject({{"outside", kOne}})), "IOMMU").state, State::kWarn)
      << "it is to be bound yet";
  nic(kOne, "vfio-pci");
  const Finding wanted = of(check_iommu(subject({{"outside", kOne}})), "IOMMU");
  EXPECT_EQ(wanted.state, State::kFail);
  EXPECT_THAT(wanted.command, HasSubstr("intel_iommu=on iommu=pt"));
  nic(kOne, "mlx5_core");
  EXPECT_EQ(of(check_iommu(subject({{"outside", kOne}})), "IOMMU").state, State::kOk);
  EXPECT_TRUE(check_iommu(subject({{"outside", "net_tap0,iface=synward0"}})).empty()) << "no NIC, no IOMMU";

  nic(kOne, "vfio-pci");
  write("sys/kernel/iommu_groups/0/name", "vfio-noiommu");
  EXPECT_EQ(of(check_iommu(subject({{"outside", kOne}})), "IOMMU").state, State::kFail) << "that one is none";
  write("sys/kernel/iommu_groups/7/type", "DMA");
  EXPECT_EQ(of(check_iommu(subject({{"outside", kOne}})), "IOMMU").text, "on, 1 groups");
}

}  // namespace
}  // namespace synward::control::doctor
