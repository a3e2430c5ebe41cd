// How a client's options fit into the bits of a cookie. MSS and window scale round down, always: a promise to
// send less is safe, one to send more is not. "No window scale" and "window scale 0" are different values
// (RFC 7323 2.2: without the option on both sides nobody scales).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/wire/net_types.hpp"

namespace synward::cookie {

/// RFC 9293 3.7.1: what a SYN without the MSS option offers, bytes.
template <wire::Family kFamily>
inline constexpr std::uint16_t kDefaultMss = kFamily == wire::Family::kIpv4 ? 536 : 1220;

/// The least MSS that a cookie can hold, bytes. A SYN that offers less must be dropped: rounding up would
/// send the client more than it takes. No link asks for so little (an MTU of 96 bytes); those who do want
/// many packets for few bytes (CVE-2019-11479; Linux' floor is 48).
inline constexpr std::uint16_t kLeastMss = 56;

/// What a client's SYN offered, as far as the connection needs it.
struct ClientOptions {
  std::uint16_t mss;  ///< bytes, at least kLeastMss; kDefaultMss when the SYN has no MSS option
  std::optional<std::uint8_t> window_scale;  ///< 0 to 14 (RFC 7323 2.3), or not offered
  bool sack_permitted = false;
  bool timestamps = false;
  bool ecn = false;  ///< RFC 3168 6.1.1: ECE and CWR in the SYN
  friend constexpr bool operator==(const ClientOptions&, const ClientOptions&) = default;
};

/// The options as a cookie carries them; cookie.hpp shows where.
struct OptionBits {
  std::uint32_t isn;        ///< 7 bits
  std::uint32_t timestamp;  ///< kTimestampsOffered and the 6 low bits of TSval; or 0, without timestamps
};
inline constexpr std::uint32_t kTimestampsOffered = 0x40;
inline constexpr std::uint32_t kTsvalOptionMask = 0x3f;

/// 128 steps for clients with timestamps. Three arithmetic progressions, so that neither direction looks
/// anything up: coarse up to 1176, exact to 4 bytes where links and tunnels differ, and jumbo frames.
/// They hold 536, 1220, 1432, 1440, 1452, 1460, 8960 and every multiple of 20 from 1220 to 1460 exactly.
struct FineMss {
  static constexpr std::uint32_t kLow = kLeastMss, kLowStep = 32;
  static constexpr std::uint32_t kMiddle = 1208, kMiddleStep = 4, kMiddleIndex = (kMiddle - kLow) / kLowStep;
  static constexpr std::uint32_t kHigh = 1460, kHighStep = 300;
  static constexpr std::uint32_t kHighIndex = kMiddleIndex + (kHigh - kMiddle) / kMiddleStep;
  static constexpr std::uint32_t kCount = 128;

  [[nodiscard]] static constexpr std::uint32_t index(std::uint32_t mss) {
    if (mss >= kHigh) return kHighIndex + std::min((mss - kHigh) / kHighStep, kCount - 1 - kHighIndex);
    if (mss >= kMiddle) return kMiddleIndex + (mss - kMiddle) / kMiddleStep;
    return (std::max(mss, kLow) - kLow) / kLowStep;
  }
  [[nodiscard]] static constexpr std::uint16_t mss(std::uint32_t index) {
    if (index >= kHighIndex) return static_cast<std::uint16_t>(kHigh + (index - kHighIndex) * kHighStep);
    if (index >= kMiddleIndex)
      return static_cast<std::uint16_t>(kMiddle + (index - kMiddleIndex) * kMiddleStep);
    return static_cast<std::uint16_t>(kLow + index * kLowStep);
  }
};

/// Eight steps for clients without: Windows, and Linux with timestamps off. 1460 is Ethernet, 1452 PPPoE,
/// 1440 and 1400 tunnels and mobile networks, 1380 WireGuard and the Cisco ASA's default, 1300 the rest of
/// VPNs, 536 the default. The IPv6 table is the same links, 20 bytes less: 1440 Ethernet, 1432 PPPoE, 1420
/// 6in4, 1380 and 1360 tunnels and WireGuard, 1340 mobile, 1220 the least IPv6 MTU and the default.
template <wire::Family kFamily>
struct CoarseMss {
  static constexpr std::array<std::uint16_t, 8> kTable =
      kFamily == wire::Family::kIpv4
          ? std::array<std::uint16_t, 8>{kLeastMss, 536, 1300, 1380, 1400, 1440, 1452, 1460}
          : std::array<std::uint16_t, 8>{kLeastMss, 1220, 1340, 1360, 1380, 1420, 1432, 1440};

