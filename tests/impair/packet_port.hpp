// One interface, all of whose frames a program receives, and into which it sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/impair/impairment.hpp"

namespace synward::impair {

/// Jumbo frames of 9,216 bytes behind an Ethernet header and two tags.
inline constexpr std::size_t kMostFrameBytes = 9'238;

/// An AF_PACKET socket at an interface in promiscuous mode. Wants CAP_NET_RAW and CAP_NET_ADMIN.
class PacketPort {
 public:
  /// Throws std::runtime_error, one sentence, when the interface is not there, down, or not to be had.
  explicit PacketPort(std::string interface);
  ~PacketPort();
  PacketPort(PacketPort&&) = delete;

  struct Received {
    std::vector<Frame> frames;
    std::size_t too_long = 0;
  };
  /// What has come in meanwhile, at most a batch. VLAN tags are where the sender put them.
  [[nodiscard]] Received receive();
  /// How many the interface took; waits while its socket buffer is full.
  [[nodiscard]] std::size_t send(std::span<const Frame> frames) const;
  /// How many came in while the socket buffer was full; counts from the last call.
  [[nodiscard]] std::uint64_t missed() const;
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  void open();
  void join(int index);

  std::string interface_;
  int fd_ = -1;
  std::vector<std::byte> buffers_;
};

}  // namespace synward::impair
