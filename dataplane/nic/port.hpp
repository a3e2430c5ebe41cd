// One ethdev port, from a name to running queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"
#include "dataplane/nic/packet_pool.hpp"

namespace synward::nic {

class Port {
 public:
  /// Control thread. `device`: a vdev string ("net_af_packet0,iface=eth0"), a PCI address, or the name of a
  /// port that is already there. Starts `queues` receive and as many transmit queues. Throws SetupError.
  ///
  /// Receive checksum offloads are asked for where they are offered. Transmit offloads never are: every reply
  /// leaves with complete checksums, which cost less to write than the descriptor fields that would ask the
  /// NIC for them.
  Port(const std::string& device, std::uint16_t queues, const PacketPool& pool);
  ~Port();
  Port(Port&&) = delete;

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] const PortInfo& info() const { return info_; }
  /// The worker that owns `queue`. Fills `burst` with what has arrived, linearised; returns how many frames.
  std::size_t receive(std::uint16_t queue, Burst& burst) const;
  /// The worker that owns `queue`. Sends on(kSend); what the queue refuses moves to on(kDrop) as kTxFull.
  void transmit(std::uint16_t queue, Burst& burst) const;

 private:
  void configure(std::uint16_t queues, const PacketPool& pool);
  void check(int result, const char* what) const;

  std::string device_;
  std::uint16_t id_ = 0;
  bool attached_ = false;  // by us, so we detach it
  PortInfo info_;
};

/// Adds `count` packets (each an mbuf of `handles`) to `burst` as lanes in on(kReceived), or in on(kDrop) as
/// kNotLinear.
void fill_lanes(Burst& burst, void* const* handles, std::size_t count);
/// Gives the packets of on(kForward) and on(kDrop) back to their pool: after transmit, before settle().
void release(const Burst& burst);

}  // namespace synward::nic
