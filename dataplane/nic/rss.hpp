// Receive-side scaling: which queue a NIC puts a flow into.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace synward::nic {

/// What a port is to be programmed with: the low bits of the Toeplitz hash over addresses and ports choose an
/// entry, and the entry is the number of a queue.
struct Rss {
  std::span<const std::uint8_t> key;     ///< Steering::kKeyBytes
  std::span<const std::uint16_t> table;  ///< Steering::kEntries, a power of two
};

/// Before rte_eth_dev_configure(): asks in `config` for what RSS the device has, by the key of `rss` if one
/// of that length fits; `key` holds it until the device is configured. Returns why the device cannot do just
/// what `rss` says, in a few words; empty when it may. It must hash TCP over both families, by a key that is
/// as long, into a table that is as large or a multiple of it.
[[nodiscard]] std::string ask_for_rss(const rte_eth_dev_info& device, const Rss& rss, rte_eth_conf& config,
                                      std::vector<std::uint8_t>& key);

/// Of a port that has been started: writes key and table, and reads both back where the driver shows them.
/// Returns what is not as it should be, in a few words; empty when all is, as far as it is shown.
[[nodiscard]] std::string program_rss(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss);

/// Of a port that has been started and cannot do what it should: deals its own table out over `queues`, if it
/// has one. Returns that table when segments come by it and the key of `rss`; empty when they may or may not.
[[nodiscard]] std::vector<std::uint16_t> spread_evenly(std::uint16_t port, const rte_eth_dev_info& device,
                                                       const Rss& rss, std::uint16_t queues);

}  // namespace synward::nic
