#include "dataplane/nic/rss_check.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::nic {
namespace {

Toeplitz::Key key_of(const Rss& rss) {
  Toeplitz::Key key{};
  std::copy_n(rss.key.begin(), key.size(), key.begin());
  return key;
}

/// Addresses and ports of a plain TCP segment, side by side as the hash takes them and as packets have them;
/// empty for anything else. What NICs may take for something else tells nothing, and anybody could send it.
std::span<const std::byte> hashed_fields(const rte_mbuf& mbuf) {
  const auto is_bad = [&mbuf](std::uint64_t mask, std::uint64_t bad) {
    return (mbuf.ol_flags & mask) == bad;
  };
  if (is_bad(RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD) ||
      is_bad(RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD))
    return {};
  const std::span frame{rte_pktmbuf_mtod(&mbuf, const std::byte*), mbuf.data_len};
  const auto link = wire::parse_ethernet(frame);
  if (!link || link->vlan_tags != 0) return {};
  const auto packet = frame.subspan(link->network_offset);
  const auto fields_of = [&packet](const auto& ip) -> std::span<const std::byte> {
    constexpr std::size_t kHeader = sizeof ip, kFields = 2 * sizeof ip.source + 2 * sizeof(wire::Port);
    if (wire::parse_tcp(packet.first(ip.total_bytes()).subspan(kHeader)) == nullptr) return {};
    return packet.subspan(kHeader - 2 * sizeof ip.source, kFields);  // the addresses end the header
  };
  if (link->ether_type == std::uint16_t(wire::EtherType::kIpv4)) {
    const auto* ip = wire::parse_ipv4(packet);
    if (ip != nullptr && ip->header_bytes() == sizeof *ip && !ip->is_fragment() &&
        ip->protocol == wire::IpProtocol::kTcp)
      return fields_of(*ip);
  } else if (link->ether_type == std::uint16_t(wire::EtherType::kIpv6)) {
    const auto* ip = wire::parse_ipv6(packet);
    if (ip != nullptr && ip->next_header == wire::IpProtocol::kTcp) return fields_of(*ip);
  }
  return {};
}

constexpr std::size_t kIpv4Fields = 2 * sizeof(wire::Ipv4Address) + 2 * sizeof(wire::Port);

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
  const std::uint32_t hash = toeplitz_({reinterpret_cast<const std::uint8_t*>(fields.data()), fields.size()});
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
