// Frames around any payload of IP, as common or as odd as somebody wants them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/micro/frames.hpp"
#include "bench/micro/random_bytes.hpp"

namespace synward::bench {

/// What is in a packet of IP.
struct Payload {
  Bytes bytes;
  std::uint16_t zeros = 0;  ///< behind those
  std::size_t checksum_at;
  std::uint8_t protocol;
};

/// What is around it.
struct Envelope {
  int tags = 0;
  std::size_t ip_option_bytes = 0;  ///< IPv4
  std::uint32_t extensions = 0;     ///< IPv6: of destination options, eight bytes each
  bool fragment = false;            ///< the first of several
  std::uint8_t hop_limit = 64;
};

/// An Ethernet header to us, behind which comes `ether_type`, with so many VLAN tags.
[[nodiscard]] Bytes link_to(std::uint16_t ether_type, int tags, Random& random);
/// `zeros`: how many bytes of the frame come behind those.
[[nodiscard]] Stamp stamp_of(const Bytes& frame, std::uint16_t zeros = 0);
/// From nobody in particular to our service; all checksums are right.
[[nodiscard]] Stamp frame_of(wire::Family family, Payload payload, Random& random,
                             const Envelope& envelope = {});

}  // namespace synward::bench
