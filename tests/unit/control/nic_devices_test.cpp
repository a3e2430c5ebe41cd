// Mirrors control/nic_devices.hpp: machines of the test's own, as /sys and /proc would show them.
#include "control/nic_devices.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::control {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char *kOne = "0000:3b:00.0", *kOther = "0000:3b:00.1";

class NicDevicesTest : public testing::Test {
 protected:
  NicDevicesTest() {
    std::string name = (fs::temp_directory_path() / "synward-XXXXXX").string();
    root_ = mkdtemp(name.data());
    fs::create_directories(root_ / "sys/class/net");
    fs::create_directories(root_ / "proc/net");
  }
  ~NicDevicesTest() override { fs::remove_all(root_); }

  fs::path pci(const std::string& address) const { return root_ / "sys/devices/pci0000:3a" / address; }
  void nic(const std::string& address, const std::string& driver) const {
    fs::create_directories(pci(address));
    fs::create_directories(root_ / "sys/bus/pci/devices");
    fs::create_directory_symlink(pci(address), root_ / "sys/bus/pci/devices" / address);
    std::ofstream{pci(address) / "class"} << "0x020000\n";
    if (!driver.empty())
      fs::create_directory_symlink("../../../bus/pci/drivers/" + driver, pci(address) / "driver");
  }
  void interface(const std::string& name, const std::string& mac, const std::string& of = "") const {
    const fs::path folder = root_ / "sys/class/net" / name;
    fs::create_directories(folder);
    std::ofstream{folder / "address"} << mac << "\n";
    if (of.empty()) return;
    fs::create_directories(pci(of));
    fs::create_directory_symlink(pci(of), folder / "device");
  }
  void over(const std::string& upper, const std::string& lower) const {
    fs::create_directory_symlink("../" + lower, root_ / "sys/class/net" / upper / ("lower_" + lower));
  }
  void group(const std::vector<std::string>& members) const {
    const fs::path group = root_ / "sys/kernel/iommu_groups/7";
    for (const auto& member : members) {
      fs::create_directories(group / "devices" / member);
      fs::create_directory_symlink(group, pci(member) / "iommu_group");
    }
  }
  void route4(const std::string& line) const {
    std::ofstream{root_ / "proc/net/route", std::ios::app} << line << "\n";
  }
  void route6(const std::string& line) const {
    std::ofstream{root_ / "proc/net/ipv6_route", std::ios::app} << line << "\n";
  }
  void default_route(const std::string& interface) const {
    route4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    route4(interface + "\t00000000\t010012C6\t0003\t0\t0\t100\t00000000\t0\t0\t0");
  }

