// Mirrors control/doctor/ports.cpp and interface.cpp.
#include <map>

#include <gmock/gmock.h>

#include "tests/unit/control/doctor/made_up_machine.hpp"

namespace synward::control::doctor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const config::Port kShared{.name = "outside", .device = "net_af_packet0,iface=far0,framecnt=2048"};

class DoctorPorts : public MadeUpMachine {
 protected:
  Findings ports(const Subject& subject) const { return check_ports(subject, features()); }
  ReadFeatures features() const {
    return [this](const std::string& name) -> std::optional<InterfaceFeatures> {
      const auto found = features_.find(name);
      if (found == features_.end()) return {};
      return found->second;
    };
  }
  /// An interface with nothing wrong.
  void silent_interface(const std::string& name) {
    interface(name);
    write("proc/sys/net/ipv6/conf/" + name + "/disable_ipv6", "1");
    features_[name] = {.driver = "virtio_net", .on = {"tx"}};
  }
  static nlohmann::json stats(const std::string& rss, std::size_t queues, const std::string& link = "up") {
    return {{"ports",
             {{{"name", "outside"},
               {"link", link},
               {"receive_queues", queues},
               {"receive_offloads", {"IPV4_CKSUM", "TCP_CKSUM"}},
               {"rss", {{"ipv4", rss}, {"ipv6", rss}}},
               {"rss_text", {{"ipv4", "75 of 75"}, {"ipv6", "75 of 75"}}}}}}};
  }

  std::map<std::string, InterfaceFeatures> features_;
};

TEST_F(DoctorPorts, AHandedOverNicIsDescribed) {
  nic(kOne, "vfio-pci", "1");
  const Findings findings = ports(subject({{"outside", kOne}}));
  EXPECT_EQ(of(findings, "port outside").state, State::kOk);
  EXPECT_EQ(of(findings, "port outside").text, "0000:3b:00.0, driver vfio-pci, node 1");
  EXPECT_THAT(of(findings, "outside MTU").text, HasSubstr("what the device has"));
  EXPECT_THAT(of(findings, "outside RSS").text, HasSubstr("known once synward runs"));
}

TEST_F(DoctorPorts, ANicOfTheKernelsIsBoundByTheCommand) {
  nic(kOne, "ixgbe");
  write("sys/kernel/iommu_groups/7/type", "DMA");
  link("sys/bus/pci/devices/" + std::string{kOne} + "/iommu_group", "../../../../kernel/iommu_groups/7");
  const Findings with_iommu = ports(subject({{"outside", kOne}}));
  ASSERT_EQ(with_iommu.size(), 1u);
  EXPECT_EQ(with_iommu[0].state, State::kFail);
  EXPECT_EQ(with_iommu[0].text, "0000:3b:00.0 is driven by the kernel's ixgbe");
  EXPECT_EQ(with_iommu[0].command, "modprobe vfio-pci && driverctl set-override 0000:3b:00.0 vfio-pci");
  std::filesystem::remove(root_ / "sys/bus/pci/devices" / kOne / "iommu_group");
  EXPECT_EQ(ports(subject({{"outside", kOne}}))[0].command,
            "modprobe uio_pci_generic && driverctl set-override 0000:3b:00.0 uio_pci_generic");
}

TEST_F(DoctorPorts, WhoKeepsTheIommuGroupIsBoundToo) {
  nic(kOne, "vfio-pci");
  nic(kOther, "ixgbe");
  for (const char* member : {kOne, kOther}) {
    std::filesystem::create_directories(root_ / "sys/kernel/iommu_groups/7/devices" / member);
    link("sys/bus/pci/devices/" + std::string{member} + "/iommu_group", "../../../../kernel/iommu_groups/7");
  }
  const Finding finding = ports(subject({{"outside", kOne}})).front();
  EXPECT_EQ(finding.state, State::kFail);
  EXPECT_THAT(finding.text, HasSubstr("shares its IOMMU group with 0000:3b:00.1"));
  EXPECT_EQ(finding.command, "modprobe vfio-pci && driverctl set-override 0000:3b:00.1 vfio-pci");
}

