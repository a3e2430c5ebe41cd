// Whether a NIC puts flows into the queues that it was told: samples of its TCP segments are hashed again, in
// software. Some that advertise RSS put everything into one queue, others hash in a way of their own, and any
// may forget what it was told when it is reset.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/counters.hpp"
#include "dataplane/nic/rss.hpp"
#include "dataplane/steering.hpp"

struct rte_eth_rxtx_callback;
struct rte_mbuf;

namespace synward::nic {

/// What became of a sample of one family's segments.
struct RssTally {
  std::uint64_t segments = 0;
  std::uint64_t elsewhere = 0;            ///< came to another queue than the table says
  std::uint64_t other_hash = 0;           ///< had a hash in their descriptor that is not ours
  std::optional<std::uint16_t> only_one;  ///< the queue that all of them came to, if there is one
};

/// Looks at what a port receives, by a callback that ethdev calls behind its receive function: a call for
/// each burst, and a look at kLooks packets of each queue between two sample()s. TCP that every NIC finds
/// counts: without VLAN tag, IP options or extension headers, no fragment, whole and, as far as the NIC says,
/// intact.
class RssCheck {
 public:
  /// So many segments of one family, of all queues together, are enough to tell.
  static constexpr std::uint64_t kEnough = 64;
  static constexpr unsigned kLooks = 128;

  /// Control thread. `port` runs, with `queues` queues, and was programmed with `rss`; nobody receives yet.
  RssCheck(std::uint16_t port, std::uint16_t queues, const Rss& rss);
  /// Nobody receives any more.
  ~RssCheck();
  RssCheck(RssCheck&&) = delete;

  /// Control thread, every so often: lets every queue look at some more.
  void sample() { sample_.fetch_add(1, std::memory_order_relaxed); }
  /// Control thread: the segments of `family` since the last answer, once they are enough.
  [[nodiscard]] std::optional<RssTally> take(wire::Family family);

 private:
  struct Counts {
    Counter here, elsewhere, other_hash;
    std::uint64_t here_taken = 0, elsewhere_taken = 0, other_hash_taken = 0;  // the control thread's
  };
  struct alignas(64) Queue {  // the worker's that polls it
    const RssCheck* check = nullptr;
    const rte_eth_rxtx_callback* callback = nullptr;
    std::uint32_t sample = 0;
    unsigned looks_left = kLooks;
    std::array<Counts, 2> of_family;
  };
  void look_at(std::uint16_t queue, const rte_mbuf& packet, Queue& mine) const;
  static std::uint16_t look(std::uint16_t port, std::uint16_t queue, rte_mbuf** packets, std::uint16_t count,
                            std::uint16_t most, void* mine);

  std::uint16_t port_;
  Toeplitz toeplitz_;
  std::vector<std::uint16_t> table_;
  std::atomic<std::uint32_t> sample_{0};
  std::vector<Queue> queues_;
};

}  // namespace synward::nic
