// One ethdev port, from a name to running queues.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rte_spinlock.h>

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"
#include "dataplane/nic/packet_pool.hpp"
#include "dataplane/nic/rss.hpp"
#include "dataplane/nic/rss_check.hpp"

struct rte_mbuf;

namespace synward::nic {

/// What a port's driver says of it while it runs.
struct PortReading {
  bool link_up = false;
  std::uint32_t link_mbps = 0;  ///< 0: not known
  // Frames that no worker saw, and why.
  std::uint64_t rx_missed = 0;  ///< no descriptor was free
  std::uint64_t rx_errors = 0, tx_errors = 0;
  /// How often the driver asked the pool for packets to receive into in vain: no frames, or not yet.
  std::uint64_t rx_no_packets = 0;
};

class Port {
 public:
  /// Control thread. `device`: a vdev string ("net_af_packet0,iface=eth0"), a PCI address, or the name of a
  /// port that is already there. Starts a receive and a transmit queue for each of `workers`, over the
  /// packets of `pool`, which outlives the port; of a NIC that has no more, as many as it has: then some
  /// workers receive nothing, and they take turns to transmit. (A virtual device with too few is a mistake of
  /// the config, for it can be given more.) `mtu` is set, in the kernel too where one of its interfaces is
  /// behind the port, and the packets must hold longest_frame(mtu); 0 leaves what the device has. Throws
  /// SetupError.
  ///
  /// Receive checksum offloads are asked for where they are offered. Transmit offloads never are: every reply
  /// leaves with complete checksums, which cost less to write than the descriptor fields that would ask the
  /// NIC for them.
  ///
  /// A port of a bump in the wire takes the frames for every station: kAll. A NIC with several queues is
  /// programmed with `rss`, whose key and table outlive the port, if it can be and one is given; if not, that
  /// is no failure.
  enum class Accept : std::uint8_t { kOwnMac, kAll };
  Port(const std::string& device, std::uint16_t workers, const PacketPool& pool, std::uint16_t mtu = 0,
       Accept accept = Accept::kOwnMac, const Rss* rss = nullptr);
  ~Port();
  Port(Port&&) = delete;

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] const PortInfo& info() const { return info_; }
  enum class RssState : std::uint8_t {
    kNone,        ///< all comes to the first queue, or where the device likes
    kSpread,      ///< over all queues, in a way of the device's own
    kProgrammed,  ///< with the `rss` that it was given
  };
  [[nodiscard]] RssState rss_state() const { return rss_state_; }
  /// Why it is not kProgrammed, in a few words.
  [[nodiscard]] const std::string& why_no_rss() const { return why_no_rss_; }
  [[nodiscard]] std::uint16_t receive_queues() const { return receive_queues_; }
  [[nodiscard]] std::uint16_t transmit_queues() const { return transmit_queues_; }
  /// What it checks of received frames, by ethdev's names: "IPV4_CKSUM", "TCP_CKSUM".
  [[nodiscard]] std::vector<std::string> receive_offloads() const;
  /// Whether it does as it was told; null when kNone, and where nobody can say.
  [[nodiscard]] RssCheck* rss_check() const { return rss_check_.get(); }
  /// ethdev's name of the driver.
  [[nodiscard]] const std::string& driver() const { return driver_; }
  /// Control thread: it asks the device.
  [[nodiscard]] PortReading read() const;
  /// Control thread. Takes the link down, so that the other end of the cable sees it, or lets it up again;
  /// false when the driver cannot.
  [[nodiscard]] bool set_link(bool up) const;
  /// Control thread. What else the driver counts, by its own names; some begin again when they like.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> xstats() const;
  /// Control thread. Whether the device has been taken away: unplugged, or its interface deleted.
  [[nodiscard]] bool is_gone() const;

