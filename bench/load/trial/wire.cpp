#include "bench/load/trial/wire.hpp"

#include <algorithm>

#include <rte_pause.h>

namespace synward::load {
namespace {

constexpr std::size_t kPackets = 16'383;  // more than a NIC's rings hold, and a burst for each side
constexpr std::uint16_t kMtu = 1500;
constexpr int kTries = 2'000;  // some 20 us, in which any queue that moves at all moves on

}  // namespace

Wire::Wire(const std::string& name, const std::string& device)
    : pool_{name.c_str(), kPackets, nic::longest_frame(kMtu)}, port_{device, 1, pool_} {}

void Wire::send(std::span<const std::byte> frame) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
  if (mbuf == nullptr) return void(refuse(1));
  auto* const room =
      reinterpret_cast<std::byte*>(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())));
  std::ranges::copy(frame, room);
  waiting_[waiting_count_++] = mbuf;
  if (waiting_count_ == kBurst) flush();
}

void Wire::flush() {
  std::uint16_t sent = 0;
  for (int tries = 0; sent < waiting_count_ && tries < kTries; ++tries) {
    if (tries != 0) rte_pause();
    sent = static_cast<std::uint16_t>(
        sent + rte_eth_tx_burst(port_.id(), 0, waiting_.data() + sent, waiting_count_ - sent));
  }
  rte_pktmbuf_free_bulk(waiting_.data() + sent, waiting_count_ - sent);
  sent_ += sent;
  refuse(static_cast<std::uint16_t>(waiting_count_ - sent));
  waiting_count_ = 0;
}

}  // namespace synward::load
