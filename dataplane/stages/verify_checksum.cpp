#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward {
namespace {

using wire::Family;

std::uint64_t ipv4_header_sum(const Burst& burst, LaneIndex i) {
  const auto& view = burst.view[i];
  return wire::add_bytes(0, {burst.frame[i] + view.network, std::size_t{view.transport} - view.network});
}

template <Family kFamily>
std::uint64_t segment_sum(const Burst& burst, LaneIndex i) {
  const auto& ip = ip_header<kFamily>(burst, i);
  const auto segment = transport_bytes(burst, i);
  return wire::add_bytes(wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kTcp,
                                                 static_cast<std::uint16_t>(segment.size())),
                         segment);
}

/// Two passes, sums then verdicts: a mispredicted verdict never stalls a load.
template <Family kFamily>
void verify(Burst& burst, IndexList& lanes) {
  Lane<bool> ip_good, segment_good;
  for (const LaneIndex i : lanes) {
    ip_good[i] = kFamily == Family::kIpv6 || burst.ip_checksum[i] == RxChecksum::kGood ||
                 wire::verifies(ipv4_header_sum(burst, i));
    segment_good[i] =
        burst.transport_checksum[i] == RxChecksum::kGood || wire::verifies(segment_sum<kFamily>(burst, i));
  }
  lanes.keep_if([&](LaneIndex i) {
    if (!ip_good[i]) return drop_lane(burst, i, Drop::kBadIpv4Checksum);
    return segment_good[i] || drop_lane(burst, i, Drop::kBadTcpChecksum);
  });
}

}  // namespace

void verify_checksum(Burst& burst) {
  verify<Family::kIpv4>(burst, burst.on(Route::kSyn4));
  verify<Family::kIpv6>(burst, burst.on(Route::kSyn6));
  verify<Family::kIpv4>(burst, burst.on(Route::kSegment4));
  verify<Family::kIpv6>(burst, burst.on(Route::kSegment6));
}

}  // namespace synward
