// Whether a segment arrived as it was sent.
#pragma once

#include "dataplane/stages/frame_access.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward {

/// The NIC's word where it says "good", else our own sum.
template <wire::Family kFamily>
[[nodiscard]] inline bool ip_is_intact(const Burst& burst, LaneIndex i) {
  if (kFamily == wire::Family::kIpv6 || burst.ip_checksum[i] == RxChecksum::kGood) return true;
  const auto& view = burst.view[i];
  return wire::verifies(
      wire::add_bytes(0, {burst.frame[i] + view.network, std::size_t{view.transport} - view.network}));
}
template <wire::Family kFamily>
[[nodiscard]] inline bool segment_is_intact(const Burst& burst, LaneIndex i) {
  if (burst.transport_checksum[i] == RxChecksum::kGood) return true;
  const auto& ip = ip_header<kFamily>(burst, i);
  const auto segment = transport_bytes(burst, i);
  return wire::verifies(
      wire::add_bytes(wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kTcp,
                                              static_cast<std::uint16_t>(segment.size())),
                      segment));
}

}  // namespace synward
