#include "dataplane/nic/port.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <net/if.h>
#include <sched.h>
#include <utility>
#include <vector>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "dataplane/nic/kernel_interface.hpp"
#include "dataplane/nic/setup_error.hpp"

namespace synward::nic {
namespace {

/// A packet that came, as one that leaves.
rte_mbuf* ready(PacketHandle packet, std::uint16_t frame_bytes) {
  auto* mbuf = static_cast<rte_mbuf*>(packet.opaque);
  mbuf->data_len = frame_bytes;
  mbuf->pkt_len = frame_bytes;
  // What receive left there would be read as requests; whose memory the packet is in stays true. Without a
  // request nobody reads tx_offload, which is in a cache line that nothing else here touches.
  mbuf->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
  return mbuf;
}

RxChecksum verdict(std::uint64_t flags, std::uint64_t mask, std::uint64_t good) {
  return (flags & mask) == good ? RxChecksum::kGood : RxChecksum::kUnknown;
}

/// So many mbufs ahead are asked for while one is read.
constexpr std::size_t kPrefetchAhead = 6;

/// One buffer, with the slack that every frame must have behind it.
bool make_linear(rte_mbuf* mbuf) {
  return (mbuf->nb_segs == 1 || rte_pktmbuf_linearize(mbuf) == 0) &&
         rte_pktmbuf_tailroom(mbuf) >= kFrameSlack;
}

const char* bus_of(const std::string& name) { return name.rfind("net_", 0) == 0 ? "vdev" : "pci"; }

}  // namespace

Port::Port(const std::string& device, std::uint16_t workers, const PacketPool& pool, std::uint16_t mtu,
           Accept accept, const Rss* rss)
    : device_(device),
      wanted_{.workers = workers,
              .mtu = mtu,
              .accept = accept,
              .rss = rss == nullptr ? std::nullopt : std::optional{*rss}},
      pool_(pool.get()) {
  const auto comma = device.find(',');
  if (comma != std::string::npos) arguments_ = device.substr(comma + 1);
  if (rte_eth_dev_get_port_by_name(name().c_str(), &id_) != 0) {
    attach();
    attached_ = true;
  } else {
    keep_arguments();
  }
  try {
    configure();
    watch_removal(true);
    watch_reset(true);
  } catch (...) {
    rte_eth_dev_stop(id_);  // it may have started, and would go on writing into packets that are then gone
    rss_check_.reset();
    if (attached_) detach();
    throw;
  }
}

Port::~Port() {
  watch_reset(false);
  watch_removal(false);
  rte_eth_dev_stop(id_);
  rss_check_.reset();
  if (attached_) detach();
}

/// Those that EAL was told, of a device that it opened.
void Port::keep_arguments() {
  rte_eth_dev_info device{};
  if (rte_eth_dev_info_get(id_, &device) != 0 || device.device == nullptr) return;
  const rte_devargs* told = rte_dev_devargs(device.device);
  if (told != nullptr && told->args != nullptr) arguments_ = told->args;
}

void Port::attach() {
  if (rte_eal_hotplug_add(bus_of(device_), name().c_str(), arguments_.c_str()) != 0 ||
      rte_eth_dev_get_port_by_name(name().c_str(), &id_) != 0)
    throw SetupError("port \"" + device_ + "\" cannot be opened: " + why_it_cannot_open(device_));
}

/// Closing alone would leave the name taken.
void Port::detach() const { rte_eal_hotplug_remove(bus_of(device_), name().c_str()); }

void Port::check(int result, const char* what) const {
  if (result != 0)
    throw SetupError("port \"" + device_ + "\": " + what + " failed: " + rte_strerror(-result));
}

void Port::set_mtu(std::uint16_t mtu) const {
  const int result = rte_eth_dev_set_mtu(id_, mtu);
  if (result == 0 || result == -ENOTSUP) return;  // a driver that cannot be told knows it from rxmode
  throw SetupError("port \"" + device_ + "\" refuses an MTU of " + std::to_string(mtu) + " (" +
                   rte_strerror(-result) + "): lower it, or give the device longer frames");
}

/// How many of the workers' queues the device has.
void Port::take_queues(std::uint16_t workers, std::uint16_t receive, std::uint16_t transmit) {
  receive_queues_ = std::min(workers, receive);
  transmit_queues_ = std::min(workers, transmit);
  const auto fewest = std::min(receive_queues_, transmit_queues_);
  if (fewest < workers && attached_ && device_.starts_with("net_"))
    throw SetupError(has_too_few_queues(device_, fewest, workers));
  turns_.clear();
  if (transmit_queues_ < workers) turns_.resize(transmit_queues_);
}

void Port::set_mac(const wire::MacAddress& mac) const {
  rte_ether_addr address{};
  std::copy(mac.bytes.begin(), mac.bytes.end(), std::begin(address.addr_bytes));
  check(rte_eth_dev_default_mac_addr_set(id_, &address), "giving it the MAC address that it had");
}

void Port::configure() {
  const auto& [workers, mtu, accept, rss] = wanted_;
  rte_eth_dev_info device{};
  check(rte_eth_dev_info_get(id_, &device), "asking what it can do");
  driver_ = device.driver_name;
  interface_index_ = device.if_index;
  take_queues(workers, device.max_rx_queues, device.max_tx_queues);
  // A driver over a kernel interface may not know how long its frames can be: what the kernel allows counts.
  const bool kernels = device.if_index != 0 && mtu != 0 && kernel_mtu(device.if_index, 0) >= mtu;
  if (!kernels && std::uint32_t{mtu} + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN > device.max_rx_pktlen) {
    throw SetupError(takes_no_mtu(device_, mtu));
  }
  rte_eth_conf config{};
  config.rxmode.mtu = kernels ? 0 : mtu;
  receive_offloads_ = checksum_offloads(device.driver_name, device.rx_offload_capa);
  config.rxmode.offloads = receive_offloads_;
  configure_queues(config, device);
  if (mtu != 0 && !kernels) set_mtu(mtu);
  check(rte_eth_dev_get_mtu(id_, &info_.mtu), "reading its MTU");
  info_.mtu = kernels ? mtu : std::min(info_.mtu, kernel_mtu(device.if_index, info_.mtu));
  if (packet_ring_frame(device_) < longest_frame(info_.mtu))
    throw SetupError(would_cut_off(device_, info_.mtu));

  std::uint16_t rx_descriptors = 1024, tx_descriptors = 1024;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors), "sizing its rings");
  info_.queue_frames = packet_ring_frames(device_, rx_descriptors);
  const auto socket = static_cast<unsigned>(std::max(rte_eth_dev_socket_id(id_), 0));
  for (std::uint16_t queue = 0; queue < receive_queues_; ++queue)
    check(rte_eth_rx_queue_setup(id_, queue, rx_descriptors, socket, nullptr, pool_), "a receive queue");
  for (std::uint16_t queue = 0; queue < transmit_queues_; ++queue)
    check(rte_eth_tx_queue_setup(id_, queue, tx_descriptors, socket, nullptr), "a transmit queue");
  check(rte_eth_dev_start(id_), "starting it");
  if (rss_state_ == RssState::kSpread) start_rss(device, *rss);
  switch_flow_control_off();
  // Solicited-node groups. A port that cannot filter multicast delivers it anyway, so a refusal is no
  // failure.
  rte_eth_allmulticast_enable(id_);
  if (accept == Accept::kAll) check(rte_eth_promiscuous_enable(id_), "taking frames for other stations");
  rte_ether_addr mac{};
  check(rte_eth_macaddr_get(id_, &mac), "reading its MAC address");
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), info_.mac.bytes.begin());
}

