// What the two SYNs agree on: MSS, window scale, SACK, timestamps. Each of the last three holds for both
// directions or for none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dataplane/handshake/retransmission.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::handshake {

/// What one end brings to a handshake. An option that is off here is neither offered nor agreed to.
struct EndpointOptions {
  std::uint32_t window_bytes = 65535;           ///< how much we take unread; at most 65535 << 14
  std::uint16_t mss = 1460;                     ///< the longest text we take in one segment
  std::optional<std::uint8_t> window_scale{7};  ///< 0 to 14 (RFC 7323 2.3)
  bool sack = true;
  bool timestamps = true;
  wire::Family family = wire::Family::kIpv4;
  std::uint8_t retries = kSynRetries;  ///< of our SYN or SYN-ACK, before giving up
};

/// The outcome, in the names of RFC 9293 3.7.1 and RFC 7323.
struct Negotiated {
  std::uint32_t ts_recent = 0;      ///< TS.Recent, what we echo and what PAWS compares with
  std::uint16_t send_mss = 0;       ///< SendMSS, options not yet subtracted (RFC 6691)
  std::uint8_t snd_wind_shift = 0;  ///< Snd.Wind.Shift, for windows that we receive
  std::uint8_t rcv_wind_shift = 0;  ///< Rcv.Wind.Shift, for windows that we send
  bool wind_scale_ok = false;       ///< Snd.WS.OK
  bool sack_permitted = false;
  bool ts_ok = false;  ///< Snd.TS.OK
};

/// RFC 9293 3.7.1 (MUST-15): what a peer that names no MSS takes. RFC 8200 5 makes it 1280 - 60 for IPv6.
[[nodiscard]] constexpr std::uint16_t default_mss(wire::Family family) {
  return family == wire::Family::kIpv4 ? 536 : 1220;
}
/// No peer makes us send less than this in a segment, else one that says 0 would keep us sending nothing for
/// ever, and one that says 1 a header for each byte. Linux draws the same line (tcp_min_snd_mss).
inline constexpr std::uint16_t kLeastSendMss = 48;

/// `peer` are the options of the other end's SYN or SYN-ACK.
[[nodiscard]] constexpr Negotiated negotiate(const EndpointOptions& ours, const wire::SynOptions& peer) {
  Negotiated agreed;
  agreed.send_mss = std::max(kLeastSendMss, std::min(ours.mss, peer.mss.value_or(default_mss(ours.family))));
  agreed.wind_scale_ok = ours.window_scale && peer.window_scale;  // RFC 7323 2.2
  if (agreed.wind_scale_ok) {
    agreed.snd_wind_shift = std::min(*peer.window_scale, wire::kMaxWindowScale);  // RFC 7323 2.3
    agreed.rcv_wind_shift = *ours.window_scale;
  }
  agreed.sack_permitted = ours.sack && peer.sack_permitted;  // RFC 2018 2
  agreed.ts_ok = ours.timestamps && peer.timestamps;         // RFC 7323 3.2
  if (agreed.ts_ok) agreed.ts_recent = peer.timestamps->tsval;
  return agreed;
}

/// The options of our SYN. TSecr is 0: there is nothing to echo (RFC 7323 3.2).
[[nodiscard]] constexpr wire::SynOptions syn_options(const EndpointOptions& ours, std::uint32_t tsval) {
  wire::SynOptions options;
  options.mss = ours.mss;
  options.window_scale = ours.window_scale;
  options.sack_permitted = ours.sack;
  if (ours.timestamps) options.timestamps = wire::TcpTimestamps{tsval, 0};
  return options;
}

/// The options of our SYN-ACK: nothing but the MSS that the SYN did not offer.
[[nodiscard]] constexpr wire::SynOptions syn_ack_options(const EndpointOptions& ours,
                                                         const Negotiated& agreed, std::uint32_t tsval) {
  wire::SynOptions options;
  options.mss = ours.mss;
  if (agreed.wind_scale_ok) options.window_scale = ours.window_scale;
  options.sack_permitted = agreed.sack_permitted;
  if (agreed.ts_ok) options.timestamps = wire::TcpTimestamps{tsval, agreed.ts_recent};
  return options;
}

/// SEG.WND of a SYN or SYN-ACK, which is never scaled (RFC 7323 2.2).
[[nodiscard]] constexpr std::uint16_t syn_window(const EndpointOptions& ours) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(ours.window_bytes, 65535));
}
/// SEG.WND of every later segment. Rounded up, so that it is not 0 unless the window is, and does not take
/// back what the SYN said (RFC 9293 3.8.6, SHLD-14: no shrinking).
[[nodiscard]] constexpr std::uint16_t scaled_window(const EndpointOptions& ours, const Negotiated& agreed) {
  const std::uint64_t unit = std::uint64_t{1} << agreed.rcv_wind_shift;
  return static_cast<std::uint16_t>(std::min<std::uint64_t>((ours.window_bytes + unit - 1) / unit, 65535));
}

}  // namespace synward::handshake
