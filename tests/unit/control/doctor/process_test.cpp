// Mirrors control/doctor/privileges.cpp, clock.cpp and files.cpp.
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "control/control_client.hpp"
#include "control/key_file.hpp"
#include "control/stats_server.hpp"
#include "tests/unit/control/doctor/made_up_machine.hpp"

namespace synward::control::doctor {
namespace {

using testing::HasSubstr;

constexpr const char* kProgram = "/usr/bin/synward";
constexpr const char *kNone = "0000000000000000", *kAll = "000001ffffffffff", *kNet = "0000000000003000";
const std::vector<config::Port> kShared{{.name = "outside", .device = "net_af_packet0,iface=far0"}};

class DoctorPrivileges : public MadeUpMachine {
 protected:
  Findings may(const std::string& capabilities, const std::vector<config::Port>& ports,
               const std::string& locked = "unlimited") const {
    write("proc/self/status", "Name:\tsynward\nCapPrm:\t0\nCapEff:\t" + capabilities);
    write("proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         " + locked +
                                  "   " + locked + "   bytes");
    return check_privileges(subject(ports), kProgram);
  }
};

TEST_F(DoctorPrivileges, AreWhatThePortsAskFor) {
  EXPECT_EQ(of(may(kAll, kShared), "privileges").state, State::kOk);
  EXPECT_EQ(of(may(kNet, kShared), "privileges").state, State::kOk);
  const Finding none = of(may(kNone, kShared), "privileges");
  EXPECT_EQ(none.state, State::kFail);
  EXPECT_EQ(none.command, "setcap cap_net_admin,cap_net_raw=ep /usr/bin/synward");
  EXPECT_EQ(of(may(kNone, {{"outside", "net_null0"}}), "privileges").state, State::kOk)
      << "it asks for nothing";
  EXPECT_EQ(of(may(kNet, {{"inside", "net_tap0"}}), "privileges").state, State::kOk);
  EXPECT_THAT(of(may(kNet, {{"outside", "net_af_xdp0,iface=far0"}}), "privileges").text,
              HasSubstr("cap_bpf"));
}

TEST_F(DoctorPrivileges, OfANicDependOnItsDriver) {
  nic(kOne, "uio_pci_generic");
  EXPECT_THAT(of(may(kNet, {{"outside", kOne}}), "privileges").text,
              HasSubstr("cap_dac_override,cap_sys_rawio,cap_sys_admin"));
  nic(kOne, "mlx5_core");
  EXPECT_EQ(of(may(kNet, {{"outside", kOne}}), "privileges").state, State::kOk);
  EXPECT_EQ(of(may(kNone, {{"outside", kOne}}), "privileges").state, State::kFail);
  nic(kOne, "vfio-pci");
  EXPECT_EQ(of(may(kNone, {{"outside", kOne}}), "privileges").state, State::kOk);
}

TEST_F(DoctorPrivileges, LockedMemoryIsForKeysAndForDevices) {
  const Finding keys = of(may(kNet, kShared, "65536"), "locked memory");
  EXPECT_EQ(keys.state, State::kWarn);
  EXPECT_THAT(keys.text, HasSubstr("the limit is 64 KiB (ulimit -l): keys may be swapped"));
  EXPECT_EQ(keys.command, "setcap cap_net_admin,cap_net_raw,cap_ipc_lock=ep /usr/bin/synward");
  EXPECT_EQ(of(may(kNet, kShared, "8388608"), "locked memory").state, State::kOk);
  EXPECT_EQ(of(may(kAll, kShared, "65536"), "locked memory").state, State::kOk)
      << "CAP_IPC_LOCK knows no limit";
  nic(kOne, "vfio-pci");
  EXPECT_EQ(of(may(kNet, {{"outside", kOne}}, "8388608"), "locked memory").state, State::kFail);
  EXPECT_EQ(of(may(kNet, {{"outside", kOne}}), "locked memory").state, State::kOk);
}

TEST_F(DoctorPrivileges, AGroupOfTheIommuIsAFile) {
  nic(kOne, "vfio-pci");
  link("sys/bus/pci/devices/" + std::string{kOne} + "/iommu_group", "../../../../kernel/iommu_groups/7");
  const Finding missing = of(may(kAll, {{"outside", kOne}}), "port outside file");
  EXPECT_EQ(missing.state, State::kFail);
  EXPECT_EQ(missing.command, "modprobe vfio-pci");
  write("dev/vfio/7", "");
  EXPECT_EQ(of(may(kAll, {{"outside", kOne}}), "port outside file").check, "") << "nothing is to be said";
}

TEST(DoctorClock, MattersWhereKeysAreShared) {
  config::Config alone, fleet;
  fleet.key_file = "/etc/synward/keys.toml";
  const auto state = [](const config::Config& config, bool is_synchronized, std::uint64_t error_us) {
    return check_clock(config, {is_synchronized, error_us}).front().state;
  };
  EXPECT_EQ(state(fleet, true, 5'000'000), State::kOk);
  EXPECT_EQ(state(fleet, true, 5'000'001), State::kFail);
  EXPECT_EQ(state(fleet, false, 0), State::kFail);
  EXPECT_EQ(state(alone, true, 5'000'001), State::kWarn);
  EXPECT_EQ(state(alone, false, 0), State::kWarn);
  EXPECT_EQ(check_clock(fleet, {true, 3'000}).front().command, "");
  EXPECT_THAT(check_clock(fleet, {false, 0}).front().command, HasSubstr("chrony"));
  static_cast<void>(read_clock());  // the kernel answers everybody
}

class DoctorFiles : public MadeUpMachine {
 protected:
  static constexpr std::uint32_t kNow = 28'000'001;
  DoctorFiles() { chmod(root_.c_str(), 0700); }
  config::Config with_keys(const std::string& rows = "") const {
    config::Config config;
    config.key_file = root_ / "keys.toml";
    if (rows.empty()) {
      write_key_file(config.key_file, cookie::KeyRing::random(), true);
    } else {
      write("keys.toml", "version = 1\n" + rows);
      chmod(config.key_file.c_str(), 0600);
    }
    return config;
  }
  static std::string key(std::uint64_t first_slot) {
    return "[[key]]\nfirst_slot = " + std::to_string(first_slot) +
           "\nsecret = \"000102030405060708090a0b0c0d0eff\"\n";
  }
  static Finding look(const config::Config& config) {
    return check_keys(config, std::uint64_t{kNow} * cookie::kSlotMs + 4'000).front();
  }
};

TEST_F(DoctorFiles, AKeyFileThatIsRight) {
  EXPECT_EQ(look(with_keys()).state, State::kOk);
  EXPECT_THAT(look(with_keys(key(1) + key(kNow + 2))).text,
              HasSubstr("2 key(s), one mints, the next in 124 s"));
  EXPECT_EQ(look({}).state, State::kOk);
  EXPECT_THAT(look({}).text, HasSubstr("keys are drawn at start"));
}

TEST_F(DoctorFiles, AKeyFileThatOthersReadIsMendedByTheCommand) {
  const config::Config config = with_keys();
  chmod(config.key_file.c_str(), 0644);
  const Finding finding = look(config);
  EXPECT_EQ(finding.state, State::kFail);
  EXPECT_EQ(finding.command, "chmod 600 " + config.key_file);
  ASSERT_EQ(std::system(finding.command.c_str()), 0);  // NOLINT(cert-env33-c): it is what a person does
  EXPECT_EQ(look(config).state, State::kOk);
}

TEST_F(DoctorFiles, AKeyFileThatAnotherOwnsIsMendedByTheCommand) {
  ASSERT_EQ(geteuid(), 0u) << "only root gives files away";
  const config::Config config = with_keys();
  ASSERT_EQ(chown(config.key_file.c_str(), 1, 1), 0);
  const Finding finding = look(config);
  EXPECT_EQ(finding.state, State::kFail);
  EXPECT_EQ(finding.command, "chown root " + config.key_file);
  ASSERT_EQ(std::system(finding.command.c_str()), 0);  // NOLINT(cert-env33-c)
  EXPECT_EQ(look(config).state, State::kOk);
}

TEST_F(DoctorFiles, AKeyFileThatIsNotThereOrIsWrong) {
  config::Config config;
  config.key_file = root_ / "none.toml";
  EXPECT_EQ(look(config).state, State::kFail);
  EXPECT_EQ(look(config).command, "synward keys init " + config.key_file);
  config = with_keys("[[key]]\nfirst_slot = 1\n");
  EXPECT_EQ(look(config).state, State::kFail);
  EXPECT_THAT(look(config).text, HasSubstr("secret must be"));
  EXPECT_EQ(look(config).command, "");
}

TEST_F(DoctorFiles, AKeyBeforeItsTimeOrInAFolderOfOthers) {
  EXPECT_EQ(look(with_keys(key(kNow + 1))).state, State::kWarn);
  EXPECT_THAT(look(with_keys(key(kNow + 1))).text, HasSubstr("begins in 60 s"));
  const config::Config config = with_keys();
  chmod(root_.c_str(), 0777);
  EXPECT_EQ(look(config).state, State::kWarn) << "whoever may write the folder may replace the file";
  EXPECT_EQ(look(config).command, "chmod go-w " + root_.string());
  chmod(root_.c_str(), 01777);
  EXPECT_EQ(look(config).state, State::kOk) << "a sticky folder lets nobody replace another's files";
}

TEST_F(DoctorFiles, AConfigThatOthersMayChange) {
  write("synward.toml", "");
  const std::string path = root_ / "synward.toml";
  chmod(path.c_str(), 0644);
  EXPECT_EQ(check_config_file(path, {}).front().state, State::kOk);
  chmod(path.c_str(), 0664);
  EXPECT_EQ(check_config_file(path, {}).front().state, State::kWarn);
  EXPECT_EQ(check_config_file(path, {}).front().command, "chmod go-w " + path);
}

TEST_F(DoctorFiles, TheControlSocketCanBeMade) {
  config::Config config;
  const auto state = [&](const std::string& path) {
    config.control_socket = root_ / path;
    return check_socket(config, {}).front();
  };
  EXPECT_EQ(state("control.sock").state, State::kOk);
  EXPECT_EQ(state("not/there/yet/control.sock").state, State::kOk) << "start makes the folder";
  EXPECT_FALSE(std::filesystem::exists(root_ / "not")) << "and doctor does not";
  write("file", "");
  EXPECT_EQ(state("file").text, (root_ / "file").string() + ": a file of another kind is there");
  EXPECT_EQ(state("file").state, State::kFail);
  EXPECT_THAT(state("file/control.sock").text, HasSubstr("is no folder"));
  EXPECT_EQ(state("file/control.sock").state, State::kFail);
}

TEST_F(DoctorFiles, AControlSocketThatASynwardServes) {
  config::Config config;
  config.ports = {{"outside", kOne}};
  config.control_socket = root_ / "control.sock";
  const auto stats = [](const std::string& port) {
    return nlohmann::json{{"uptime_s", 12.4}, {"ports", {{{"name", port}}}}};
  };
  const StatsServer server{config.control_socket,
                           {.stats = [&] { return stats("outside"); }, .reset_port = {}}};
  const auto answer = ask_stats(config.control_socket);
  EXPECT_TRUE(serves(answer, config));
  EXPECT_EQ(check_socket(config, answer).front().state, State::kOk);
  EXPECT_THAT(check_socket(config, answer).front().text, HasSubstr("a synward answers, up 12 s"));
  EXPECT_FALSE(serves(stats("other"), config));
  EXPECT_EQ(check_socket(config, stats("other")).front().state, State::kFail);
  EXPECT_THAT(check_socket(config, {}).front().text, HasSubstr("another synward serves it"));
  config.ports.push_back({"inside", kOther});
  EXPECT_FALSE(serves(answer, config));
}

}  // namespace
}  // namespace synward::control::doctor
