// The splice: one header at a time, the numbers of one half of a proxied connection become those of the
// other.
//
// The client speaks with the cookie, the backend with its own ISN, and each must see a peer that never
// changed its mind. The backend's half was opened with the client's own ISN and options, so one
// difference of sequence numbers and one of timestamps is all there is:
//
//   field         to the client                        to the backend
//   SEG.SEQ       + seq_delta                          as it is
//   SEG.ACK       as it is                             - seq_delta, when ACK is set
//   SACK edges    as they are                          - seq_delta: each, a D-SACK's (RFC 2883) included
//   TSval         + ts_delta                           as it is
//   TSecr         as it is                             - ts_delta, when ACK is set (RFC 7323 3.2)
//   SEG.WND       from the backend's scale to the      as it is; unscaled when the backend declined to scale
//                 promised one
//
// Checksums change with the fields (RFC 1624): a segment that came corrupt leaves as corrupt, for the
// endpoint to see. No byte moves, so every layout of options is translated where it lies: any order, any
// alignment, any number of repetitions, since the receivers differ in which one they take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/tcp.hpp"

namespace synward::proxy {

/// What the halves differ in. Fixed once the backend's SYN-ACK is there.
struct Splice {
  std::uint32_t seq_delta = 0;      ///< our ISS toward the client (the cookie), less the backend's
  std::uint32_t ts_delta = 0;       ///< our TSval toward the client, less the backend's of the same moment
  std::uint8_t promised_scale = 0;  ///< our shift in the SYN-ACK to the client; 0 when scaling was not agreed
  std::uint8_t backend_scale = 0;   ///< the backend's own, in its SYN-ACK
  std::uint8_t client_scale = 0;    ///< the client's, in its SYN
  bool backend_scales = true;       ///< false: it declined window scaling, which the client was promised
  bool backend_takes_sack = true;   ///< false: it declined SACK; the client's SACK options become padding
};

/// Bytes [0, header_bytes()) of a TCP segment of a spliced connection, SYN not set, on their way. The worker
/// that owns the flow. Only header fields change, so the span may end where the header does.
void to_client(std::span<std::byte> header, const Splice& splice);
void to_backend(std::span<std::byte> header, const Splice& splice);

/// The part of a TCP header that an ICMP error quotes, 8 bytes or more (RFC 792; RFC 4443 2.4), of a segment
/// that was on its way to the client, or to the backend, before it failed: turned back into what its sender
/// had sent (but for windows and hidden SACK options, which nobody reads there). Returns what that adds to
/// the one's complement sum of the ICMP message in which `quoted` lies at an even offset; 0 when nothing
/// changed.
[[nodiscard]] std::uint64_t quoted_from_client_side(std::span<std::byte> quoted, const Splice& splice);
[[nodiscard]] std::uint64_t quoted_from_backend_side(std::span<std::byte> quoted, const Splice& splice);

}  // namespace synward::proxy
