// Receive-side scaling: which queue a NIC puts a flow into.
#pragma once

#include <cstdint>
#include <span>
#include <string>

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace synward::nic {

/// What a port is to be programmed with: the low bits of the Toeplitz hash over addresses and ports choose an
/// entry, and the entry is the number of a queue.
struct Rss {
  std::span<const std::uint8_t> key;     ///< Steering::kKeyBytes
  std::span<const std::uint16_t> table;  ///< Steering::kEntries, a power of two
};

/// Before rte_eth_dev_configure(): asks for RSS in `config`, with whatever key the driver begins with.
/// Returns why this device cannot be programmed so, in a few words, with nothing asked for; empty when it
/// can. It must hash TCP over both families, by a key that is as long, into a table that is as large or a
/// multiple of it.
[[nodiscard]] std::string ask_for_rss(const rte_eth_dev_info& device, const Rss& rss, rte_eth_conf& config);

/// Of a port that has been started: writes key and table, and reads both back. Returns what is not as it
/// should be, in a few words; empty when all is.
[[nodiscard]] std::string program_rss(std::uint16_t port, const rte_eth_dev_info& device, const Rss& rss);

}  // namespace synward::nic
