// What classify() makes of a TCP segment to a service, and of the direction it came from.
#pragma once

#include <algorithm>

#include "dataplane/stages/flag_table.hpp"
#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {

/// RFC 9293 3.9.2.3 (and RFC 1122 4.2.3.10): addresses no SYN or ACK can honestly come from. A service's own
/// address is one of them: answering it would have us talk to ourselves (the LAND attack).
template <wire::Family kFamily>
[[nodiscard]] inline bool is_bad_source(const wire::Address<kFamily>& source,
                                        const service::ServiceTable& services) {
  return is_multicast(source) || is_broadcast(source) || is_loopback(source) || is_unspecified(source) ||
         services.owns<kFamily>(source);
}

/// The end of a packet at which a service is, seen from each side: the one that a packet from the inside came
/// from.
template <wire::Family kFamily, Side kSide>
[[nodiscard]] inline const wire::Address<kFamily>& service_address(const IpHeader<kFamily>& ip) {
  return kSide == Side::kInside ? ip.source : ip.destination;
}
template <Side kSide>
[[nodiscard]] inline wire::Port service_port(const wire::TcpHeader& tcp) {
  return kSide == Side::kInside ? tcp.src_port : tcp.dst_port;
}

/// Sends a lane to the core that owns its flow, when that is another one. Its segment came, or of one that is
/// quoted: had come, from `kSide`.
template <wire::Family kFamily, Side kSide>
[[nodiscard]] inline bool hand_over(Burst& burst, LaneIndex i, const CoreState& core) {
  if (core.steering == nullptr || burst.taken_over) return false;
  const auto& ip = ip_header<kFamily>(burst, i);
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  const auto owner =
      kSide == Side::kInside
          ? core.steering->owner<kFamily>(ip.destination, ip.source, tcp.dst_port, tcp.src_port)
          : core.steering->owner<kFamily>(ip.source, ip.destination, tcp.src_port, tcp.dst_port);
  if (owner == core.index) return false;
  burst.owner[i] = owner;
  burst.on(Route::kHandOver).push(i);
  return true;
}

/// To `route`, or to the core whose connection this is. SYNs need none: they are answered where they land.
template <wire::Family kFamily, Side kSide>
inline void steer(Burst& burst, LaneIndex i, const CoreState& core, Route route) {
  if (!hand_over<kFamily, kSide>(burst, i, core)) burst.on(route).push(i);
}

/// A segment to the service that its view names: from an address that may send one, with flags that one can
/// have.
template <wire::Family kFamily>
inline void classify_segment(Burst& burst, LaneIndex i, const CoreState& core) {
  if (is_bad_source<kFamily>(ip_header<kFamily>(burst, i).source, *core.services))
    return void(drop_lane(burst, i, Drop::kBadSource));
  const FlagVerdict verdict = kFlagTable[tcp_header(burst, i).flags & 0x3f];
  switch (verdict.kind) {
    case SegmentKind::kDropped:
      return void(drop_lane(burst, i, verdict.reason));
    case SegmentKind::kSyn:
      return burst.on(Routes<kFamily>::kSyn).push(i);
    case SegmentKind::kSegment:
      return steer<kFamily, Side::kOutside>(burst, i, core, Routes<kFamily>::kSegment);
  }
}

/// classify() for one frame of each side of a bump in the wire.
void classify_outside(Burst& burst, LaneIndex i, CoreState& core);
void classify_inside(Burst& burst, LaneIndex i, CoreState& core);

}  // namespace synward