TEST_F(DoctorPorts, TheDefaultRouteIsLeftAlone) {
  silent_interface("far0");
  write("proc/net/route", "Iface\tDestination\nfar0\t00000000\t010012C6\t0003\t0\t0\t100\t00000000\t0\t0\t0");
  const Finding refused = ports(subject({kShared})).front();
  EXPECT_EQ(refused.state, State::kFail);
  EXPECT_THAT(refused.text, StartsWith("this machine's default route goes by far0"));
  config::Port taken = kShared;
  taken.take_default_route = "far0";
  EXPECT_EQ(of(ports(subject({taken})), "port outside").text,
            "far0, which stays the kernel's, also if the default route goes by it");
}

TEST_F(DoctorPorts, BothPortsOverOneNic) {
  nic(kOne, "vfio-pci");
  EXPECT_EQ(of(ports(subject({{"outside", kOne}, {"inside", kOne}})), "ports").state, State::kFail);
  nic(kOther, "vfio-pci");
  EXPECT_FALSE(has_failed(ports(subject({{"outside", kOne}, {"inside", kOther}}))));
}

TEST_F(DoctorPorts, AMissingInterfaceIsTheOnlyThingToSay) {
  const Findings findings = ports(subject({kShared}));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].state, State::kFail);
  EXPECT_THAT(findings[0].text, HasSubstr("there is no interface \"far0\""));
}

TEST_F(DoctorPorts, ASilentInterfaceIsRight) {
  silent_interface("far0");
  const Findings findings = ports(subject({kShared}));
  for (const Finding& finding : findings)
    EXPECT_EQ(finding.state, State::kOk) << finding.check << finding.text;
  EXPECT_EQ(of(findings, "outside offloads").text, "far0 neither merges nor splits segments");
  EXPECT_EQ(of(findings, "outside MTU").text, "1500");
  EXPECT_EQ(of(findings, "outside other end").check, "") << "it is no veth";
}

TEST_F(DoctorPorts, AnInterfaceThatIsDown) {
  silent_interface("far0");
  write("sys/class/net/far0/flags", "0x1082");
  EXPECT_EQ(of(ports(subject({kShared})), "outside link").state, State::kFail);
  EXPECT_EQ(of(ports(subject({kShared})), "outside link").command, "ip link set far0 up");
  write("sys/class/net/far0/flags", "0x1083");
  write("sys/class/net/far0/carrier", "0");
  EXPECT_EQ(of(ports(subject({kShared})), "outside link").state, State::kWarn);
}

TEST_F(DoctorPorts, AnInterfaceOnWhichTheKernelSpeaks) {
  silent_interface("far0");
  write("sys/class/net/far0/flags", "0x1003");
  EXPECT_EQ(of(ports(subject({kShared})), "outside silence").state, State::kWarn);
  EXPECT_EQ(of(ports(subject({kShared})), "outside silence").command, "ip link set far0 arp off");
  write("proc/sys/net/ipv6/conf/far0/disable_ipv6", "0");
  EXPECT_EQ(of(ports(subject({kShared})), "outside silence").command,
            "ip link set far0 arp off && sysctl -qw net/ipv6/conf/far0/disable_ipv6=1");
  write("sys/class/net/far0/flags", "0x1083");
  EXPECT_EQ(of(ports(subject({kShared})), "outside silence").text,
            "the kernel speaks IPv6 on far0, beside synward");
  std::filesystem::remove_all(root_ / "proc/sys/net/ipv6");
  EXPECT_EQ(of(ports(subject({kShared})), "outside silence").state, State::kOk) << "this kernel has no IPv6";
}

TEST_F(DoctorPorts, AnInterfaceThatMergesSegments) {
  silent_interface("far0");
  features_["far0"].on = {"gro", "tso", "tx"};
  const Finding merges = of(ports(subject({kShared})), "outside offloads");
  EXPECT_EQ(merges.state, State::kFail);
  EXPECT_EQ(merges.command, "ethtool -K far0 gro off tso off");
  features_["far0"].on = {"lro"};
  EXPECT_EQ(of(ports(subject({kShared})), "outside offloads").state, State::kFail);
  features_["far0"].on = {"tso", "tx"};
  EXPECT_EQ(of(ports(subject({kShared})), "outside offloads").state, State::kWarn);
  EXPECT_THAT(of(ports(subject({kShared})), "outside offloads").text, HasSubstr("tso is on"));
  features_.clear();
  EXPECT_THAT(of(ports(subject({kShared})), "outside offloads").text, HasSubstr("cannot be asked"));
}