/// With RSS if there is any to be had.
void Port::configure_queues(rte_eth_conf& config, const rte_eth_dev_info& device) {
  std::vector<std::uint8_t> key;
  rss_state_ = RssState::kNone;
  why_no_rss_ = !wanted_.rss           ? "none was asked for"
                : receive_queues_ == 1 ? "there is one queue"
                                       : ask_for_rss(device, *wanted_.rss, config, key);
  const auto configure = [&] {
    return rte_eth_dev_configure(id_, receive_queues_, transmit_queues_, &config);
  };
  int result = configure();
  if (result != 0 && config.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS) {
    why_no_rss_ = std::string{"its driver refuses it ("} + rte_strerror(-result) + ")";
    config.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
    config.rx_adv_conf.rss_conf = {};
    result = configure();
  }
  check(result, ("configuring " + std::to_string(receive_queues_) + " queues").c_str());
  if (config.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS) rss_state_ = RssState::kSpread;
}

/// Of workers without a queue, what they own comes to the others in turn.
void Port::start_rss(const rte_eth_dev_info& device, const Rss& rss) {
  std::vector<std::uint16_t> table(rss.table.begin(), rss.table.end());
  for (auto& worker : table) worker = static_cast<std::uint16_t>(worker % receive_queues_);
  const Rss by_queue{rss.key, table};
  if (why_no_rss_.empty()) why_no_rss_ = program_rss(id_, device, by_queue);
  if (!why_no_rss_.empty()) {
    const std::vector<std::uint16_t> its_own = spread_evenly(id_, device, rss, receive_queues_);
    if (!its_own.empty())
      rss_check_ = std::make_unique<RssCheck>(id_, receive_queues_, Rss{rss.key, its_own});
    return;
  }
  rss_state_ = RssState::kProgrammed;
  rss_check_ = std::make_unique<RssCheck>(id_, receive_queues_, by_queue);
}

