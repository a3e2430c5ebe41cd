// All checks of `synward doctor`: each looks at one topic, in the order in which they are shown. They read
// files and ask the kernel, and change nothing. Main thread, without EAL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "control/doctor/finding.hpp"
#include "control/nic_devices.hpp"
#include "control/processors.hpp"
#include "dataplane/simd/isa.hpp"

namespace synward::control::doctor {

/// What is looked at.
struct Subject {
  /// Lcores are named, and devices resolved as far as they can be; `ports_as_written` has them as they stood.
  config::Config config;
  std::vector<config::Port> ports_as_written;
  bool is_planned = false;         ///< the config says lcores = "auto"
  std::string shortage;            ///< LcorePlan::shortage
  std::size_t wanted_workers = 0;  ///< as many as there would be without it
  /// There is none: the config stands for one of two NICs, and nothing is missing that no config asks for.
  bool is_general = false;
  /// GET /stats of the synward that serves this config already; none: none does.
  std::optional<nlohmann::json> running;
  std::vector<Processor> processors;  ///< usable ones
  NicDevices devices;
  std::filesystem::path root = "/";  ///< where sys/, proc/ and dev/ are
};

// ---- files ----

/// The file that a config was read from: who else may write it.
[[nodiscard]] Findings check_config_file(const std::string& path, const config::Config& config);
/// The key ring at `wall_ms`, milliseconds since 1970 UTC.
[[nodiscard]] Findings check_keys(const config::Config& config, std::uint64_t wall_ms);
/// The control socket, and who serves it: `running` is what he answers, if he is a synward.
[[nodiscard]] Findings check_socket(const config::Config& config,
                                    const std::optional<nlohmann::json>& running);
/// Whether `stats` are those of a synward with the ports of `config`.
[[nodiscard]] bool serves(const nlohmann::json& stats, const config::Config& config);

// ---- memory ----

/// Huge pages, and ordinary memory where that is used.
[[nodiscard]] Findings check_memory(const Subject& subject);
/// The IOMMU, if a port is a NIC or there is no config.
[[nodiscard]] Findings check_iommu(const Subject& subject);

// ---- processors ----

/// Where workers are, in whose way, how fast their processors are and how long they take to wake.
[[nodiscard]] Findings check_processors(const Subject& subject);
/// The kernels for a CPU that has `supported`, and AES by `aes`, one of dataplane/crypto/aes.hpp's names.
[[nodiscard]] Findings check_kernels(const std::vector<simd::Isa>& supported, const std::string& aes);

// ---- ports ----

/// What ethtool(8) shows of an interface.
struct InterfaceFeatures {
  std::string driver;
  std::vector<std::string> on;  ///< those that can be switched off, by ethtool's names
};
/// Nothing, where there is no such interface in this network namespace.
using ReadFeatures = std::function<std::optional<InterfaceFeatures>(const std::string& interface)>;
[[nodiscard]] std::optional<InterfaceFeatures> read_features(const std::string& interface);

/// Of each port: its device and who drives it, what a kernel interface below it does, MTU, queues, RSS.
[[nodiscard]] Findings check_ports(const Subject& subject, const ReadFeatures& features);
/// All NICs of the machine, when there is no config.
[[nodiscard]] Findings check_nics(const Subject& subject);
/// An interface that net_af_packet or net_af_xdp shares with the kernel.
[[nodiscard]] Findings check_interface(const std::string& port, const std::string& interface,
                                       const std::filesystem::path& root, const ReadFeatures& features);

// ---- the process, and time ----

/// What this user may do, against what the ports ask for. `program`: to whom it can be given.
[[nodiscard]] Findings check_privileges(const Subject& subject, const std::string& program);

/// What adjtimex(2) says of the wall clock.
struct ClockReading {
  bool is_synchronized;
  std::uint64_t error_us;  ///< estimated
};
[[nodiscard]] ClockReading read_clock();
[[nodiscard]] Findings check_clock(const config::Config& config, const ClockReading& clock);

}  // namespace synward::control::doctor
