// A burst: struct-of-arrays lanes; lane i describes packet i.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/drop.hpp"
#include "dataplane/route.hpp"
#include "dataplane/simd/kernels.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace synward {

/// Frames a worker takes at once. 64 bounds every stage's stack and keeps the set inside L1 and L2.
inline constexpr std::size_t kBurstMax = 64;
/// Readable and writable bytes behind every frame's end (mbuf tailroom): kernels load whole registers.
inline constexpr std::size_t kFrameSlack = 128;
/// How many of those are written at most, by a kernel's answer to a SYN of 40 bytes over IPv4; tests poison
/// the rest.
inline constexpr std::size_t kSlackWritten = simd::kMostWritten<wire::Family::kIpv4> - 40;
static_assert(kSlackWritten >= simd::kMostWritten<wire::Family::kIpv6> - 60);
/// How much longer than its question a reply may be: by the timestamps of a challenge ACK to an RST that has
/// none. (The link-layer option of a neighbour advertisement, and the MSS of a SYN-ACK to a SYN without any,
/// take 8.)
inline constexpr std::size_t kReplyGrowth = 12;

using LaneIndex = std::uint8_t;
template <typename T>
using Lane = std::array<T, kBurstMax>;

/// What the NIC says of the checksums of one frame. Anything but kGood is verified again in software: a
/// driver's "bad" may mean "not understood".
enum class RxChecksum : std::uint8_t { kUnknown, kGood };

/// Belongs to nic/, which knows what it is. Stages only pass it on.
struct PacketHandle {
  void* opaque;
};

/// What match_common() or classify() found of one packet; offsets are from the frame's first byte. For stages
/// after it, every offset is in bounds. Of a lane in kIcmpError it shows the segment that the error quotes.
struct PacketView {
  std::uint16_t network;          ///< IP header
  std::uint16_t transport;        ///< TCP or ICMP header
  std::uint16_t transport_bytes;  ///< header and payload, by the IP header's length, not the frame's
  std::uint16_t service;          ///< index into the service table
};

[[nodiscard]] constexpr simd::LaneBits lane_bit(LaneIndex i) { return simd::LaneBits{1} << i; }
[[nodiscard]] constexpr bool has_lane(simd::LaneBits lanes, LaneIndex i) {
  return (lanes & lane_bit(i)) != 0;
}
/// In ascending order. All of a burst are worth a loop without a search.
template <typename Run>
inline void for_each_lane(simd::LaneBits lanes, Run&& run) {
  if (lanes == ~simd::LaneBits{0}) {
    for (std::size_t i = 0; i < kBurstMax; ++i) run(static_cast<LaneIndex>(i));
    return;
  }
  for (; lanes != 0; lanes &= lanes - 1) run(static_cast<LaneIndex>(std::countr_zero(lanes)));
}

/// The lanes of one route, in the order of arrival. A lane stands in exactly one list.
class IndexList {
 public:
  void push(LaneIndex i) {
    lanes_[size_++] = i;
    bits_ |= lane_bit(i);
  }
  /// Lanes 0 to count - 1, into an empty list.
  void fill(std::size_t count) {
    static constexpr auto kOrder = [] {
      Lane<LaneIndex> lanes{};
      for (std::size_t i = 0; i < kBurstMax; ++i) lanes[i] = static_cast<LaneIndex>(i);
      return lanes;
    }();
    lanes_ = kOrder;
    size_ = static_cast<std::uint32_t>(count);
    bits_ = count == kBurstMax ? ~simd::LaneBits{0} : (simd::LaneBits{1} << count) - 1;
  }
  /// In ascending order.
  void push_bits(simd::LaneBits lanes) {
    if (size_ == 0 && lanes == ~simd::LaneBits{0}) return fill(kBurstMax);
    for_each_lane(lanes, [this](LaneIndex i) { push(i); });
  }
  /// All that `other` holds, which then is empty.
  void push_all_of(IndexList& other) {
    bits_ |= other.bits_;
    const auto lanes = other.take();
    std::copy(lanes.begin(), lanes.end(), lanes_.begin() + size_);
    size_ += static_cast<std::uint32_t>(lanes.size());
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const LaneIndex* begin() const { return lanes_.data(); }
  [[nodiscard]] const LaneIndex* end() const { return lanes_.data() + size_; }

  /// Empties the list and gives what it held to the stage that now decides it, valid until the next push. The
  /// stage must push each lane elsewhere.
  [[nodiscard]] std::span<const LaneIndex> take() {
    const std::span<const LaneIndex> lanes{lanes_.data(), size_};
    taken_ += size_;
    size_ = 0;
    bits_ = 0;
    return lanes;
  }
  /// Keeps the lanes for which `keep(i)` holds. When it says no, it has pushed the lane elsewhere.
  template <typename Keep>
  void keep_if(Keep&& keep) {
    std::uint32_t kept = 0;
    simd::LaneBits bits = 0;
    for (std::uint32_t n = 0; n < size_; ++n) {
      const LaneIndex i = lanes_[n];
      if (!keep(i)) continue;
      lanes_[kept++] = i;
      bits |= lane_bit(i);
    }
    taken_ += size_ - kept;
    size_ = kept;
    bits_ = bits;
  }
  [[nodiscard]] simd::LaneBits bits() const { return bits_; }
  /// Lanes that have ever stood here in this burst.
  [[nodiscard]] std::size_t entered() const { return taken_ + size_; }
  void reset() {
    size_ = taken_ = 0;
    bits_ = 0;
  }

 private:
  std::uint32_t size_ = 0, taken_ = 0;
  simd::LaneBits bits_ = 0;  ///< the same lanes
  Lane<LaneIndex> lanes_;
};

/// Lanes of both families, by where the IP header is: behind no VLAN tag, one or two.
struct LanesByLink {
  using Lanes = std::array<simd::LaneBits, wire::kMaxVlanTags + 1>;
  Lanes ipv4{}, ipv6{};
  /// Where it is, and back.
  [[nodiscard]] static constexpr std::size_t network(std::size_t tags) {
    return sizeof(wire::EthernetHeader) + tags * sizeof(wire::VlanTag);
  }
  [[nodiscard]] static constexpr std::size_t tags(std::size_t network) {
    return (network - sizeof(wire::EthernetHeader)) / sizeof(wire::VlanTag);
  }

