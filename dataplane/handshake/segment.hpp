// A TCP segment as RFC 9293 talks about it: SEG.SEQ, SEG.ACK, SEG.LEN, SEG.WND, control bits, options. What
// arrives is judged in this form, and what is to be sent is decided in it; segment_builder.hpp turns it into
// bytes and back.
#pragma once

#include <cstdint>

#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::handshake {

struct Segment {
  wire::SeqNum seq{0};
  wire::SeqNum ack{0};  ///< means nothing unless ACK is set
  std::uint8_t flags = 0;
  std::uint16_t window = 0;      ///< SEG.WND as it lies in the header: never shifted here
  std::uint16_t text_bytes = 0;  ///< the text itself travels beside the segment
  wire::SynOptions options{};    ///< all but timestamps mean something only beside SYN

  [[nodiscard]] constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  /// SEG.LEN: SYN and FIN take a place in sequence space each (RFC 9293 3.4).
  [[nodiscard]] constexpr std::uint32_t length() const {
    return std::uint32_t{text_bytes} + (has(wire::TcpFlags::kSyn) ? 1 : 0) +
           (has(wire::TcpFlags::kFin) ? 1 : 0);
  }
};

}  // namespace synward::handshake
