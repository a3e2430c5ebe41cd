// Mirrors control/doctor/processors.cpp.
#include <gmock/gmock.h>

#include "tests/unit/control/doctor/made_up_machine.hpp"

namespace synward::control::doctor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DoctorProcessors : public MadeUpMachine {
 protected:
  void idle_state(int processor, int state, int latency_us, int disabled = 0) const {
    const std::string folder =
        "sys/devices/system/cpu/cpu" + std::to_string(processor) + "/cpuidle/state" + std::to_string(state);
    write(folder + "/latency", std::to_string(latency_us));
    write(folder + "/disable", std::to_string(disabled));
  }
  std::string cpu(const std::string& file) const { return root_ / "sys/devices/system/cpu/cpu$c" / file; }
};

TEST_F(DoctorProcessors, AnLcoreThatIsNotThereIsAsStartSaysIt) {
  const Findings findings = check_processors(subject({{"outside", kOne}}, {1, 7}));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].state, State::kFail);
  EXPECT_EQ(findings[0].text, "workers.lcores names lcore 7; the processors here are 0-3");
}

TEST_F(DoctorProcessors, WhoIsInWhoseWay) {
  Subject machine = subject({{"outside", kOne}}, {1, 2});
  EXPECT_EQ(of(check_processors(machine), "lcores").state, State::kOk);
  EXPECT_EQ(of(check_processors(machine), "lcores").text,
            "worker(s) on 1-2, the control thread on 0, nobody in another's way");
  machine.processors[2].core = 1;
  EXPECT_EQ(of(check_processors(machine), "lcores").state, State::kWarn);
  EXPECT_THAT(of(check_processors(machine), "lcores").text, HasSubstr("share a physical core"));
}

TEST_F(DoctorProcessors, APortOnAnotherNodeIsTold) {
  nic(kOne, "vfio-pci", "1");
  const Finding finding = of(check_processors(subject({{"outside", kOne}})), "lcores");
  EXPECT_EQ(finding.state, State::kWarn);
  EXPECT_THAT(finding.text, HasSubstr("port outside is on node 1, worker(s) on processor 1 are not"));
}

TEST_F(DoctorProcessors, WorkersWantIsolatedOnes) {
  Subject machine = subject({{"outside", kOne}}, {1, 2});
  machine.processors[1].isolated = true;
  const Finding half = of(check_processors(machine), "isolation");
  EXPECT_EQ(half.state, State::kWarn);
  EXPECT_THAT(half.text, HasSubstr("runs on 2 as well"));
  EXPECT_THAT(half.command,
              AllOf(HasSubstr("isolcpus=1-2 nohz_full=1-2 rcu_nocbs=1-2"), HasSubstr("update-grub")));
  machine.processors[2].isolated = true;
  EXPECT_EQ(of(check_processors(machine), "isolation").state, State::kOk);
}

TEST_F(DoctorProcessors, IsolatesNotTheLastOne) {
  const Finding finding = of(check_processors(subject({{"outside", kOne}}, {0, 1}, 2)), "isolation");
  EXPECT_EQ(finding.state, State::kWarn);
  EXPECT_EQ(finding.command, "") << "the kernel needs one for itself";
}

TEST_F(DoctorProcessors, TheGovernorOfWorkersIsPerformance) {
  const Subject machine = subject({{"outside", kOne}}, {1, 2});
  EXPECT_EQ(of(check_processors(machine), "frequency").state, State::kOk) << "there is nothing to set";
  write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance");
  write("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "schedutil");
  const Finding finding = of(check_processors(machine), "frequency");
  EXPECT_EQ(finding.state, State::kWarn);
  EXPECT_THAT(finding.text, HasSubstr("the governor of 2 is schedutil"));
  EXPECT_EQ(finding.command,
            "for c in 2; do echo performance > " + cpu("cpufreq/scaling_governor") + "; done");
  ASSERT_EQ(std::system(finding.command.c_str()), 0);  // NOLINT(cert-env33-c): it is what a person does
  EXPECT_EQ(of(check_processors(machine), "frequency").text, "the workers' governor is performance");
}

TEST_F(DoctorProcessors, WorkersThatNapMustWakeSoon) {
  Subject machine = subject({{"outside", kOne}}, {1, 2});
  for (const int processor : {0, 1, 2}) {
    idle_state(processor, 0, 0);
    idle_state(processor, 1, 2);
    idle_state(processor, 2, 133, processor == 1 ? 1 : 0);
    idle_state(processor, 3, 170, processor == 1 ? 1 : 0);
  }
  const Finding finding = of(check_processors(machine), "C-states");
  EXPECT_EQ(finding.state, State::kWarn);
  EXPECT_EQ(finding.text, "processor(s) 2 may sleep so deeply that they wake after 170 us");
  ASSERT_EQ(std::system(finding.command.c_str()), 0);  // NOLINT(cert-env33-c)
  EXPECT_EQ(of(check_processors(machine), "C-states").state, State::kOk);
  idle_state(2, 3, 170);
  machine.config.poll = config::Poll::kBusy;
  EXPECT_EQ(of(check_processors(machine), "C-states").state, State::kOk) << "they never sleep";
}

TEST_F(DoctorProcessors, SaysWhichKernelsAndWhatIsMissing) {
  using simd::Isa;
  const Finding wide =
      check_kernels({Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vl, Isa::kAvx512}, "aesni").front();
  EXPECT_EQ(wide.state, State::kOk);
  EXPECT_EQ(wide.text, "kernels avx512vl by itself, of scalar, avx2, avx512vl, avx512; AES: aesni");
  const Finding none = check_kernels({Isa::kScalar}, "portable").front();
  EXPECT_EQ(none.state, State::kWarn);
  EXPECT_THAT(none.text, HasSubstr("It lacks AVX2, AES-NI"));
}

}  // namespace
}  // namespace synward::control::doctor