TEST_F(DoctorPorts, TheOtherEndOfAVethFinishesChecksums) {
  silent_interface("far0");
  features_["far0"].driver = "veth";
  write("sys/class/net/far0/ifindex", "7");
  write("sys/class/net/far0/iflink", "8");
  EXPECT_THAT(of(ports(subject({kShared})), "outside other end").text,
              HasSubstr("in another network namespace"));
  interface("near0");
  write("sys/class/net/near0/ifindex", "8");
  write("sys/class/net/near0/iflink", "7");
  features_["near0"] = {.driver = "veth", .on = {"tso", "tx"}};
  const Finding unfinished = of(ports(subject({kShared})), "outside other end");
  EXPECT_EQ(unfinished.state, State::kFail);
  EXPECT_EQ(unfinished.command, "ethtool -K near0 tx off");
  features_["near0"].on.clear();
  EXPECT_EQ(of(ports(subject({kShared})), "outside other end").state, State::kOk);
}

TEST_F(DoctorPorts, AnInterfaceThatAnotherSynwardServes) {
  silent_interface("far0");
  write("proc/net/unix",
        "Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 0 0 1 1 5 @synward/far");
  EXPECT_EQ(of(ports(subject({kShared})), "port outside").state, State::kOk) << "far is another";
  write("proc/net/unix",
        "Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 0 0 1 1 5 @synward/far0");
  EXPECT_EQ(of(ports(subject({kShared})), "port outside").text,
            "interface far0 is already served by another synward");
  Subject running = subject({kShared});
  running.running = stats("none", 1);
  EXPECT_EQ(of(ports(running), "port outside").state, State::kOk) << "it is this one";
}

TEST_F(DoctorPorts, ATapWantsItsDriver) {
  const Subject tap = subject({{"inside", "net_tap0,iface=synward0"}});
  EXPECT_EQ(of(ports(tap), "port inside").state, State::kFail);
  EXPECT_EQ(of(ports(tap), "port inside").command, "modprobe tun");
  write("dev/net/tun", "");
  EXPECT_EQ(of(ports(tap), "port inside").text, "a TAP, synward0, which synward makes");
}

TEST_F(DoctorPorts, QueuesAreAsManyAsWorkers) {
  silent_interface("far0");
  const Finding few = of(ports(subject({kShared}, {1, 2})), "outside queues");
  EXPECT_EQ(few.state, State::kFail);
  EXPECT_THAT(few.text, HasSubstr("write qpairs=2 behind its iface="));
  config::Port two = kShared;
  two.device += ",qpairs=2";
  EXPECT_FALSE(has_failed(ports(subject({two}, {1, 2}))));
}

struct MtuCase {
  std::string_view name;
  std::uint32_t asked;
  const char *has, *arguments;
  State state;
  std::string_view text, command;
};
class DoctorMtu : public DoctorPorts, public testing::WithParamInterface<MtuCase> {};

TEST_P(DoctorMtu, IsSaidAsStartSaysIt) {
  const MtuCase& row = GetParam();
  silent_interface("far0");
  write("sys/class/net/far0/mtu", row.has);
  const config::Port port{.name = "outside",
                          .device = std::string{"net_af_packet0,iface=far0"} + row.arguments,
                          .mtu = row.asked};
  const Finding finding = of(ports(subject({port})), "outside MTU");
  EXPECT_EQ(finding.state, row.state);
  EXPECT_THAT(finding.text, HasSubstr(std::string{row.text}));
  EXPECT_EQ(finding.command, row.command);
}

