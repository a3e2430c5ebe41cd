// Frames as a flood sends them, and the packet buffers in which a NIC delivers them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/wire/net_types.hpp"

namespace synward::bench {

inline constexpr wire::MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x0a}};
inline constexpr wire::Ipv4Address kService4{{198, 18, 0, 10}};
inline constexpr wire::Ipv6Address kService6{{0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10}};
inline constexpr wire::Port kServicePort{443};

/// What a SYN looks like. Addresses, ports, ISNs and the options' values are random in each.
enum class Layout : std::uint8_t {
  kLinux,    ///< MSS, SACK, timestamps, NOP, window scale: 74 bytes over IPv4, 94 over IPv6
  kWindows,  ///< MSS, NOP, window scale, NOP, NOP, SACK: 66, 86
  kOdd,      ///< 40 bytes of IP options, or one to seven extension headers, and 40 of random TCP options
  kMixed,    ///< each of the above, and both families, at random
  kForeign,  ///< Linux's, but to the MAC address of somebody else
};

/// One frame, ready to be stamped into a buffer.
struct Stamp {
  static constexpr std::size_t kBytes = 190;
  std::array<std::byte, kBytes> bytes;
  std::uint16_t size;
  std::uint16_t zeros = 0;  ///< bytes of the frame behind those
};

inline constexpr std::size_t kStamps = 65'536;
/// kStamps SYNs to our services, with correct checksums; made at the first call.
[[nodiscard]] const std::vector<Stamp>& stamps(wire::Family family, Layout layout);

/// `count` frames, in buffers as far apart as those of an rte_mbuf pool, in random order.
class FrameSet {
 public:
  static constexpr std::size_t kInL2 = 256, kInL3 = kStamps;

  /// `count` is at most kStamps, and a multiple of a burst. `stamps` is as many or more. All sets lie in the
  /// same memory: only the one restored last is intact.
  FrameSet(const std::vector<Stamp>& stamps, std::size_t count);
  /// Other frames than last time, where `stamps` has more, so that no predictor learns them. Afterwards the
  /// frames lie where the last use left the caches: in L2 when they are few, else in L3.
  void restore();

  [[nodiscard]] std::size_t size() const { return frames_.size(); }
  /// Which stamp lies in the first frame; the others follow in their order, from the last on to stamp 0.
  [[nodiscard]] std::size_t first() const { return (next_ - size()) % stamps_->size(); }
  [[nodiscard]] std::span<std::byte* const> frames() const { return frames_; }
  [[nodiscard]] std::span<const std::uint16_t> sizes() const { return sizes_; }

 private:
  const std::vector<Stamp>* stamps_;
  std::size_t next_ = 0;
  std::vector<std::byte*> frames_;
  std::vector<std::uint16_t> sizes_;
};

}  // namespace synward::bench
