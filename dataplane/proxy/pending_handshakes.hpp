// Connections whose client has proved its address and whose backend has not answered yet: what is asked of
// the backend, when it is asked again, and the client's segments that wait for it.
//
// Preallocated, one core's, no clock of its own. A handshake that lasts as usual is here for one round trip
// to the backend; one that nobody answers for 7 s (1 + 2 + 4: RFC 6298 2, with an end). All handshakes go
// through the same timeouts, so one queue for each keeps them in the order of their deadlines, and a timer
// costs nothing until it fires.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "dataplane/burst.hpp"
#include "dataplane/link_path.hpp"
#include "dataplane/proxy/fair_share.hpp"
#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::proxy {

/// A client's packet that waits. Its frame stays where it is, in the memory of `packet`.
struct HeldPacket {
  PacketHandle packet;
  std::byte* frame;
  std::uint16_t frame_bytes;
  std::uint16_t transport;  ///< offset of its TCP header
  std::uint16_t transport_bytes;
  std::uint16_t port;  ///< index of the port by which it is to leave
};

/// What the client asked for in its SYN, as its cookie kept it: what the backend is asked for.
struct ClientOffer {
  std::uint16_t mss = 0;
  std::optional<std::uint8_t> window_scale;
  bool sack_permitted = false, ecn = false;
  std::optional<std::uint32_t> tsval;  ///< of the segment that brought the cookie
  std::uint32_t cookie_tsval = 0;      ///< which that segment echoed
  std::uint16_t window = 0;            ///< the field of the segment that came last, scaled by window_scale
};

/// Of one connection: an initial window of ten segments (RFC 6928), the bare ACK before it, and some that
/// come twice.
inline constexpr std::size_t kHeldMost = 16;

/// Held packets that wait no longer: stages and timers fill such a list, the worker sends or frees what is in
/// it and empties it.
class Unheld {
 public:
  void add(const HeldPacket& packet) { packets_[size_++] = packet; }
  [[nodiscard]] std::span<const HeldPacket> packets() const { return {packets_.data(), size_}; }
  /// Whether all packets of one more handshake find room: they always do for one handshake a lane.
  [[nodiscard]] bool has_room() const { return size_ + kHeldMost <= packets_.size(); }
  void clear() { size_ = 0; }

 private:
  std::size_t size_ = 0;
  std::array<HeldPacket, kBurstMax * kHeldMost> packets_;
};

struct PendingHandshake {
  std::variant<table::FlowKey<wire::Family::kIpv4>, table::FlowKey<wire::Family::kIpv6>> flow;
  LinkPath path;
  std::uint16_t profile = 0xffff;  ///< of the backend: BackendProfiles::Index
  ClientOffer offer;
  std::uint64_t due_ms = 0;
  std::uint64_t opened_us = 0;  ///< of a clock that never steps
  std::uint8_t timeouts = 0;    ///< that have passed; also the queue it stands in
  std::uint8_t restarts = 0;    ///< SYNs sent at once because a stale socket of the backend stood in the way
  std::uint8_t held_count = 0;
  bool used = false;
  std::array<HeldPacket, kHeldMost> held;

  [[nodiscard]] std::span<const HeldPacket> held_packets() const { return {held.data(), held_count}; }

 private:
  friend class PendingHandshakes;
  std::uint16_t next = 0, previous = 0;
};

class PendingHandshakes {
 public:
  using Index = std::uint16_t;
  /// 1, 2 and 4 seconds after the SYN, and then nobody is there.
  static constexpr std::array<std::uint32_t, 3> kTimeoutsMs{1'000, 2'000, 4'000};

  /// At most `most` at once, at least 1 and fewer than 65,500.
  explicit PendingHandshakes(std::size_t most) : entries_(most + kQueues + 1), shares_{most} {
    for (std::size_t q = 0; q <= kQueues; ++q)
      entries_[q].next = entries_[q].previous = static_cast<Index>(q);
    for (std::size_t i = kQueues + 1; i < entries_.size(); ++i) append(static_cast<Index>(i), kFree);
  }

  /// A new one whose SYN leaves now, to the backend of `profile`; nothing when that has its share.
  [[nodiscard]] std::optional<Index> open(std::uint16_t profile, std::uint64_t now_ms) {
    if (!shares_.take(profile)) return std::nullopt;
    const Index i = entries_[kFree].next;
    unlink(i);
    entries_[i] = PendingHandshake{};
    entries_[i].profile = profile;
    entries_[i].used = true;
    start(i, now_ms);
    return i;
  }
  /// Nothing may be held any more.
  void close(Index i) {
    unlink(i);
    entries_[i].used = false;
    append(i, kFree);
    shares_.give_back(entries_[i].profile, 1);
  }
  /// One whose timeout has passed at `now_ms`, the most overdue of its queue; the caller must next call
  /// start_over() or close() with it.
  [[nodiscard]] std::optional<Index> due(std::uint64_t now_ms) const {
    for (Index q = 0; q < kQueues; ++q) {
      const Index i = entries_[q].next;
      if (i != q && entries_[i].due_ms <= now_ms) return i;
    }
    return std::nullopt;
  }
  /// After a timeout: the SYN leaves once more and the next, longer timeout begins. False when that was the
  /// last one.
  [[nodiscard]] bool start_over(Index i, std::uint64_t now_ms) {
    if (entries_[i].timeouts + 1u == kQueues) return false;
    unlink(i);
    ++entries_[i].timeouts;
    start(i, now_ms);
    return true;
  }

  [[nodiscard]] PendingHandshake& operator[](Index i) { return entries_[i]; }
  [[nodiscard]] const PendingHandshake& operator[](Index i) const { return entries_[i]; }
  /// Whether `i` is in use and, if so, of this flow: an entry of the table that made room for another leaves
  /// its handshake behind.
  template <wire::Family kFamily>
  [[nodiscard]] bool is_of(Index i, const table::FlowKey<kFamily>& flow) const {
    if (i <= kQueues || i >= entries_.size() || !entries_[i].used) return false;
    const auto* key = std::get_if<table::FlowKey<kFamily>>(&entries_[i].flow);
    return key != nullptr && *key == flow;
  }
  [[nodiscard]] std::size_t size() const { return shares_.size(); }

 private:
  static constexpr Index kQueues = kTimeoutsMs.size();  ///< entries [0, kQueues) are their heads
  static constexpr Index kFree = kQueues;               ///< head of those that are not in use

  void start(Index i, std::uint64_t now_ms) {
    PendingHandshake& entry = entries_[i];
    entry.due_ms = now_ms + kTimeoutsMs[entry.timeouts];
    append(i, entry.timeouts);
  }
  void append(Index i, Index head) {
    const Index last = entries_[head].previous;
    entries_[i].previous = last;
    entries_[i].next = head;
    entries_[last].next = i;
    entries_[head].previous = i;
  }
  void unlink(Index i) {
    entries_[entries_[i].previous].next = entries_[i].next;
    entries_[entries_[i].next].previous = entries_[i].previous;
  }

  std::vector<PendingHandshake> entries_;
  FairShare shares_;
};

}  // namespace synward::proxy