std::vector<std::string> Port::receive_offloads() const {
  std::vector<std::string> names;
  for (const std::uint64_t offload : {RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, RTE_ETH_RX_OFFLOAD_TCP_CKSUM}) {
    if ((receive_offloads_ & offload) != 0) names.emplace_back(rte_eth_dev_rx_offload_name(offload));
  }
  return names;
}

std::uint64_t checksum_offloads(std::string_view driver, std::uint64_t offered) {
  if (driver.substr(0, 10) == "net_virtio") return 0;
  return offered & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
}

void fill_lanes(Burst& burst, void* const* handles, std::size_t count) {
  simd::LaneBits scattered = 0;
  for (std::size_t n = 0; n < count; ++n) {
    if (n + kPrefetchAhead < count) rte_prefetch0(handles[n + kPrefetchAhead]);
    const auto i = static_cast<LaneIndex>(burst.size++);
    auto* mbuf = static_cast<rte_mbuf*>(handles[n]);
    burst.packet[i] = {mbuf};
    const bool linear = make_linear(mbuf);
    burst.frame[i] = rte_pktmbuf_mtod(mbuf, std::byte*);
    rte_prefetch0(burst.frame[i]);  // match_common() reads both lines of a SYN once the lanes are filled
    rte_prefetch0(burst.frame[i] + RTE_CACHE_LINE_SIZE);
    burst.frame_bytes[i] = mbuf->data_len;
    burst.ip_checksum[i] = verdict(mbuf->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
    burst.transport_checksum[i] =
        verdict(mbuf->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
    if (!linear) scattered |= lane_bit(i);
  }
  IndexList& received = burst.on(Route::kReceived);
  received.fill(count);
  if (scattered == 0) return;
  received.keep_if(
      [&](LaneIndex i) { return !has_lane(scattered, i) || drop_lane(burst, i, Drop::kNotLinear); });
}

/// Under a flood a NIC must drop what nobody takes. Asking the switch to wait would stop whoever else sends
/// through it. Many devices know nothing of this.
void Port::switch_flow_control_off() const {
  rte_eth_fc_conf flow{};
  if (rte_eth_dev_flow_ctrl_get(id_, &flow) != 0 || flow.mode == RTE_ETH_FC_NONE) return;
  flow.mode = RTE_ETH_FC_NONE;
  rte_eth_dev_flow_ctrl_set(id_, &flow);
}

bool Port::set_link(bool up) const {
  return (up ? rte_eth_dev_set_link_up(id_) : rte_eth_dev_set_link_down(id_)) == 0;
}

/// vfio keeps a device that goes, until whoever has it lets it go, and asks for that.
void Port::watch_removal(bool on) {
  if (device_.starts_with("net_")) return;
  const rte_dev_event_cb_fn note = [](const char*, rte_dev_event_type event, void* asked) {
    if (event == RTE_DEV_EVENT_REMOVE) static_cast<std::atomic<bool>*>(asked)->store(true);
  };
  if (on) {
    rte_dev_event_callback_register(name().c_str(), note, &asked_to_let_go_);
  } else {
    while (rte_dev_event_callback_unregister(name().c_str(), note, &asked_to_let_go_) == -EAGAIN) rte_pause();
  }
}

bool Port::is_gone() const {
  if (asked_to_let_go_.load() || rte_eth_dev_is_removed(id_) != 0) return true;
  if (interface_index_ != 0) {
    std::array<char, IF_NAMESIZE> unused;
    return if_indextoname(interface_index_, unused.data()) == nullptr;
  }
  return !device_.starts_with("net_") && !std::filesystem::exists("/sys/bus/pci/devices/" + name());
}

void Port::watch_reset(bool on) {
  const rte_eth_dev_cb_fn note = [](std::uint16_t, rte_eth_event_type, void* port, void*) {
    static_cast<Port*>(port)->ask_for_reset();
    return 0;
  };
  if (on) {
    rte_eth_dev_callback_register(id_, RTE_ETH_EVENT_INTR_RESET, note, this);
  } else {
    while (rte_eth_dev_callback_unregister(id_, RTE_ETH_EVENT_INTR_RESET, note, this) == -EAGAIN) rte_pause();
  }
}

std::string Port::why_no_reset() const {
  if (device_.starts_with("net_")) {
    const bool may = attached_ && (device_.starts_with("net_af_packet") || device_.starts_with("net_null"));
    return may ? "" : "the other side of " + driver_ + " might go with it";
  }
  std::ifstream file{"/sys/bus/pci/devices/" + name() + "/sriov_numvfs"};
  unsigned functions = 0;
  return file >> functions && functions != 0 ? "its virtual functions are in use" : "";
}

void Port::reset() {
  wants_reset_.store(false);
  const PortInfo before = info_;
  rss_check_.reset();  // while there are the queues that it looks at
  const int result = rte_eth_dev_reset(id_);
  if (result == -ENOTSUP) {
    watch_reset(false);
    rte_eth_dev_stop(id_);
    detach();
  }
  if (result == -ENOTSUP || result == -ENODEV) {  // or it was closed when this was tried before
    attach();
    watch_reset(true);
  } else {
    check(result, "resetting it");
  }
  configure();
  const bool other_mac = std::exchange(info_.mac, before.mac) != before.mac;
  if (other_mac && wanted_.accept == Accept::kOwnMac) set_mac(before.mac);
  if (const std::uint16_t mtu = std::exchange(info_.mtu, before.mtu); mtu != before.mtu)
    throw SetupError("port \"" + device_ + "\" had an MTU of " + std::to_string(before.mtu) + ", and has " +
                     std::to_string(mtu) + " after its reset: start again");
  in_use_.store(true);
}

std::vector<std::pair<std::string, std::uint64_t>> Port::xstats() const {
  std::vector<std::pair<std::string, std::uint64_t>> named;
  const int count = rte_eth_xstats_get_names(id_, nullptr, 0);
  if (count <= 0) return named;
  const auto size = static_cast<unsigned>(count);
  std::vector<rte_eth_xstat_name> names(size);
  std::vector<rte_eth_xstat> values(size);
  if (rte_eth_xstats_get_names(id_, names.data(), size) != count ||
      rte_eth_xstats_get(id_, values.data(), size) != count)
    return named;  // there are others now
  named.reserve(size);
  for (const rte_eth_xstat& xstat : values) {
    if (xstat.id < size) named.emplace_back(names[xstat.id].name, xstat.value);
  }
  return named;
}

PortReading Port::read() const {
  PortReading reading;
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id_, &link) == 0) {
    reading.link_up = link.link_status == RTE_ETH_LINK_UP;
    reading.link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
  }
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) == 0) {
    reading.rx_missed = stats.imissed;
    reading.rx_no_packets = stats.rx_nombuf;
    reading.rx_errors = stats.ierrors;
    reading.tx_errors = stats.oerrors;
  }
  return reading;
}

