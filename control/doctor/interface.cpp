#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/descriptor.hpp"
#include "control/doctor/checks.hpp"
#include "control/mendable.hpp"
#include "control/sys_files.hpp"

namespace synward::control::doctor {
namespace {

namespace fs = std::filesystem;

struct Feature {
  std::string_view kernel, ethtool;  // names
};
constexpr std::string_view kTso = "tso", kTx = "tx";
/// Those that this is about.
constexpr std::array kFeatures{
    Feature{"rx-gro", "gro"},
    Feature{"rx-lro", "lro"},
    Feature{"rx-gro-hw", "rx-gro-hw"},
    Feature{"tx-tcp-segmentation", kTso},
    Feature{"tx-tcp-ecn-segmentation", kTso},
    Feature{"tx-tcp-mangleid-segmentation", kTso},
    Feature{"tx-tcp6-segmentation", kTso},
    Feature{"tx-checksum-ipv4", kTx},
    Feature{"tx-checksum-ip-generic", kTx},
    Feature{"tx-checksum-ipv6", kTx},
};

/// linux/ethtool.h's structs end in arrays without a size: words are both.
using Words = std::vector<__u32>;

/// ethtool(8)'s questions about one interface.
class Ethtool {
 public:
  explicit Ethtool(const std::string& interface) {
    interface.copy(request_.ifr_name, sizeof request_.ifr_name - 1);
  }
  [[nodiscard]] bool ask(void* question) {
    request_.ifr_data = static_cast<char*>(question);
    return ::ioctl(socket_.get(), SIOCETHTOOL, &request_) == 0;
  }

