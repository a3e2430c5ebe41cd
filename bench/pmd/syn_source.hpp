// A flood at a port that has no other end: what is received becomes a SYN on its way to whoever polls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

struct rte_eth_rxtx_callback;
struct rte_mbuf;

namespace synward::bench {

/// While it lives, every frame that a port's receive queues hand out is a SYN of Linux's over IPv4, intact,
/// of one of kSyns clients in turn. A NIC would write it by DMA, here ethdev's receive callback does, whoever
/// polls: so synward and testpmd pay the same for it, and what that is can be measured without synward.
class SynSource {
 public:
  /// Enough that no client prefix comes near its budget (dataplane/prefix_budget.hpp), and few enough to stay
  /// in L2: at 20 M SYNs a second each comes 5,000 times a second.
  static constexpr std::size_t kSyns = 4096;
  static constexpr std::size_t kSynBytes = 74;
  /// The frame as it is copied: whole words of SSE.
  struct alignas(16) Syn {
    std::array<std::byte, 80> bytes;
  };
  /// `port` is started, and nobody polls it yet. Throws std::runtime_error.
  explicit SynSource(std::uint16_t port);
  /// Nobody polls any more.
  ~SynSource();
  SynSource(SynSource&&) = delete;

 private:
  struct alignas(64) Queue {
    const Syn* syns;
    std::size_t next;
    const rte_eth_rxtx_callback* callback;
  };
  static std::uint16_t write_syns(std::uint16_t port, std::uint16_t queue, rte_mbuf** mbufs,
                                  std::uint16_t count, std::uint16_t most, void* source);

  std::uint16_t port_;
  std::vector<Syn> syns_;
  std::vector<Queue> queues_;
};

/// Puts frames into the transmit queues of `port`, which is started and not polled yet: a port that hears
/// what it says, as net_ring does, has them on its wire from then on. Any other loses them. Throws
/// std::runtime_error.
void fill_wire(std::uint16_t port);

}  // namespace synward::bench