std::size_t Port::receive(std::uint16_t worker, Burst& burst) const {
  burst.reset();
  if (!in_use_.load(std::memory_order_acquire) || worker >= receive_queues_) return 0;
  std::array<rte_mbuf*, kBurstMax> mbufs;
  const std::size_t count = rte_eth_rx_burst(id_, worker, mbufs.data(), kBurstMax);
  fill_lanes(burst, reinterpret_cast<void* const*>(mbufs.data()), count);
  return count;
}

/// How many of `mbufs`, from the first on, left.
std::uint16_t Port::send(std::uint16_t worker, std::span<rte_mbuf*> mbufs) const {
  const auto count = static_cast<std::uint16_t>(mbufs.size());
  if (!in_use_.load(std::memory_order_acquire)) return 0;
  if (turns_.empty()) return rte_eth_tx_burst(id_, worker, mbufs.data(), count);
  if (count == 0) return 0;
  const auto queue = static_cast<std::uint16_t>(worker % transmit_queues_);
  rte_spinlock_t& lock = turns_[queue].lock;
  constexpr int kSpins = 64;  // then whoever has it may be waiting for this processor
  for (int spins = 0; rte_spinlock_trylock(&lock) == 0; ++spins)
    spins < kSpins ? rte_pause() : void(sched_yield());
  const std::uint16_t sent = rte_eth_tx_burst(id_, queue, mbufs.data(), count);
  rte_spinlock_unlock(&lock);
  return sent;
}

