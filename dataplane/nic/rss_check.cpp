#include "dataplane/nic/rss_check.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

namespace synward::nic {
namespace {

Toeplitz::Key key_of(const Rss& rss) {
  Toeplitz::Key key{};
  std::copy_n(rss.key.begin(), key.size(), key.begin());
  return key;
}

constexpr std::size_t kIp = 14;  // where it begins, behind an Ethernet header without a tag
constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20;
constexpr std::size_t kIpv4Fields = 12, kIpv6Fields = 36;

std::size_t word(const std::uint8_t* at) { return static_cast<std::size_t>(at[0] << 8 | at[1]); }

bool has_tcp_header(const std::uint8_t* tcp) { return tcp[12] >> 4 >= 5; }

/// Addresses and ports of a plain TCP segment, side by side as the hash takes them and as packets have them;
/// empty for anything else. What NICs may take for something else tells nothing, and anybody could send it.
std::span<const std::uint8_t> hashed_fields(const rte_mbuf& packet) {
  const auto is_bad = [&packet](std::uint64_t mask, std::uint64_t bad) {
    return (packet.ol_flags & mask) == bad;
  };
  if (is_bad(RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD) ||
      is_bad(RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD))
    return {};
  const auto* frame = rte_pktmbuf_mtod(&packet, const std::uint8_t*);
  const std::size_t frame_bytes = packet.data_len;
  const auto* ip = frame + kIp;
  if (frame_bytes >= kIp + kIpv4Header + kTcpHeader && word(frame + 12) == RTE_ETHER_TYPE_IPV4) {
    const bool is_fragment = ((ip[6] & 0x3f) | ip[7]) != 0;
    const std::size_t bytes = word(ip + 2);
    if (ip[0] == 0x45 && !is_fragment && ip[9] == IPPROTO_TCP && bytes >= kIpv4Header + kTcpHeader &&
        kIp + bytes <= frame_bytes && has_tcp_header(ip + kIpv4Header))
      return {ip + 12, kIpv4Fields};
  } else if (frame_bytes >= kIp + kIpv6Header + kTcpHeader && word(frame + 12) == RTE_ETHER_TYPE_IPV6) {
    const std::size_t bytes = word(ip + 4);
    if (ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP && bytes >= kTcpHeader &&
        kIp + kIpv6Header + bytes <= frame_bytes && has_tcp_header(ip + kIpv6Header))
      return {ip + 8, kIpv6Fields};
  }
  return {};
}

}  // namespace

RssCheck::RssCheck(std::uint16_t port, std::uint16_t queues, const Rss& rss)
    : port_(port), toeplitz_{key_of(rss)}, table_(rss.table.begin(), rss.table.end()), queues_(queues) {
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    queues_[queue].check = this;
    queues_[queue].callback = rte_eth_add_rx_callback(port, queue, look, &queues_[queue]);
  }
}

RssCheck::~RssCheck() {
  std::uint16_t number = 0;
  for (const Queue& queue : queues_) {
    if (queue.callback != nullptr) {
      rte_eth_remove_rx_callback(port_, number, queue.callback);
      rte_free(const_cast<rte_eth_rxtx_callback*>(queue.callback));
    }
    ++number;
  }
}

std::optional<RssTally> RssCheck::take(wire::Family family) {
  const auto counts = [family](Queue& queue) -> Counts& {
    return queue.of_family[static_cast<std::size_t>(family)];
  };
  std::uint64_t segments = 0;
  for (Queue& queue : queues_) {
    const Counts& of_queue = counts(queue);
    segments +=
        of_queue.here.read() - of_queue.here_taken + of_queue.elsewhere.read() - of_queue.elsewhere_taken;
  }
  if (segments < kEnough) return {};
  RssTally tally;
  const auto taken = [](const Counter& counter, std::uint64_t& before) {
    const std::uint64_t now = counter.read();
    return now - std::exchange(before, now);
  };
  std::uint16_t number = 0;
  for (Queue& queue : queues_) {
    Counts& of_queue = counts(queue);
    const std::uint64_t elsewhere = taken(of_queue.elsewhere, of_queue.elsewhere_taken);
    const std::uint64_t all = elsewhere + taken(of_queue.here, of_queue.here_taken);
    if (all != 0) tally.only_one = tally.segments == 0 ? std::optional{number} : std::nullopt;
    tally.segments += all;
    tally.elsewhere += elsewhere;
    tally.other_hash += taken(of_queue.other_hash, of_queue.other_hash_taken);
    ++number;
  }
  return tally;
}

void RssCheck::look_at(std::uint16_t queue, const rte_mbuf& packet, Queue& mine) const {
  const auto fields = hashed_fields(packet);
  if (fields.empty()) return;
  Counts& counts = mine.of_family[static_cast<std::size_t>(
      fields.size() == kIpv4Fields ? wire::Family::kIpv4 : wire::Family::kIpv6)];
  const std::uint32_t hash = toeplitz_(fields);
  (table_[hash % table_.size()] == queue ? counts.here : counts.elsewhere).add(1);
  if ((packet.ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 && packet.hash.rss != hash) counts.other_hash.add(1);
}

std::uint16_t RssCheck::look(std::uint16_t, std::uint16_t queue, rte_mbuf** packets, std::uint16_t count,
                             std::uint16_t, void* mine) {
  auto& of_queue = *static_cast<Queue*>(mine);
  const RssCheck& check = *of_queue.check;
  const std::uint32_t sample = check.sample_.load(std::memory_order_relaxed);
  if (std::exchange(of_queue.sample, sample) != sample) of_queue.looks_left = kLooks;
  const auto looks = static_cast<std::uint16_t>(std::min<unsigned>(count, of_queue.looks_left));
  for (std::uint16_t i = 0; i < looks; ++i) check.look_at(queue, *packets[i], of_queue);
  of_queue.looks_left -= looks;
  return count;
}

}  // namespace synward::nic
