#include "dataplane/nic/port.hpp"

#include <algorithm>
#include <array>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/nic/setup_error.hpp"

namespace synward::nic {
namespace {

rte_mbuf* mbuf_of(const Burst& burst, LaneIndex i) { return static_cast<rte_mbuf*>(burst.packet[i].opaque); }

RxChecksum verdict(std::uint64_t flags, std::uint64_t mask, std::uint64_t good) {
  return (flags & mask) == good ? RxChecksum::kGood : RxChecksum::kUnknown;
}

/// One buffer, with the slack that every frame must have behind it.
bool make_linear(rte_mbuf* mbuf) {
  return (mbuf->nb_segs == 1 || rte_pktmbuf_linearize(mbuf) == 0) &&
         rte_pktmbuf_tailroom(mbuf) >= kFrameSlack;
}

bool is_vdev(const std::string& name) { return name.rfind("net_", 0) == 0; }

}  // namespace

Port::Port(const std::string& device, std::uint16_t queues, const PacketPool& pool) : device_(device) {
  const auto comma = device.find(',');
  const std::string name = device.substr(0, comma);
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
    const std::string arguments = comma == std::string::npos ? "" : device.substr(comma + 1);
    if (rte_eal_hotplug_add(is_vdev(name) ? "vdev" : "pci", name.c_str(), arguments.c_str()) != 0 ||
        rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
      throw SetupError(
          "port \"" + device + "\" cannot be opened: " +
          (is_vdev(name) ? "check that its interface exists, that nobody else uses it, and that you are root"
                         : "check that the device exists and is bound to vfio-pci (dpdk-devbind --status)"));
    }
    attached_ = true;
  }
  try {
    configure(queues, pool);
  } catch (...) {
    if (attached_) rte_eth_dev_close(id_);
    throw;
  }
}

Port::~Port() {
  rte_eth_dev_stop(id_);
  if (attached_) rte_eth_dev_close(id_);
}

void Port::check(int result, const char* what) const {
  if (result != 0)
    throw SetupError("port \"" + device_ + "\": " + what + " failed: " + rte_strerror(-result));
}

void Port::configure(std::uint16_t queues, const PacketPool& pool) {
  rte_eth_dev_info device{};
  check(rte_eth_dev_info_get(id_, &device), "asking what it can do");
  if (queues > device.max_rx_queues || queues > device.max_tx_queues) {
    throw SetupError("port \"" + device_ + "\" has " +
                     std::to_string(std::min(device.max_rx_queues, device.max_tx_queues)) +
                     " queues and there are " + std::to_string(queues) +
                     " workers: use fewer workers, or give the device more queues");
  }
  rte_eth_conf config{};
  config.rxmode.offloads =
      device.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  check(rte_eth_dev_configure(id_, queues, queues, &config), "configuring it");

  std::uint16_t rx_descriptors = 1024, tx_descriptors = 1024;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors), "sizing its rings");
  const auto socket = static_cast<unsigned>(std::max(rte_eth_dev_socket_id(id_), 0));
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    check(rte_eth_rx_queue_setup(id_, queue, rx_descriptors, socket, nullptr, pool.get()), "a receive queue");
    check(rte_eth_tx_queue_setup(id_, queue, tx_descriptors, socket, nullptr), "a transmit queue");
  }
  check(rte_eth_dev_start(id_), "starting it");
  // Solicited-node groups. A port that cannot filter multicast delivers it anyway, so a refusal is no
  // failure.
  rte_eth_allmulticast_enable(id_);
  rte_ether_addr mac{};
  check(rte_eth_macaddr_get(id_, &mac), "reading its MAC address");
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), info_.mac.bytes.begin());
  check(rte_eth_dev_get_mtu(id_, &info_.mtu), "reading its MTU");
}

void fill_lanes(Burst& burst, void* const* handles, std::size_t count) {
  for (std::size_t n = 0; n < count; ++n) {
    const auto i = static_cast<LaneIndex>(burst.size++);
    auto* mbuf = static_cast<rte_mbuf*>(handles[n]);
    burst.packet[i] = {mbuf};
    const bool linear = make_linear(mbuf);
    burst.frame[i] = rte_pktmbuf_mtod(mbuf, std::byte*);
    burst.frame_bytes[i] = mbuf->data_len;
    burst.ip_checksum[i] = verdict(mbuf->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
    burst.transport_checksum[i] =
        verdict(mbuf->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
    if (linear) {
      burst.on(Route::kReceived).push(i);
    } else {
      drop_lane(burst, i, Drop::kNotLinear);
    }
  }
}

std::size_t Port::receive(std::uint16_t queue, Burst& burst) const {
  burst.reset();
  std::array<rte_mbuf*, kBurstMax> mbufs;
  const std::size_t count = rte_eth_rx_burst(id_, queue, mbufs.data(), kBurstMax);
  fill_lanes(burst, reinterpret_cast<void* const*>(mbufs.data()), count);
  return count;
}

void Port::transmit(std::uint16_t queue, Burst& burst) const {
  IndexList& lanes = burst.on(Route::kSend);
  if (lanes.empty()) return;
  std::array<rte_mbuf*, kBurstMax> mbufs;
  std::uint16_t count = 0;
  for (const LaneIndex i : lanes) {
    rte_mbuf* mbuf = mbuf_of(burst, i);
    mbuf->data_len = burst.frame_bytes[i];
    mbuf->pkt_len = burst.frame_bytes[i];
    mbuf->ol_flags = 0;  // what receive left there would be read as requests
    mbuf->tx_offload = 0;
    mbufs[count++] = mbuf;
  }
  const std::uint16_t sent = rte_eth_tx_burst(id_, queue, mbufs.data(), count);
  std::uint16_t position = 0;
  lanes.keep_if([&](LaneIndex i) { return position++ < sent || drop_lane(burst, i, Drop::kTxFull); });
}

void release(const Burst& burst) {
  for (const Route route : {Route::kForward, Route::kDrop}) {
    for (const LaneIndex i : burst.on(route)) rte_pktmbuf_free(mbuf_of(burst, i));
  }
}

}  // namespace synward::nic