  /// Any thread. Why it is not to be reset, in a few words: a virtual device whose other side would go with
  /// it, a NIC on which others depend. Empty when it may be.
  [[nodiscard]] std::string why_no_reset() const;
  /// Any thread: reset() is wanted, soon; only of one that may be. Drivers ask, too: those of virtual
  /// functions when the physical one was reset, ena's when its device hangs (RTE_ETH_EVENT_INTR_RESET).
  void ask_for_reset() { wants_reset_.store(true); }
  [[nodiscard]] bool wants_reset() const { return wants_reset_.load(); }
  /// Control thread. From their next call on workers receive nothing here, and what they send is refused.
  void leave_alone() { in_use_.store(false); }
  /// Control thread, after leave_alone() and once no worker is in a call from before it: the device begins
  /// anew, with the queues, MTU, MAC address and RSS that it was given, and workers use it again. Where the
  /// driver knows no reset, it is closed and opened again. Throws SetupError when it does not come back, or
  /// is another device then; it may later: try again, workers still leave it alone.
  void reset();

  // Each by worker number `worker` alone.
  /// Fills `burst` with what has arrived, linearised; returns how many frames.
  std::size_t receive(std::uint16_t worker, Burst& burst) const;
  /// Sends on(route); what the queue refuses moves to on(kDrop) as kTxFull.
  void transmit(std::uint16_t worker, Burst& burst, Route route) const;
  /// Sends those of `packets` that are for port number `port`, and frees what the queue refuses; returns how
  /// many left.
  std::size_t transmit(std::uint16_t worker, std::uint16_t port,
                       std::span<const proxy::HeldPacket> packets) const;
  /// Sends those frames of `outbox` that are for port number `port`; returns how many left.
  std::size_t originate(std::uint16_t worker, std::uint16_t port, const Outbox& outbox) const;

 private:
  struct Wanted {  // as it was asked for
    std::uint16_t workers, mtu;
    Accept accept;
    std::optional<Rss> rss;
  };
  void configure();
  void configure_queues(rte_eth_conf& config, const rte_eth_dev_info& device);
  void start_rss(const rte_eth_dev_info& device, const Rss& rss);
  void take_queues(std::uint16_t workers, std::uint16_t receive, std::uint16_t transmit);
  void watch_removal(bool on);
  void watch_reset(bool on);
  [[nodiscard]] std::string name() const { return device_.substr(0, device_.find(',')); }
  void keep_arguments();
  void attach();
  void detach() const;
  void set_mtu(std::uint16_t mtu) const;
  void set_mac(const wire::MacAddress& mac) const;
  void switch_flow_control_off() const;
  void check(int result, const char* what) const;
  std::uint16_t send(std::uint16_t worker, std::span<rte_mbuf*> mbufs) const;

  std::string device_, arguments_;  // the device's, as its driver takes them
  Wanted wanted_;
  rte_mempool* pool_;
  std::uint16_t id_ = 0;
  unsigned interface_index_ = 0;              // of the kernel, if it has one
  std::atomic<bool> asked_to_let_go_{false};  // by EAL's interrupt thread
  std::atomic<bool> wants_reset_{false};
  std::atomic<bool> in_use_{true};  // read by workers; all that they read here changes only while it is false
  bool attached_ = false;           // by us, so we detach it
  PortInfo info_;
  std::uint16_t receive_queues_ = 0, transmit_queues_ = 0;
  std::uint64_t receive_offloads_ = 0;  // RTE_ETH_RX_OFFLOAD_*
  struct alignas(RTE_CACHE_LINE_SIZE) Turn {
    rte_spinlock_t lock = RTE_SPINLOCK_INITIALIZER;
  };
  mutable std::deque<Turn> turns_;  // one for each transmit queue when workers share them; else none
  RssState rss_state_ = RssState::kNone;
  std::string driver_, why_no_rss_;
  std::unique_ptr<RssCheck> rss_check_;
};

/// The receive offloads to ask of `driver`, which offers `offered` (RTE_ETH_RX_OFFLOAD_*): IPv4 and TCP
/// checksums. Never of virtio: asking tells the other side that it may leave TCP checksums unfinished.
[[nodiscard]] std::uint64_t checksum_offloads(std::string_view driver, std::uint64_t offered);
/// Fills `burst`, which is empty, with `count` packets (each an mbuf of `handles`) as lanes in on(kReceived),
/// or in on(kDrop) as kNotLinear.
void fill_lanes(Burst& burst, void* const* handles, std::size_t count);
/// Gives the packets of on(route) back to their pool: after transmit, before settle().
void release(const Burst& burst, Route route);
void release(std::span<const proxy::HeldPacket> packets);

}  // namespace synward::nic
