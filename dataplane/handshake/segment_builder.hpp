// From a segment and its addresses to the bytes of a frame, and back.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "dataplane/handshake/four_tuple.hpp"
#include "dataplane/handshake/segment.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::handshake {

/// A flow and the two stations of the link under it, seen from one end.
template <wire::Family kFamily>
struct Path {
  wire::MacAddress local_mac, remote_mac;
  FourTuple<kFamily> tuple;
};

/// No frame of build_frame() without text is longer.
template <wire::Family kFamily>
inline constexpr std::size_t kMaxHeaderBytes = sizeof(wire::EthernetHeader) +
                                               (kFamily == wire::Family::kIpv4 ? sizeof(wire::Ipv4Header)
                                                                               : sizeof(wire::Ipv6Header)) +
                                               sizeof(wire::TcpHeader) + wire::kMaxSynOptionBytes;

/// Writes Ethernet, IP and TCP with options, text and checksums from the local to the remote end. `text` is
/// what segment.text_bytes counts. Returns the part of `out` that was written, every byte of it; an empty
/// span, and nothing written, when the frame does not fit. Short frames are not padded: NICs do that.
template <wire::Family kFamily>
[[nodiscard]] std::span<std::byte> build_frame(const Path<kFamily>& path, const Segment& segment,
                                               std::span<const std::byte> text, std::span<std::byte> out);

/// A segment that arrived, and the path on which to answer it: local is where it was sent to.
template <wire::Family kFamily>
struct Received {
  Path<kFamily> path;
  Segment segment;
  std::span<const std::byte> text;  ///< lies in the frame
};

/// Nullopt for all but an intact TCP segment over that family: other protocols, fragments, headers that do
/// not fit, wrong checksums. VLAN tags, IPv4 options and IPv6 extension headers are passed over; of TCP
/// options that break off, those before the break count.
template <wire::Family kFamily>
[[nodiscard]] std::optional<Received<kFamily>> parse_frame(std::span<const std::byte> frame);

}  // namespace synward::handshake
