// Typed access to a lane's frame at the offsets that match_common() or classify() checked. Nothing here
// checks a length again.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "dataplane/burst.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward {

/// Written into every reply: what Linux and the BSDs send.
inline constexpr std::uint8_t kReplyHopLimit = 64;

template <wire::Family kFamily>
using IpHeader = std::conditional_t<kFamily == wire::Family::kIpv4, wire::Ipv4Header, wire::Ipv6Header>;

/// The wire's structs are bytes only, so they may be laid over any offset of a frame.
template <typename Header>
[[nodiscard]] Header& header_at(Burst& burst, LaneIndex i, std::size_t offset) {
  static_assert(alignof(Header) == 1);
  return *reinterpret_cast<Header*>(burst.frame[i] + offset);
}
template <typename Header>
[[nodiscard]] const Header& header_at(const Burst& burst, LaneIndex i, std::size_t offset) {
  static_assert(alignof(Header) == 1);
  return *reinterpret_cast<const Header*>(burst.frame[i] + offset);
}

[[nodiscard]] inline wire::EthernetHeader& ethernet_header(Burst& burst, LaneIndex i) {
  return header_at<wire::EthernetHeader>(burst, i, 0);
}
template <wire::Family kFamily>
[[nodiscard]] const IpHeader<kFamily>& ip_header(const Burst& burst, LaneIndex i) {
  return header_at<IpHeader<kFamily>>(burst, i, burst.view[i].network);
}
/// Of lanes in the kCommonSyn, kSyn and kSegment lists; of one in kIcmpError, where the quote may end behind
/// `seq`.
[[nodiscard]] inline const wire::TcpHeader& tcp_header(const Burst& burst, LaneIndex i) {
  return header_at<wire::TcpHeader>(burst, i, burst.view[i].transport);
}
/// Transport header and payload.
[[nodiscard]] inline std::span<const std::byte> transport_bytes(const Burst& burst, LaneIndex i) {
  return {burst.frame[i] + burst.view[i].transport, burst.view[i].transport_bytes};
}

}  // namespace synward