 private:
  Descriptor socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request_{};
};

/// The kernel's names of its features, by their numbers.
std::vector<std::string> feature_names(Ethtool& ethtool) {
  constexpr std::size_t kCountAt = sizeof(ethtool_sset_info) / sizeof(__u32);
  Words count(kCountAt + 1);
  ethtool_sset_info info{};
  info.cmd = ETHTOOL_GSSET_INFO;
  info.sset_mask = 1ull << ETH_SS_FEATURES;
  std::memcpy(count.data(), &info, sizeof info);
  if (!ethtool.ask(count.data())) return {};
  constexpr std::size_t kHead = sizeof(ethtool_gstrings) / sizeof(__u32);
  Words strings(kHead + count[kCountAt] * ETH_GSTRING_LEN / sizeof(__u32));
  strings[0] = ETHTOOL_GSTRINGS;
  strings[1] = ETH_SS_FEATURES;
  strings[2] = count[kCountAt];
  if (!ethtool.ask(strings.data())) return {};
  std::vector<std::string> names(strings[2]);
  const char* at = reinterpret_cast<const char*>(strings.data() + kHead);
  for (auto& name : names) {
    name.assign(at, ::strnlen(at, ETH_GSTRING_LEN));
    at += ETH_GSTRING_LEN;
  }
  return names;
}

/// Of kFeatures; nothing, when the kernel does not tell.
std::optional<std::vector<std::string>> features_that_are_on(Ethtool& ethtool) {
  const std::vector<std::string> names = feature_names(ethtool);
  constexpr std::size_t kHead = sizeof(ethtool_gfeatures) / sizeof(__u32);
  constexpr std::size_t kBlock = sizeof(ethtool_get_features_block) / sizeof(__u32);
  const std::size_t blocks = (names.size() + 31) / 32;
  Words words(kHead + blocks * kBlock);
  words[0] = ETHTOOL_GFEATURES;
  words[1] = static_cast<__u32>(blocks);
  if (names.empty() || !ethtool.ask(words.data())) return {};
  std::vector<std::string> on;
  for (const Feature& feature : kFeatures) {
    const auto number =
        static_cast<std::size_t>(std::find(names.begin(), names.end(), feature.kernel) - names.begin());
    if (number == names.size()) continue;
    ethtool_get_features_block block{};
    std::memcpy(&block, words.data() + kHead + number / 32 * kBlock, sizeof block);
    const bool is_on = (block.active & block.available & ~block.never_changed) >> number % 32 & 1;
    if (is_on && std::find(on.begin(), on.end(), feature.ethtool) == on.end())
      on.emplace_back(feature.ethtool);
  }
  return on;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The other end of a veth, if this network namespace has it.
std::string peer_of(const std::string& interface, const fs::path& root) {
  const fs::path all = root / "sys/class/net";
  const auto index = first_line(all / interface / "ifindex"), peer = first_line(all / interface / "iflink");
  for (const auto& other : names_in(all)) {
    if (other != interface && first_line(all / other / "ifindex") == peer &&
        first_line(all / other / "iflink") == index)
      return other;
  }
  return {};
}

Finding check_link(const std::string& check, const std::string& interface, const fs::path& root) {
  constexpr unsigned long kUp = IFF_UP;
  const fs::path folder = root / "sys/class/net" / interface;
  const auto flags = std::strtoul(first_line(folder / "flags").c_str(), nullptr, 16);
  if ((flags & kUp) == 0)
    return {check, State::kFail, fmt::format("{} is down, so nothing comes", interface),
            "ip link set " + quoted(interface) + " up"};
  if (first_line(folder / "carrier") != "1")
    return {check, State::kWarn,
            fmt::format("{} is up, but its other end is not: see to the cable, or to it", interface), ""};
  return {check, State::kOk, fmt::format("{} is up", interface), ""};
}

/// What the kernel sends and answers on its own behalf comes beside synward's answers.
Finding check_silence(const std::string& check, const std::string& interface, const fs::path& root) {
  constexpr unsigned long kNoArp = IFF_NOARP;
  const auto flags =
      std::strtoul(first_line(root / "sys/class/net" / interface / "flags").c_str(), nullptr, 16);
  const auto no_ipv6 = number_in(root / "proc/sys/net/ipv6/conf" / interface / "disable_ipv6");
  std::vector<std::string> speaks, commands;
  if ((flags & kNoArp) == 0) {
    speaks.emplace_back("answers ARP");
    commands.push_back("ip link set " + quoted(interface) + " arp off");
  }
  if (no_ipv6 && *no_ipv6 == 0) {  // else this kernel has no IPv6
    speaks.emplace_back("speaks IPv6");
    commands.push_back("sysctl -qw " + quoted("net/ipv6/conf/" + interface + "/disable_ipv6=1"));
  }
  if (speaks.empty()) return {check, State::kOk, fmt::format("the kernel keeps silent on {}", interface), ""};
  return {check, State::kWarn,
          fmt::format("the kernel {} on {}, beside synward", fmt::join(speaks, " and "), interface),
          fmt::format("{}", fmt::join(commands, " && "))};
}

std::string switch_off(const std::string& interface, const std::vector<std::string>& features) {
  return fmt::format("ethtool -K {} {} off", quoted(interface), fmt::join(features, " off "));
}

Finding check_offloads(const std::string& check, const std::string& interface, const ReadFeatures& read) {
  const auto features = read(interface);
  if (!features)
    return {check, State::kWarn, fmt::format("whether {} merges segments cannot be asked", interface), ""};
  std::vector<std::string> on = features->on;
  std::erase(on, kTx);  // that of what the kernel itself sends
  if (on.empty())
    return {check, State::kOk, fmt::format("{} neither merges nor splits segments", interface), ""};
  const bool merges = on.size() > 1 || on.front() != kTso;
  return {
      check, merges ? State::kFail : State::kWarn,
      merges ? fmt::format("{} is on at {}: segments come merged, longer than a frame, and are cut off",
                           fmt::join(on, ", "), interface)
             : fmt::format("tso is on at {}: what the kernel itself sends there is seen, longer than a frame",
                           interface),
      switch_off(interface, on)};
}

/// A veth hands on what its other end sends without a look at checksums.
Finding check_peer(const std::string& check, const std::string& interface, const fs::path& root,
                   const ReadFeatures& read) {
  const std::string peer = peer_of(interface, root);
  if (peer.empty())
    return {
        check, State::kOk,
        fmt::format(
            "that of {} is in another network namespace; its checksums must be finished: \"ethtool -K PEER "
            "tx off\" there",
            interface),
        ""};
  const auto features = read(peer);
  if (!features || !has(features->on, kTx))
    return {check, State::kOk,
            fmt::format("{} finishes the checksums of what it sends to {}", peer, interface), ""};
  return {check, State::kFail,
          fmt::format("{} leaves the checksums of what it sends to {} unfinished, and synward drops them",
                      peer, interface),
          switch_off(peer, {std::string{kTx}})};
}

}  // namespace

std::optional<InterfaceFeatures> read_features(const std::string& interface) {
  Ethtool ethtool{interface};
  auto on = features_that_are_on(ethtool);
  if (!on) return {};
  ethtool_drvinfo driver{};  // stays empty where there is none, as of the loopback
  driver.cmd = ETHTOOL_GDRVINFO;
  static_cast<void>(ethtool.ask(&driver));
  return InterfaceFeatures{
      .driver = std::string(driver.driver, ::strnlen(driver.driver, sizeof driver.driver)),
      .on = std::move(*on)};
}

Findings check_interface(const std::string& port, const std::string& interface, const fs::path& root,
                         const ReadFeatures& features) {
  Findings findings{check_link(port + " link", interface, root),
                    check_silence(port + " silence", interface, root),
                    check_offloads(port + " offloads", interface, features)};
  if (const auto own = features(interface); own && own->driver == "veth")
    findings.push_back(check_peer(port + " other end", interface, root, features));
  return findings;
}

}  // namespace synward::control::doctor
