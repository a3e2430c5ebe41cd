#include "dataplane/stages/find_wrapped.hpp"

#include "dataplane/stages/frame_access.hpp"

namespace synward {
namespace {

constexpr std::size_t kMostIpOptions = 40;  // RFC 791 3.1: IHL has four bits

/// IP options may end behind the frame's end, which the kernels find out: they read no further for that than
/// its slack. What lies between the headers of IPv6 ends inside the packet.
static_assert(LanesByLink::network(0) + sizeof(wire::Ipv4Header) + sizeof(wire::TcpHeader) + kFrameSlack >=
              kMostIpOptions + simd::kMostRead);

/// Of `lanes`, those with IP options. What else is in the header, the kernels look at.
simd::LaneBits find_ip_options(Burst& burst, std::size_t network, simd::LaneBits lanes) {
  simd::LaneBits found = 0;
  for_each_lane(lanes, [&](LaneIndex i) {
    const auto& ip = header_at<wire::Ipv4Header>(burst, i, network);
    if (ip.header_bytes() <= sizeof ip) return;
    burst.wrapped.between[i] = static_cast<std::uint16_t>(ip.header_bytes() - sizeof ip);
    found |= lane_bit(i);
  });
  return found;
}

}  // namespace

void find_wrapped(Burst& burst, const simd::Kernels& kernels, const simd::Frames& frames,
                  const LanesByLink& left) {
  WrappedLanes& wrapped = burst.wrapped;
  wrapped.between = {};  // kernels read whole registers, at the addresses that follow from this
  for (std::size_t tags = 0; tags < left.ipv4.size(); ++tags) {
    const std::size_t network = LanesByLink::network(tags);
    wrapped.ipv4[tags] = find_ip_options(burst, network, left.ipv4[tags]);
    wrapped.ipv6[tags] = kernels.find_extensions(frames, network, left.ipv6[tags], wrapped.between.data());
  }
  for (std::size_t i = 0; i < simd::padded(burst.size); ++i)
    wrapped.shifted[i] = burst.frame[i] + wrapped.between[i];
}

}  // namespace synward