  /// Seven compares and no branch: a flood chooses the MSS.
  [[nodiscard]] static constexpr std::uint32_t index(std::uint32_t mss) {
    std::uint32_t index = 0;
    for (std::size_t i = 1; i < kTable.size(); ++i) index += mss >= kTable[i] ? 1u : 0u;
    return index;
  }
  [[nodiscard]] static constexpr std::uint16_t mss(std::uint32_t index) { return kTable[index]; }
};

/// Window scales as numbers of four bits, exact, and of three bits, rounded down.
struct WindowScaleBits {
  static constexpr std::uint32_t kNone = 15;
  static constexpr std::uint32_t kCoarseNone = 0;
  /// By coarse index; index 0 stands for "not offered". 8 is Windows, 7 Linux' default, 6 and 10 Linux with
  /// smaller and larger buffers, 2 and 4 embedded stacks.
  static constexpr std::array<std::uint8_t, 8> kCoarse = {kNone, 0, 2, 4, 6, 7, 8, 10};
  /// By exact value.
  static constexpr std::array<std::uint8_t, 16> kCoarseIndex = [] {
    std::array<std::uint8_t, 16> indices{};
    for (std::uint8_t scale = 0; scale < kNone; ++scale)
      for (std::uint32_t i = 1; i < kCoarse.size(); ++i)
        if (kCoarse[i] <= scale) indices[scale] = static_cast<std::uint8_t>(i);
    indices[kNone] = kCoarseNone;
    return indices;
  }();

  [[nodiscard]] static constexpr std::uint32_t of(std::optional<std::uint8_t> scale) {
    return scale ? std::min<std::uint32_t>(*scale, 14) : kNone;  // RFC 7323 2.3: above 14 means 14
  }
  [[nodiscard]] static constexpr std::optional<std::uint8_t> scale(std::uint32_t bits) {
    return bits == kNone ? std::nullopt : std::optional{static_cast<std::uint8_t>(bits)};
  }
};

template <wire::Family kFamily>
[[nodiscard]] constexpr OptionBits encode_options(const ClientOptions& options) {
  const std::uint32_t scale = WindowScaleBits::of(options.window_scale);
  const std::uint32_t sack = options.sack_permitted ? 1 : 0;
  if (options.timestamps)
    return {.isn = FineMss::index(options.mss),
            .timestamp = kTimestampsOffered | scale << 2 | sack << 1 | (options.ecn ? 1u : 0u)};
  const std::uint32_t coarse_scale = WindowScaleBits::kCoarseIndex[scale];
  return {.isn = CoarseMss<kFamily>::index(options.mss) << 4 | coarse_scale << 1 | sack, .timestamp = 0};
}

/// Every value of the bits decodes to something: there is no invalid index, so nothing to check.
template <wire::Family kFamily>
[[nodiscard]] constexpr ClientOptions decode_options(OptionBits bits) {
  if ((bits.timestamp & kTimestampsOffered) != 0)
    return {.mss = FineMss::mss(bits.isn),
            .window_scale = WindowScaleBits::scale(bits.timestamp >> 2 & 15),
            .sack_permitted = (bits.timestamp & 2) != 0,
            .timestamps = true,
            .ecn = (bits.timestamp & 1) != 0};
  return {.mss = CoarseMss<kFamily>::mss(bits.isn >> 4),
          .window_scale = WindowScaleBits::scale(WindowScaleBits::kCoarse[bits.isn >> 1 & 7]),
          .sack_permitted = (bits.isn & 1) != 0};
}

/// What the cookie will remember of `offered`: the SYN-ACK must promise no more. Exact with timestamps but
/// for the MSS; without, MSS and window scale round down and ECN is lost, so its SYN-ACK must not set ECE.
template <wire::Family kFamily>
[[nodiscard]] constexpr ClientOptions kept(const ClientOptions& offered) {
  return decode_options<kFamily>(encode_options<kFamily>(offered));
}

}  // namespace synward::cookie
