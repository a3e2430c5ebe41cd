#include "dataplane/nic/rss.hpp"

#include <algorithm>
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

/// A driver that does not say takes the length of Microsoft's specification.
std::size_t key_bytes(const rte_eth_dev_info& device, const Rss& rss) {
  return device.hash_key_size == 0 ? rss.key.size() : device.hash_key_size;
}

/// The table of a device, in the groups that ethdev has it in.
std::vector<rte_eth_rss_reta_entry64> entries(std::size_t size) {
  std::vector<rte_eth_rss_reta_entry64> groups(size / RTE_ETH_RETA_GROUP_SIZE);
  for (auto& group : groups) group.mask = ~std::uint64_t{0};
  return groups;
}
std::uint16_t& entry(std::vector<rte_eth_rss_reta_entry64>& groups, std::size_t i) {
  return groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
}

std::string refused(const char* what, int result) {
  return std::string{"its driver refuses "} + what + " (" + rte_strerror(-result) + ")";
}

/// What the hash does not reach, it does not see: behind the key there are zeros.
std::string program_key(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  std::vector<std::uint8_t> key(key_bytes(device, rss)), read(key.size());
  std::copy(rss.key.begin(), rss.key.end(), key.begin());
  const auto length = static_cast<std::uint8_t>(key.size());
  rte_eth_rss_conf conf{key.data(), length, (kTcp | kOthers) & device.flow_type_rss_offloads};
  if (const int result = rte_eth_dev_rss_hash_update(port, &conf); result != 0)
    return refused("the key", result);
  conf = {read.data(), length, 0};
  if (const int result = rte_eth_dev_rss_hash_conf_get(port, &conf); result != 0)
    return refused("to show the key", result);
  if (read != key) return "it has another key than it was given";
  return (conf.rss_hf & kTcp) == kTcp ? "" : "it does not hash TCP over both families";
}

std::string program_table(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  auto wanted = entries(device.reta_size), read = entries(device.reta_size);
  for (std::size_t i = 0; i < device.reta_size; ++i) entry(wanted, i) = rss.table[i % rss.table.size()];
  if (const int result = rte_eth_dev_rss_reta_update(port, wanted.data(), device.reta_size); result != 0)
    return refused("the table", result);
  if (const int result = rte_eth_dev_rss_reta_query(port, read.data(), device.reta_size); result != 0)
    return refused("to show the table", result);
  for (std::size_t i = 0; i < device.reta_size; ++i)
    if (entry(read, i) != entry(wanted, i)) return "it has another table than it was given";
  return "";
}

}  // namespace

std::string ask_for_rss(const rte_eth_dev_info& device, const Rss& rss, rte_eth_conf& config) {
  if ((device.flow_type_rss_offloads & kTcp) != kTcp) return "it does not hash TCP over both families";
  if (device.hash_key_size != 0 && device.hash_key_size < rss.key.size())
    return "its keys have " + std::to_string(device.hash_key_size) + " bytes";
  if (device.reta_size == 0 || device.reta_size % rss.table.size() != 0)
    return "its table has " + std::to_string(device.reta_size) + " entries";
  config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  config.rx_adv_conf.rss_conf.rss_hf = (kTcp | kOthers) & device.flow_type_rss_offloads;
  return "";
}

std::string program_rss(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss) {
  const std::string problem = program_key(port, device, rss);
  return problem.empty() ? program_table(port, device, rss) : problem;
}

}  // namespace synward::nic
