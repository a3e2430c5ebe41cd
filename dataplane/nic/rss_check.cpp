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
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kIpv4Fields = 12, kIpv6Fields = 36;

/// Addresses and ports of a plain TCP segment, side by side as the hash takes them and as packets have them;
/// empty for anything else.
std::span<const std::uint8_t> hashed_fields(const rte_mbuf& packet) {
  const auto* frame = rte_pktmbuf_mtod(&packet, const std::uint8_t*);
  const auto ethertype = [&] { return frame[12] << 8 | frame[13]; };
  constexpr std::size_t kIpv4 = 20, kIpv6 = 40;
  if (packet.data_len >= kIp + kIpv4 + kTcpHeader && ethertype() == RTE_ETHER_TYPE_IPV4) {
    const auto* ip = frame + kIp;
    const bool is_fragment = ((ip[6] & 0x3f) | ip[7]) != 0;
    if (ip[0] == 0x45 && !is_fragment && ip[9] == IPPROTO_TCP) return {ip + 12, kIpv4Fields};
  } else if (packet.data_len >= kIp + kIpv6 + kTcpHeader && ethertype() == RTE_ETHER_TYPE_IPV6) {
    const auto* ip = frame + kIp;
    if (ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP) return {ip + 8, kIpv6Fields};
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
  for (std::uint16_t queue = 0; queue < queues_.size(); ++queue) {
    const auto* callback = queues_[queue].callback;
    if (callback == nullptr) continue;
    rte_eth_remove_rx_callback(port_, queue, callback);
    rte_free(const_cast<rte_eth_rxtx_callback*>(callback));
  }
}

std::optional<RssTally> RssCheck::take(wire::Family family) {
  const auto counts = [family](Queue& queue) -> Counts& {
    return queue.of_family[static_cast<std::size_t>(family)];
  };
  std::uint64_t segments = 0;
  for (Queue& queue : queues_) segments += counts(queue).segments.read() - counts(queue).segments_taken;
  if (segments < kEnough) return {};
  RssTally tally;
  const auto taken = [](const Counter& counter, std::uint64_t& before) {
    const std::uint64_t now = counter.read();
    return now - std::exchange(before, now);
  };
  for (std::uint16_t queue = 0; queue < queues_.size(); ++queue) {
    Counts& of_queue = counts(queues_[queue]);
    const std::uint64_t here = taken(of_queue.segments, of_queue.segments_taken);
    if (here != 0) tally.only_one = tally.segments == 0 ? std::optional{queue} : std::nullopt;
    tally.segments += here;
    tally.elsewhere += taken(of_queue.elsewhere, of_queue.elsewhere_taken);
    tally.other_hash += taken(of_queue.other_hash, of_queue.other_hash_taken);
  }
  return tally;
}

void RssCheck::look_at(std::uint16_t queue, const rte_mbuf& packet, Queue& mine) const {
  const auto fields = hashed_fields(packet);
  if (fields.empty()) return;
  Counts& counts = mine.of_family[static_cast<std::size_t>(
      fields.size() == kIpv4Fields ? wire::Family::kIpv4 : wire::Family::kIpv6)];
  const std::uint32_t hash = toeplitz_(fields);
  if (table_[hash % table_.size()] != queue) counts.elsewhere.add(1);
  if ((packet.ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 && packet.hash.rss != hash) counts.other_hash.add(1);
  counts.segments.add(1);
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