void Port::transmit(std::uint16_t worker, Burst& burst, Route route) const {
  IndexList& lanes = burst.on(route);
  if (lanes.empty()) return;
  std::array<rte_mbuf*, kBurstMax> mbufs;
  std::uint16_t count = 0;
  for (const LaneIndex i : lanes) mbufs[count++] = ready(burst.packet[i], burst.frame_bytes[i]);
  const std::uint16_t sent = send(worker, std::span{mbufs}.first(count));
  if (sent == count) return;
  std::uint16_t position = 0;
  lanes.keep_if([&](LaneIndex i) { return position++ < sent || drop_lane(burst, i, Drop::kTxFull); });
}

std::size_t Port::transmit(std::uint16_t worker, std::uint16_t port,
                           std::span<const proxy::HeldPacket> packets) const {
  std::array<rte_mbuf*, kBurstMax> mbufs;
  std::size_t left = 0;
  while (!packets.empty()) {
    const auto some = packets.first(std::min(packets.size(), mbufs.size()));
    packets = packets.subspan(some.size());
    std::uint16_t count = 0;
    for (const auto& held : some) {
      if (held.port == port) mbufs[count++] = ready(held.packet, held.frame_bytes);
    }
    const std::uint16_t sent = send(worker, std::span{mbufs}.first(count));
    rte_pktmbuf_free_bulk(mbufs.data() + sent, static_cast<unsigned>(count - sent));
    left += sent;
  }
  return left;
}

std::size_t Port::originate(std::uint16_t worker, std::uint16_t port, const Outbox& outbox) const {
  std::array<rte_mbuf*, Outbox::kFrames> mbufs;
  std::uint16_t count = 0;
  for (const Outbox::Frame& frame : outbox) {
    if (frame.port != port) continue;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) break;
    std::copy_n(frame.data.data(), frame.bytes, rte_pktmbuf_mtod(mbuf, std::byte*));
    mbuf->data_len = frame.bytes;
    mbuf->pkt_len = frame.bytes;
    mbufs[count++] = mbuf;
  }
  if (count == 0) return 0;
  const std::uint16_t sent = send(worker, std::span{mbufs}.first(count));
  rte_pktmbuf_free_bulk(mbufs.data() + sent, static_cast<unsigned>(count - sent));
  return sent;
}

void release(const Burst& burst, Route route) {
  std::array<rte_mbuf*, kBurstMax> mbufs;
  unsigned count = 0;
  for (const LaneIndex i : burst.on(route)) mbufs[count++] = static_cast<rte_mbuf*>(burst.packet[i].opaque);
  rte_pktmbuf_free_bulk(mbufs.data(), count);
}

void release(std::span<const proxy::HeldPacket> packets) {
  for (const auto& held : packets) rte_pktmbuf_free(static_cast<rte_mbuf*>(held.packet.opaque));
}

}  // namespace synward::nic
