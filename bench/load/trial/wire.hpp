// A trial's end of a link: one port of DPDK's, one queue each way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench/load/attack.hpp"
#include "dataplane/nic/packet_pool.hpp"
#include "dataplane/nic/port.hpp"

namespace synward::load {

/// One thread at a time. What is sent leaves at flush(), or when a burst is full.
class Wire {
 public:
  static constexpr std::uint16_t kBurst = 64;

  /// Main lcore, with EAL up. `device` as DPDK names it; `name` is this one's among several. Throws
  /// nic::SetupError or std::runtime_error.
  Wire(const std::string& name, const std::string& device);

  [[nodiscard]] const wire::MacAddress& mac() const { return port_.info().mac; }
  [[nodiscard]] bool is_up() const { return port_.read().link_up; }

  /// A frame of a client, or of the link: it waits a little for room in the port's queue.
  void send(std::span<const std::byte> frame);
  /// Up to kBurst frames of the attack, each as `make` writes it into the room that it gets: it returns how
  /// many bytes. They leave at once. Returns how many of them, from the first on, the port took.
  template <typename Make>
  std::uint16_t send_attack(std::uint16_t count, Make&& make) {
    std::array<rte_mbuf*, kBurst> mbufs;
    if (rte_pktmbuf_alloc_bulk(pool_.get(), mbufs.data(), count) != 0) return refuse(count);
    for (std::uint16_t n = 0; n < count; ++n) {
      auto* const room = rte_pktmbuf_mtod(mbufs[n], std::byte*);
      const std::uint16_t bytes = make(std::span<std::byte, kAttackRoom>{room, kAttackRoom});
      mbufs[n]->data_len = bytes;
      mbufs[n]->pkt_len = bytes;
    }
    const std::uint16_t sent = rte_eth_tx_burst(port_.id(), 0, mbufs.data(), count);
    if (sent < count) rte_pktmbuf_free_bulk(mbufs.data() + sent, count - sent);
    sent_ += sent;
    refuse(static_cast<std::uint16_t>(count - sent));
    return sent;
  }
  void flush();

  /// Calls `take` with each frame that has come; returns how many those were. Frames in several pieces are
  /// longer than any that a trial waits for, and are passed over.
  template <typename Take>
  std::uint16_t receive(Take&& take) {
    std::array<rte_mbuf*, kBurst> mbufs;
    const std::uint16_t count = rte_eth_rx_burst(port_.id(), 0, mbufs.data(), kBurst);
    for (std::uint16_t n = 0; n < count; ++n) {
      if (n + 1 < count) rte_prefetch0(rte_pktmbuf_mtod(mbufs[n + 1], void*));
      if (mbufs[n]->nb_segs == 1)
        take(std::span{rte_pktmbuf_mtod(mbufs[n], const std::byte*), mbufs[n]->data_len});
    }
    if (count != 0) rte_pktmbuf_free_bulk(mbufs.data(), count);
    received_ += count;
    return count;
  }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }  ///< the port's queue was full

 private:
  std::uint16_t refuse(std::uint16_t count) {
    refused_ += count;
    return 0;
  }

  nic::PacketPool pool_;
  nic::Port port_;
  std::array<rte_mbuf*, kBurst> waiting_{};
  std::uint16_t waiting_count_ = 0;
  std::uint64_t sent_ = 0, received_ = 0, refused_ = 0;
};

}  // namespace synward::load
