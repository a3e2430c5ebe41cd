// The packets of one process. Nothing outside nic/ and the worker knows what an mbuf is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct rte_mempool;

namespace synward::nic {

/// What the longest frame of a link takes in memory: Ethernet header, two VLAN tags, `mtu` bytes, FCS.
[[nodiscard]] constexpr std::size_t longest_frame(std::uint16_t mtu) {
  return 14 + 2 * 4 + std::size_t{mtu} + 4;
}

/// A pool of packets, each with room for a frame of `frame_bytes` and kFrameSlack behind it.
class PacketPool {
 public:
  /// Control thread. On NUMA node `node`; negative: on the caller's. Throws SetupError when the memory is not
  /// to be had.
  PacketPool(const std::string& name, std::size_t packets, std::size_t frame_bytes, int node = -1);

  [[nodiscard]] rte_mempool* get() const { return pool_.get(); }
  /// Packets that nobody holds: all of them once every port and ring is empty.
  [[nodiscard]] std::size_t available() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Free {
    void operator()(rte_mempool* pool) const;
  };
  std::unique_ptr<rte_mempool, Free> pool_;
};

}  // namespace synward::nic
