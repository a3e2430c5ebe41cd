#include "dataplane/nic/packet_pool.hpp"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "dataplane/nic/setup_error.hpp"

namespace synward::nic {

PacketPool::PacketPool(const std::string& name, std::size_t packets, std::size_t frame_bytes, int node) {
  constexpr unsigned kCachedPerCore = 256;
  // NICs of the e1000 line count a buffer in whole KiB and round down: what would be lost so is given
  // instead.
  constexpr std::size_t kGrain = 1024;
  const std::size_t room = RTE_PKTMBUF_HEADROOM + (frame_bytes + kGrain - 1) / kGrain * kGrain + kFrameSlack;
  if (room > UINT16_MAX) {
    throw SetupError("frames of " + std::to_string(frame_bytes) +
                     " bytes fit no packet buffer: lower the MTU");
  }
  pool_.reset(rte_pktmbuf_pool_create(name.c_str(), static_cast<unsigned>(packets), kCachedPerCore, 0,
                                      static_cast<std::uint16_t>(room),
                                      node < 0 ? static_cast<int>(rte_socket_id()) : node));
  if (!pool_) {
    throw SetupError("no memory for " + std::to_string(packets) + " packets of " + std::to_string(room) +
                     " bytes (" + rte_strerror(rte_errno) +
                     "): give DPDK more, with huge pages or with -- -m MEGABYTES");
  }
}

std::size_t PacketPool::available() const { return rte_mempool_avail_count(pool_.get()); }
std::size_t PacketPool::size() const { return pool_->size; }
void PacketPool::Free::operator()(rte_mempool* pool) const { rte_mempool_free(pool); }

}  // namespace synward::nic
