#include "dataplane/nic/rss.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <rte_ethdev.h>

namespace synward::nic {
namespace {

constexpr std::uint64_t kTcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
/// What else is worth spreading: in the wire it passes by the same queues. (Of the types of IPv6 with
/// extension headers only TCP's, which the 82576 of QEMU takes for all TCP: drivers hash the addresses of
/// Mobile IPv6 then, if there are any.)
constexpr std::uint64_t kOthers = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                  RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 |
                                  RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER |
                                  RTE_ETH_RSS_IPV6_TCP_EX;

bool hashes_tcp(const rte_eth_dev_info& device) { return (device.flow_type_rss_offloads & kTcp) == kTcp; }

/// A driver that does not say takes the length of Microsoft's specification.
std::size_t key_bytes(const rte_eth_dev_info& device, const Rss& rss) {
  return device.hash_key_size == 0 ? rss.key.size() : device.hash_key_size;
}

/// The table of a device, in the groups that ethdev has it in.
std::vector<rte_eth_rss_reta_entry64> entries(std::size_t size) {
  std::vector<rte_eth_rss_reta_entry64> groups((size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                               RTE_ETH_RETA_GROUP_SIZE);
  for (auto& group : groups) group.mask = ~std::uint64_t{0};
  return groups;
}
std::uint16_t& entry(std::vector<rte_eth_rss_reta_entry64>& groups, std::size_t i) {
  return groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
}

std::string refused(const char* what, int result) {
  return std::string{"its driver refuses "} + what + " (" + rte_strerror(-result) + ")";
}

/// Behind the key there are zeros, which the hash does not reach. A driver without this function took the key
/// when it was configured, one that does not show it is believed: what comes will tell.
std::string program_key(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  std::vector<std::uint8_t> key(key_bytes(device, rss)), read(key.size());
  std::copy(rss.key.begin(), rss.key.end(), key.begin());
  const auto length = static_cast<std::uint8_t>(key.size());
  rte_eth_rss_conf conf{key.data(), length, (kTcp | kOthers) & device.flow_type_rss_offloads};
  if (const int result = rte_eth_dev_rss_hash_update(port, &conf); result != 0 && result != -ENOTSUP)
    return refused("the key", result);
  conf = {read.data(), length, 0};
  const int result = rte_eth_dev_rss_hash_conf_get(port, &conf);
  if (result == -ENOTSUP) return "";
  if (result != 0) return refused("to show the key", result);
  if (read != key) return "it has another key than it was given";
  return (conf.rss_hf & kTcp) == kTcp ? "" : "it does not hash TCP over both families";
}

std::string why_table_does_not_fit(std::size_t entries, const Rss& rss) {
  if (entries != 0 && entries % rss.table.size() == 0) return "";
  return "its table has " + std::to_string(entries) + " entries";
}

/// Some say how large it is only once they have RSS; others then say something smaller, and take the larger.
std::uint16_t table_entries(std::uint16_t port, const rte_eth_dev_info& before) {
  rte_eth_dev_info now{};
  if (before.reta_size != 0 || rte_eth_dev_info_get(port, &now) != 0) return before.reta_size;
  return now.reta_size;
}

/// Entry i becomes of_entry(i).
template <typename OfEntry>
int write_table(std::uint16_t port, std::uint16_t size, const OfEntry& of_entry) {
  auto groups = entries(size);
  for (std::uint16_t i = 0; i < size; ++i) entry(groups, i) = of_entry(i);
  return rte_eth_dev_rss_reta_update(port, groups.data(), size);
}

std::string program_table(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  const std::uint16_t size = table_entries(port, device);
  if (std::string why = why_table_does_not_fit(size, rss); !why.empty()) return why;
  const auto wanted = [&rss](std::uint16_t i) { return rss.table[i % rss.table.size()]; };
  if (const int result = write_table(port, size, wanted); result != 0) return refused("the table", result);
  auto read = entries(size);
  const int result = rte_eth_dev_rss_reta_query(port, read.data(), size);
  if (result == -ENOTSUP) return "";
  if (result != 0) return refused("to show the table", result);
  for (std::uint16_t i = 0; i < size; ++i)
    if (entry(read, i) != wanted(i)) return "it has another table than it was given";
  return "";
}

}  // namespace

std::string ask_for_rss(const rte_eth_dev_info& device, const Rss& rss, rte_eth_conf& config,
                        std::vector<std::uint8_t>& key) {
  auto& conf = config.rx_adv_conf.rss_conf;
  conf.rss_hf = (kTcp | kOthers) & device.flow_type_rss_offloads;
  if (conf.rss_hf == 0) return "it has none";
  config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  if (key_bytes(device, rss) < rss.key.size())
    return "its keys have " + std::to_string(device.hash_key_size) + " bytes";
  key.assign(key_bytes(device, rss), 0);
  std::copy(rss.key.begin(), rss.key.end(), key.begin());
  conf.rss_key = key.data();
  conf.rss_key_len = static_cast<std::uint8_t>(key.size());
  if (!hashes_tcp(device)) return "it does not hash TCP over both families";
  return device.reta_size == 0 ? "" : why_table_does_not_fit(device.reta_size, rss);
}

std::string program_rss(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  const std::string problem = program_key(port, device, rss);
  return problem.empty() ? program_table(port, device, rss) : problem;
}

std::vector<std::uint16_t> spread_evenly(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss,
                                         std::uint16_t queues) {
  std::vector<std::uint16_t> table(table_entries(port, device));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint16_t>(i % queues);
  const auto size = static_cast<std::uint16_t>(table.size());
  const bool written =
      size != 0 && write_table(port, size, [&table](std::uint16_t i) { return table[i]; }) == 0;
  const bool by_our_key = hashes_tcp(device) && key_bytes(device, rss) >= rss.key.size();
  return written && by_our_key ? table : std::vector<std::uint16_t>{};
}

}  // namespace synward::nic
