#include "bench/pmd/syn_source.hpp"

#include <cstring>
#include <stdexcept>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench/micro/frames.hpp"

namespace synward::bench {
namespace {

std::uint16_t receive_queues(std::uint16_t port) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port, &info) != 0) throw std::runtime_error{"the port says nothing of itself"};
  return info.nb_rx_queues;
}

std::vector<SynSource::Syn> linux_syns() {
  std::vector<SynSource::Syn> syns(SynSource::kSyns);
  const auto& made = stamps(wire::Family::kIpv4, Layout::kLinux);
  for (std::size_t n = 0; n < syns.size(); ++n) {
    if (made[n].size != SynSource::kSynBytes) throw std::logic_error{"a SYN of another size"};
    std::memcpy(syns[n].bytes.data(), made[n].bytes.data(), SynSource::kSynBytes);
  }
  return syns;
}

}  // namespace

SynSource::SynSource(std::uint16_t port) : port_{port}, syns_{linux_syns()}, queues_(receive_queues(port)) {
  const auto queues = static_cast<std::uint16_t>(queues_.size());
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    Queue& source = queues_[queue];
    source = {.syns = syns_.data(), .next = queue * kSyns / queues, .callback = nullptr};
    source.callback = rte_eth_add_rx_callback(port, queue, write_syns, &source);
    if (source.callback == nullptr) throw std::runtime_error{"ethdev takes no receive callback"};
  }
}

SynSource::~SynSource() {
  std::uint16_t queue = 0;
  for (const Queue& source : queues_) rte_eth_remove_rx_callback(port_, queue++, source.callback);
}

std::uint16_t SynSource::write_syns(std::uint16_t /*port*/, std::uint16_t /*queue*/, rte_mbuf** mbufs,
                                    std::uint16_t count, std::uint16_t /*most*/, void* source) {
  auto& [syns, next, callback] = *static_cast<Queue*>(source);
  std::size_t at = next;
  for (std::uint16_t n = 0; n < count; ++n) {
    rte_mbuf* const mbuf = mbufs[n];
    std::memcpy(rte_pktmbuf_mtod(mbuf, void*), &syns[at], sizeof(Syn));
    mbuf->data_len = kSynBytes;
    mbuf->pkt_len = kSynBytes;
    at = (at + 1) % kSyns;
  }
  next = at;
  return count;
}

void fill_wire(std::uint16_t port) {
  // Half of what net_ring's rings hold, so that no burst finds one full.
  constexpr std::uint16_t kFrames = 512;
  const std::uint16_t queues = receive_queues(port);
  rte_mempool* const pool =
      rte_pktmbuf_pool_create("wire", queues * kFrames, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) throw std::runtime_error{"no memory for the frames on the wire"};
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    std::array<rte_mbuf*, kFrames> mbufs;
    if (rte_pktmbuf_alloc_bulk(pool, mbufs.data(), kFrames) != 0) throw std::runtime_error{"a short pool"};
    for (rte_mbuf* const mbuf : mbufs) rte_pktmbuf_append(mbuf, SynSource::kSynBytes);
    if (rte_eth_tx_burst(port, queue, mbufs.data(), kFrames) != kFrames)
      throw std::runtime_error{"the wire holds fewer frames than it is given"};
  }
}

}  // namespace synward::bench