  [[nodiscard]] bool empty() const {
    const auto none = [](simd::LaneBits lanes) { return lanes == 0; };
    return std::ranges::all_of(ipv4, none) && std::ranges::all_of(ipv6, none);
  }
  void remove(simd::LaneBits lanes) {
    for (Lanes* family : {&ipv4, &ipv6})
      for (simd::LaneBits& behind : *family) behind &= ~lanes;
  }

  template <wire::Family kFamily>
  [[nodiscard]] Lanes& of() {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return ipv4;
    } else {
      return ipv6;
    }
  }
};

/// The SYNs that match_common() found: the lanes in on(kCommonSyn), and more of them than a view has.
struct CommonSyns : LanesByLink {
  simd::SynBatch batch;
};

/// The other segments that it found, but for clients' SYNs. They have their views, and classify() only sends
/// them on.
struct CommonSegments : LanesByLink {
  simd::LaneBits resets = 0;  ///< of segments, those with RST
  simd::LaneBits intact = 0;  ///< of segments and SYNs, those whose checksums are known to be right
  simd::Frames frames;        ///< where kernels have read them
  simd::SegmentBatch batch;

  template <wire::Family kFamily>
  [[nodiscard]] simd::LaneBits all() {
    simd::LaneBits lanes = 0;
    for (const simd::LaneBits behind : of<kFamily>()) lanes |= behind;
    return lanes;
  }
};

/// Of lanes with IP options or extension headers, what simd::Frames wants to know.
struct WrappedLanes : LanesByLink {
  alignas(64) Lane<std::uint16_t> between;
  Lane<std::byte*> shifted;
};

/// One burst of one port. The lanes are left uninitialised on purpose: rx, match_common() and classify()
/// write what later stages read.
struct Burst {
  std::size_t size = 0;
  std::uint16_t port = 0;        ///< index of the port in CoreState::ports
  bool taken_over = false;       ///< came from another core, not from a queue
  bool for_one_service = false;  ///< from count_services() on: all lanes are SYNs, and for one service
  Lane<std::byte*> frame;  ///< Ethernet header; kFrameSlack bytes behind the frame are readable and writable
  alignas(64) Lane<std::uint16_t> frame_bytes;  ///< without FCS; a stage that makes a reply writes its length
  Lane<RxChecksum> ip_checksum;                 ///< IPv4 header
  Lane<RxChecksum> transport_checksum;          ///< TCP
  Lane<PacketHandle> packet;
  alignas(64) Lane<PacketView> view;  ///< from match_common() or classify() on
  /// Of lanes that find_connection() has seen: the table::Connection of its family that it found, or null.
  Lane<void*> connection;
  Lane<Drop> drop;         ///< why a lane stands in on(kDrop); why one in on(kStray) would
  CommonSyns common_syns;  ///< from match_common() on
  CommonSegments common_segments;
  WrappedLanes wrapped;  ///< written by match_common(); of use where `common_segments.frames` names it
  /// table::hash() of the client's flow, of lanes that find_connection() or relay_backend() has looked up.
  Lane<std::uint64_t> flow_hash;
  Lane<std::uint16_t> owner;  ///< which core a lane in on(kHandOver) belongs to

  [[nodiscard]] IndexList& on(Route route) { return lists_[static_cast<std::size_t>(route)]; }
  [[nodiscard]] const IndexList& on(Route route) const { return lists_[static_cast<std::size_t>(route)]; }
  /// Before rx fills the lanes again.
  void reset() {
    size = 0;
    for (IndexList& list : lists_) list.reset();
  }

 private:
  std::array<IndexList, kCountOf<Route>> lists_;
};

/// Ends a lane that stands in no list. Always false, so that a keep_if() predicate can return it.
inline bool drop_lane(Burst& burst, LaneIndex i, Drop reason) {
  burst.drop[i] = reason;
  burst.on(Route::kDrop).push(i);
  return false;
}

}  // namespace synward
