// A frame of which perhaps only the beginning is at hand: what can be read of it all the same. For whoever
// explains packets; the stages read whole frames. A leaf: bytes only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::wire {

/// The pointers point into what was read; each is null unless all of its struct is there. Lengths that
/// headers claim are not believed: nothing says that so much is there, or was.
struct CutFrame {
  std::optional<Link> link;
  const Ipv4Header* ipv4 = nullptr;
  const Ipv6Header* ipv6 = nullptr;
  std::uint8_t protocol = IpProtocol::kNoNextHeader;
  std::size_t transport =
      0;  ///< where the upper layer's header begins, from the frame's first byte; 0: nowhere
  const TcpHeader* tcp = nullptr;

  [[nodiscard]] std::span<const std::byte> tcp_options(std::span<const std::byte> kept) const {
    if (tcp == nullptr || tcp->header_bytes() <= sizeof(TcpHeader)) return {};
    const auto behind = kept.subspan(transport + sizeof(TcpHeader));
    return behind.first(std::min(behind.size(), tcp->header_bytes() - sizeof(TcpHeader)));
  }
};

/// `kept`: the frame from its first byte on.
[[nodiscard]] inline CutFrame read_cut_frame(std::span<const std::byte> kept) {
  CutFrame frame;
  frame.link = parse_ethernet(kept);
  if (!frame.link) return frame;
  const auto packet = kept.subspan(frame.link->network_offset);
  std::size_t behind = 0;  // of the IP header, where the upper layer's begins
  if (frame.link->ether_type == std::uint16_t(EtherType::kIpv4)) {
    frame.ipv4 = view_as<Ipv4Header>(packet);
    if (frame.ipv4 == nullptr) return frame;
    frame.protocol = frame.ipv4->protocol;
    if (frame.ipv4->header_bytes() >= sizeof(Ipv4Header) && frame.ipv4->fragment_offset_bytes() == 0)
      behind = frame.ipv4->header_bytes();
  } else if (frame.link->ether_type == std::uint16_t(EtherType::kIpv6)) {
    frame.ipv6 = view_as<Ipv6Header>(packet);
    if (frame.ipv6 == nullptr) return frame;
    const Ipv6Payload payload = detail::walk_chain(*frame.ipv6, packet);
    frame.protocol = payload.next_header;
    if (payload.understood && (!payload.fragment || payload.first_fragment)) behind = payload.offset;
  }
  if (behind == 0 || behind > packet.size()) return frame;
  frame.transport = frame.link->network_offset + behind;
  if (frame.protocol == IpProtocol::kTcp) frame.tcp = view_as<TcpHeader>(packet.subspan(behind));
  return frame;
}

}  // namespace synward::wire