constexpr const char* kJumboRing = ",framesz=9216,blocksz=36864";
constexpr MtuCase kMtuCases[] = {
    {"AsItIs", 0, "1500", "", State::kOk, "1500", ""},
    {"Asked", 9000, "9000", kJumboRing, State::kOk, "9000", ""},
    {"Lower", 1400, "1500", "", State::kWarn, "far0 has 1500 and the port 1400", "ip link set far0 mtu 1400"},
    {"JumboWithoutAsking", 0, "9000", "", State::kWarn, "far0 has 9000 and the port 1500",
     "ip link set far0 mtu 1500"},
    {"TooLong", 9000, "1500", kJumboRing, State::kFail, "takes no MTU of 9000", "ip link set far0 mtu 9000"},
    {"RingTooShort", 9000, "9000", "", State::kFail, "would cut off what an MTU of 9000", ""},
    {"DriverSetsIt", 1450, "1400", "", State::kOk, "1450; far0 has 1400, and synward sets it", ""},
};
INSTANTIATE_TEST_SUITE_P(Interface, DoctorMtu, testing::ValuesIn(kMtuCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(DoctorPorts, MtusOfAWireAgree) {
  silent_interface("far0");
  silent_interface("far1");
  const config::Port inside{.name = "inside", .device = "net_af_packet1,iface=far1"};
  EXPECT_FALSE(has_failed(ports(subject({kShared, inside}))));
  write("sys/class/net/far1/mtu", "1400");
  EXPECT_THAT(of(ports(subject({kShared, inside})), "MTU").text,
              HasSubstr("write mtu = 1400 below both devices"));
}

TEST_F(DoctorPorts, ARunningSynwardKnowsRss) {
  nic(kOne, "vfio-pci");
  Subject running = subject({{"outside", kOne}}, {1, 2});
  const auto rss = [&](const std::string& word, std::size_t queues, const std::string& link = "up") {
    running.running = stats(word, queues, link);
    return of(ports(running), "outside RSS");
  };
  EXPECT_EQ(rss("verified", 2).state, State::kOk);
  EXPECT_EQ(rss("verified", 2).text,
            "2 queue(s) for 2 worker(s), the NIC checks IPV4_CKSUM, TCP_CKSUM, RSS verified (75 of 75)");
  EXPECT_EQ(rss("verified", 1).state, State::kWarn);
  EXPECT_EQ(rss("failed", 2).state, State::kWarn);
  EXPECT_THAT(rss("spread", 2).text, HasSubstr("move to their owners over rings"));
  EXPECT_EQ(rss("verified", 2, "down").state, State::kWarn);
  running.config.lcores = {1};
  EXPECT_EQ(rss("none", 1).state, State::kOk) << "one worker gets all";
}

TEST_F(DoctorPorts, TheMachineInGeneralShowsItsNics) {
  Subject general = subject({});
  EXPECT_THAT(check_nics(general).front().text, HasSubstr("none on PCI"));
  nic(kOne, "vfio-pci");
  nic(kOther, "ixgbe");
  nic("0000:00:17.0", "ahci");
  write("sys/bus/pci/devices/0000:00:17.0/class", "0x010601");
  const Findings nics = check_nics(general);
  ASSERT_EQ(nics.size(), 2u) << "a disk controller is none";
  EXPECT_EQ(nics[0].state, State::kOk);
  EXPECT_THAT(nics[0].text, HasSubstr("driver vfio-pci, node 0: synward can have it"));
  EXPECT_EQ(nics[1].state, State::kWarn);
  EXPECT_THAT(nics[1].command, HasSubstr("driverctl set-override 0000:3b:00.1"));
}

/// The loopback is there wherever a test runs, and its offloads can be told.
TEST(ReadFeatures, AsksTheKernel) {
  const auto loopback = read_features("lo");
  ASSERT_TRUE(loopback);
  EXPECT_TRUE(std::find(loopback->on.begin(), loopback->on.end(), "tso") != loopback->on.end() ||
              std::find(loopback->on.begin(), loopback->on.end(), "gro") != loopback->on.end());
  EXPECT_FALSE(read_features("no-such-if"));
}

}  // namespace
}  // namespace synward::control::doctor
