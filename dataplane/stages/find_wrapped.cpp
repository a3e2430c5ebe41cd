#include "dataplane/stages/find_wrapped.hpp"

#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward {
namespace {

/// IP options may end behind the frame's end, which match() finds out: it reads no further for that than the
/// frame's slack. What lies between the headers of IPv6 ends inside the packet.
constexpr std::size_t kMostIpOptions = 40;  // RFC 791 3.1: IHL has four bits
static_assert(LanesByLink::network(0) + sizeof(wire::Ipv4Header) + sizeof(wire::TcpHeader) + kFrameSlack >=
              kMostIpOptions + simd::kMostRead);

}  // namespace

void find_wrapped(Burst& burst, const simd::Kernels& kernels, const simd::Frames& frames,
                  const LanesByLink& left) {
  WrappedLanes& wrapped = burst.wrapped;
  simd::LaneBits found = 0;
  for (std::size_t tags = 0; tags < left.ipv4.size(); ++tags) {
    const std::size_t network = LanesByLink::network(tags);
    wrapped.ipv4[tags] = kernels.find_options(frames, network, left.ipv4[tags], wrapped.between.data());
    wrapped.ipv6[tags] = kernels.find_extensions(frames, network, left.ipv6[tags], wrapped.between.data());
    found |= wrapped.ipv4[tags] | wrapped.ipv6[tags];
  }
  if (found == 0) return;  // mostly
  // Kernels read whole registers: all lanes need an address.
  for (std::size_t i = 0; i < simd::padded(burst.size); ++i) {
    if (!has_lane(found, static_cast<LaneIndex>(i))) wrapped.between[i] = 0;
    wrapped.shifted[i] = burst.frame[i] + wrapped.between[i];
  }
}

}  // namespace synward