  std::string resolve(const std::string& device, const std::string& take = "") const {
    return NicDevices{root_}.resolve(
        {.name = "outside", .device = device, .mtu = 0, .take_default_route = take});
  }
  std::string error_of(const std::string& device, const std::string& take = "") const {
    try {
      return "resolved to " + resolve(device, take);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  fs::path root_;
};

TEST_F(NicDevicesTest, FindsANicByEachOfItsNames) {
  nic(kOne, "mlx5_core");  // stays the kernel's
  interface("enp59s0", "52:54:00:00:00:0a", kOne);
  for (const std::string name : {kOne, "52:54:00:00:00:0a", "enp59s0"}) {
    EXPECT_EQ(resolve(name), kOne);
    EXPECT_EQ(resolve(name + ",rxq_cqe_comp_en=0"), std::string{kOne} + ",rxq_cqe_comp_en=0");
  }
}

TEST_F(NicDevicesTest, TakesTheNicOfAMacAddressAndNotWhatIsOverIt) {
  nic(kOne, "mlx5_core");
  interface("bond0", "52:54:00:00:00:0a");
  interface("enp59s0", "52:54:00:00:00:0a", kOne);
  EXPECT_EQ(resolve("52:54:00:00:00:0a"), kOne);
}

TEST_F(NicDevicesTest, RefusesAMacAddressThatTwoHave) {
  for (const char* nic_of_bond : {kOne, kOther}) nic(nic_of_bond, "mlx5_core");
  interface("enp59s0f0", "52:54:00:00:00:0a", kOne);
  interface("enp59s0f1", "52:54:00:00:00:0a", kOther);
  EXPECT_THAT(error_of("52:54:00:00:00:0a"),
              HasSubstr("more than one NIC has the MAC address 52:54:00:00:00:0a: give the PCI address, one "
                        "of 0000:3b:00.0, 0000:3b:00.1"));
}

/// virtio's interface is a virtio device's, which is the PCI device's.
TEST_F(NicDevicesTest, FindsThePciDeviceBelowADeviceOfAnotherBus) {
  nic(kOne, "virtio-pci");
  interface("eth0", "52:54:00:00:00:0a", std::string{kOne} + "/virtio2");
  EXPECT_THAT(error_of("eth0"), HasSubstr("0000:3b:00.0 (eth0) is driven by the kernel's virtio-pci"));
  EXPECT_THAT(error_of("52:54:00:00:00:0a"), HasSubstr("0000:3b:00.0 (eth0) is driven"));
  default_route("eth0");
  for (const char* name : {kOne, "eth0", "52:54:00:00:00:0a"})
    EXPECT_THAT(error_of(name), HasSubstr("default route goes by eth0")) << name;
}

TEST_F(NicDevicesTest, WantsHugePagesForUio) {
  nic(kOne, "uio_pci_generic");
  nic(kOther, "vfio-pci");
  config::Config config;
  config.ports = {{.name = "outside", .device = kOther}};
  EXPECT_NO_THROW(NicDevices{root_}.check_memory(config, false));
  config.ports.push_back({.name = "inside", .device = std::string{kOne} + ",a=1"});
  EXPECT_NO_THROW(NicDevices{root_}.check_memory(config, true));
  EXPECT_THROW(NicDevices{root_}.check_memory(config, false), std::runtime_error);
}

TEST_F(NicDevicesTest, LeavesADeviceOfDpdksMakingAsItIs) {
  EXPECT_EQ(resolve("net_ring0"), "net_ring0");
  EXPECT_EQ(resolve("net_af_packet0,iface=eth0"), "net_af_packet0,iface=eth0");
}

TEST_F(NicDevicesTest, SaysWhatIsNotThere) {
  nic(kOne, "vfio-pci");
  EXPECT_THAT(error_of(kOther), StartsWith("port \"outside\": there is no PCI device 0000:3b:00.1; "));
  EXPECT_THAT(error_of("52:54:00:00:00:0a"),
              HasSubstr("no NIC of the kernel has the MAC address 52:54:00:00:00:0a; "));
  EXPECT_THAT(error_of("eth0"), HasSubstr("there is no interface \"eth0\"; "));
  interface("veth7", "52:54:00:00:00:0a");
  EXPECT_THAT(error_of("veth7"), HasSubstr("write \"net_af_packet0,iface=veth7\""));
  EXPECT_THAT(error_of("52:54:00:00:00:0a"), HasSubstr("no NIC of the kernel"));
}

TEST_F(NicDevicesTest, SaysHowToBindWhatTheKernelDrives) {
  nic(kOne, "ixgbe");
  interface("eth1", "52:54:00:00:00:0a", kOne);
  group({kOne});
  EXPECT_EQ(error_of("eth1"),
            "port \"outside\": 0000:3b:00.0 (eth1) is driven by the kernel's ixgbe: give it to DPDK with "
            "\"driverctl set-override 0000:3b:00.0 vfio-pci\", which lasts, or with "
            "\"dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0\", which does not");
  nic(kOther, "");
  EXPECT_THAT(error_of(kOther), StartsWith("port \"outside\": 0000:3b:00.1 is bound to no driver: "));
  EXPECT_THAT(error_of(kOther), HasSubstr("this machine shows none"));
}

TEST_F(NicDevicesTest, TakesWhatIsHandedOver) {
  for (const char* driver : {"vfio-pci", "uio_pci_generic", "igb_uio"}) {
    fs::remove_all(root_ / "sys");
    nic(kOne, driver);
    EXPECT_EQ(resolve(kOne), kOne) << driver;
  }
}

TEST_F(NicDevicesTest, SaysWhoKeepsAnIommuGroup) {
  nic(kOne, "vfio-pci");
  nic(kOther, "ixgbe");
  nic("0000:3a:00.0", "pcieport");
  nic("0000:3b:00.2", "");
  interface("eth1", "52:54:00:00:00:0b", kOther);
  group({kOne, kOther, "0000:3a:00.0", "0000:3b:00.2"});
  EXPECT_THAT(error_of(kOne),
              HasSubstr("shares its IOMMU group with 0000:3b:00.1 (eth1), which the kernel's ixgbe has"));
  EXPECT_THAT(error_of(kOne), HasSubstr("driverctl set-override 0000:3b:00.1 vfio-pci"));
  default_route("eth1");
  EXPECT_THAT(error_of(kOne), HasSubstr("move the NIC to another slot")) << "the machine needs that one";
  fs::remove(root_ / "proc/net/route");
  std::ofstream{pci(kOther) / "class"} << "0x010601\n";
  EXPECT_THAT(error_of(kOne), HasSubstr("move the NIC to another slot")) << "it is a disk controller";
  fs::remove(pci(kOther) / "driver");
  fs::create_directory_symlink("../../../bus/pci/drivers/pci-stub", pci(kOther) / "driver");
  EXPECT_EQ(resolve(kOne), kOne);
  fs::remove(pci(kOther) / "driver");
  fs::create_directory_symlink("../../../bus/pci/drivers/vfio-pci", pci(kOther) / "driver");
  EXPECT_EQ(resolve(kOne), kOne);
}

TEST_F(NicDevicesTest, LeavesTheDefaultRouteAlone) {
  nic(kOne, "ixgbe");
  interface("eth0", "52:54:00:00:00:0a", kOne);
  default_route("eth0");
  for (const std::string name :
       {kOne, "eth0", "52:54:00:00:00:0a", "net_af_packet0,iface=eth0", "net_af_xdp0,iface=eth0"}) {
    EXPECT_THAT(error_of(name),
                StartsWith("port \"outside\": this machine's default route goes by eth0: with synward there"))
        << name;
    EXPECT_THAT(error_of(name), HasSubstr("take_default_route = \"eth0\"")) << name;
    EXPECT_THAT(error_of(name, "eth1"), HasSubstr("default route")) << name << ": by another's name";
  }
  EXPECT_THAT(error_of(kOne, "eth0"), HasSubstr("driven by the kernel's ixgbe"));
  EXPECT_EQ(resolve("net_af_packet0,iface=eth0", "eth0"), "net_af_packet0,iface=eth0");
  EXPECT_EQ(resolve("net_tap0,iface=eth0"), "net_tap0,iface=eth0") << "which it makes";
}

TEST_F(NicDevicesTest, FindsTheDefaultRouteBelowABondABridgeAndAVlan) {
  nic(kOne, "mlx5_core");
  interface("eth0", "52:54:00:00:00:0a", kOne);
  interface("bond0", "52:54:00:00:00:0a");
  interface("br0", "52:54:00:00:00:0a");
  interface("br0.5", "52:54:00:00:00:0a");
  over("bond0", "eth0");
  over("br0", "bond0");
  over("br0.5", "br0");
  default_route("br0.5");
  EXPECT_THAT(error_of("eth0"), HasSubstr("default route goes by eth0 (through br0.5)"));
  nic(kOther, "mlx5_core");
  interface("eth1", "52:54:00:00:00:0b", kOther);
  EXPECT_EQ(resolve("eth1"), kOther);
}

TEST_F(NicDevicesTest, ReadsTheRoutesOfIpv6) {
  nic(kOne, "mlx5_core");
  interface("eth0", "52:54:00:00:00:0a", kOne);
  const std::string zero(32, '0'), tail = " 00000400 00000001 00000000 ";
  route6(zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200     eth0");  // rejects
  route6("20010002" + std::string(24, '0') + " 30 " + zero + " 00 " + zero + tail + "00000001     eth0");
  route6(zero + " 01 " + zero + " 00 " + zero + tail + "00000001     eth0");  // half of everything
  route6(zero + " 00 " + zero + " 00 " + zero + tail + "00000002     eth0");  // not up
  EXPECT_EQ(resolve("eth0"), kOne);
  route6(zero + " 00 " + zero + " 00 fe80" + std::string(27, '0') + "1" + tail + "00000003     eth0");
  EXPECT_THAT(error_of("eth0"), HasSubstr("default route goes by eth0"));
}

TEST_F(NicDevicesTest, IsNotLedAstrayByOtherRoutesOfIpv4) {
  nic(kOne, "mlx5_core");
  interface("eth0", "52:54:00:00:00:0a", kOne);
  default_route("eth9");
  route4("eth0\t000012C6\t00000000\t0001\t0\t0\t100\t0000FEFF\t0\t0\t0");
  route4("eth0\t00000000\t00000000\t0001\t0\t0\t100\t000000C0\t0\t0\t0");  // 0.0.0.0/2
  route4("eth0\t00000000\t010012C6\t0002\t0\t0\t100\t00000000\t0\t0\t0");  // not up
  route4("");
  EXPECT_EQ(resolve("eth0"), kOne);
}

TEST_F(NicDevicesTest, KnowsTheNodeOfANic) {
  nic(kOne, "vfio-pci");
  nic(kOther, "vfio-pci");
  std::ofstream{pci(kOther) / "numa_node"} << "1\n";
  const NicDevices devices{root_};
  EXPECT_EQ(devices.node_of({.name = "outside", .device = kOne}), -1);
  EXPECT_EQ(devices.node_of({.name = "inside", .device = std::string{kOther} + ",a=1"}), 1);
  EXPECT_EQ(devices.node_of({.name = "inside", .device = "net_tap0,iface=x"}), -1);
}

TEST_F(NicDevicesTest, RefusesOneNicForTwoPorts) {
  nic(kOne, "mlx5_core");
  nic(kOther, "mlx5_core");
  interface("eth0", "52:54:00:00:00:0a", kOne);
  config::Config config;
  config.ports = {{.name = "outside", .device = "eth0,a=1"}, {.name = "inside", .device = kOne}};
  EXPECT_THROW(static_cast<void>(with_devices(config, NicDevices{root_})), std::runtime_error);
  config.ports[1].device = kOther;
  const auto resolved = with_devices(config, NicDevices{root_});
  EXPECT_EQ(resolved.ports[0].device, std::string{kOne} + ",a=1");
  EXPECT_EQ(resolved.ports[1].device, kOther);
}

}  // namespace
}  // namespace synward::control
