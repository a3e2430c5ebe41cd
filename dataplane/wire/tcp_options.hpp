// TCP options: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323), SACK (RFC 2018), Fast Open
// (RFC 7413). A leaf: bytes only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/big_endian.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::wire {

/// IANA's TCP option kinds, those that synward reads or writes.
struct TcpOptionKind {
  static constexpr std::uint8_t kEnd = 0;
  static constexpr std::uint8_t kNop = 1;
  static constexpr std::uint8_t kMss = 2;
  static constexpr std::uint8_t kWindowScale = 3;
  static constexpr std::uint8_t kSackPermitted = 4;
  static constexpr std::uint8_t kSack = 5;
  static constexpr std::uint8_t kTimestamps = 8;
  static constexpr std::uint8_t kFastOpen = 34;
};

inline constexpr std::uint8_t kMaxWindowScale = 14;  // RFC 7323 2.3

struct TcpTimestamps {
  std::uint32_t tsval, tsecr;
  friend constexpr bool operator==(const TcpTimestamps&, const TcpTimestamps&) = default;
};

/// The edges of a block as they lie in the segment: left is its first byte, right the one behind its last.
struct SackBlock {
  BigEndian32 left, right;
};
static_assert(sizeof(SackBlock) == 8 && WireLayout<SackBlock>);

/// What a segment's options say. "Not there" and "there, and zero" are different answers. Values are the
/// sender's, unjudged (an MSS of 0 is an MSS of 0), but for window scales above 14, which count as 14.
///
/// One byte of presence bits and 11 of values serve a SYN and most segments of a connection; the spans point
/// into the segment, and end with it.
class TcpOptions {
 public:
  [[nodiscard]] std::optional<std::uint16_t> mss() const { return if_present(kMss, mss_); }
  [[nodiscard]] std::optional<std::uint8_t> window_scale() const { return if_present(kWindowScale, scale_); }
  [[nodiscard]] bool sack_permitted() const { return has(kSackPermitted); }
  [[nodiscard]] std::optional<TcpTimestamps> timestamps() const {
    return if_present(kTimestamps, timestamps_);
  }
  /// A cookie of 4 to 16 bytes, or an empty span: the request for one (RFC 7413 4.1.1).
  [[nodiscard]] std::optional<std::span<const std::byte>> fast_open() const {
    return if_present(kFastOpen, std::span{fast_open_, fast_open_bytes_});
  }
  /// None to four blocks, the most recent first; a first block may be a D-SACK (RFC 2883).
  [[nodiscard]] std::span<const SackBlock> sack() const { return {sack_, sack_blocks_}; }
  /// The list broke off: an option of length 0 or 1, or one that runs past the end. What came before counts.
  [[nodiscard]] bool malformed() const { return has(kMalformed); }

 private:
  friend TcpOptions parse_tcp_options(std::span<const std::byte> options);

  enum Presence : std::uint8_t {
    kMss = 1,
    kWindowScale = 2,
    kSackPermitted = 4,
    kTimestamps = 8,
    kFastOpen = 16,
    kSack = 32,
    kMalformed = 64
  };
  [[nodiscard]] bool has(Presence bit) const { return (present_ & bit) != 0; }
  template <typename T>
  [[nodiscard]] std::optional<T> if_present(Presence bit, T value) const {
    return has(bit) ? std::optional<T>{value} : std::nullopt;
  }
  /// True, once, for an option that is not there yet: of duplicates the first wins.
  bool claim(Presence bit) {
    const bool first = !has(bit);
    present_ |= bit;
    return first;
  }
  void read(std::uint8_t kind, std::span<const std::byte> value);

  std::uint8_t present_ = 0, scale_ = 0;
  std::uint16_t mss_ = 0;
  TcpTimestamps timestamps_{};
  std::uint8_t sack_blocks_ = 0, fast_open_bytes_ = 0;
  const SackBlock* sack_ = nullptr;
  const std::byte* fast_open_ = nullptr;
};

namespace detail {

/// RFC 7323 3.2, as they lie in the segment.
struct TimestampsValue {
  BigEndian32 tsval, tsecr;
};

[[nodiscard]] constexpr std::uint32_t word(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d;
}

}  // namespace detail

/// A known kind of a length that it cannot have is ignored like an unknown one, as Linux does, so a proper
/// one behind it counts.
inline void TcpOptions::read(std::uint8_t kind, std::span<const std::byte> value) {
  const std::size_t bytes = value.size();
  switch (kind) {
    case TcpOptionKind::kMss:
      if (bytes == 2 && claim(kMss)) mss_ = overlay<BigEndian16>(value.data()).host();
      break;
    case TcpOptionKind::kWindowScale:
      if (bytes == 1 && claim(kWindowScale))
        scale_ = std::min(std::to_integer<std::uint8_t>(value[0]), kMaxWindowScale);
      break;
    case TcpOptionKind::kSackPermitted:
      if (bytes == 0) claim(kSackPermitted);
      break;
    case TcpOptionKind::kSack:
      if (bytes != 0 && bytes % sizeof(SackBlock) == 0 && claim(kSack)) {
        sack_ = &overlay<SackBlock>(value.data());
        sack_blocks_ = static_cast<std::uint8_t>(bytes / sizeof(SackBlock));
      }
      break;
    case TcpOptionKind::kTimestamps:
      if (bytes == sizeof(detail::TimestampsValue) && claim(kTimestamps)) {
        const auto& wire = overlay<detail::TimestampsValue>(value.data());
        timestamps_ = {wire.tsval.host(), wire.tsecr.host()};
      }
      break;
    case TcpOptionKind::kFastOpen:
      if ((bytes == 0 || (bytes >= 4 && bytes <= 16 && bytes % 2 == 0)) && claim(kFastOpen)) {
        fast_open_ = value.data();
        fast_open_bytes_ = static_cast<std::uint8_t>(bytes);
      }
      break;
    default:
      break;  // RFC 9293 3.1: skipped by its length
  }
}

/// Reads a list of any length, of at most 40 bytes in a TCP header, to its end-of-list option or its last
/// byte. Of duplicates the first wins. It does not know about SYNs: ignoring MSS, window scale and
/// SACK-permitted elsewhere (RFC 7323 2.2, RFC 2018 2) is the caller's part.
[[nodiscard]] inline TcpOptions parse_tcp_options(std::span<const std::byte> options) {
  TcpOptions parsed;
  while (!options.empty()) {
    const auto kind = std::to_integer<std::uint8_t>(options[0]);
    if (kind == TcpOptionKind::kEnd) break;
    if (kind == TcpOptionKind::kNop) {
      options = options.subspan(1);
      continue;
    }
    const auto bytes = options.size() < 2 ? 0 : std::to_integer<std::size_t>(options[1]);
    if (bytes < 2 || bytes > options.size()) {
      parsed.claim(TcpOptions::kMalformed);
      break;
    }
    parsed.read(kind, options.subspan(2, bytes - 2));
    options = options.subspan(bytes);
  }
  return parsed;
}

/// The timestamps alone, which is what a connection's segments are read for. Nearly all have them where
/// RFC 7323 appendix A puts them; `elsewhere(options)` looks for them in any other list that is not empty.
template <typename Elsewhere>
[[nodiscard]] inline std::optional<TcpTimestamps> parse_timestamps(std::span<const std::byte> options,
                                                                   Elsewhere&& elsewhere) {
  using Kind = TcpOptionKind;
  if (options.size() == 12 && overlay<BigEndian32>(options.data()) ==
                                  BigEndian32{detail::word(Kind::kNop, Kind::kNop, Kind::kTimestamps, 10)}) {
    const auto& wire = overlay<detail::TimestampsValue>(options.data() + 4);
    return TcpTimestamps{wire.tsval.host(), wire.tsecr.host()};
  }
  if (options.empty()) return std::nullopt;
  return elsewhere(options);
}

/// What a SYN or a SYN-ACK of ours offers.
struct SynOptions {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps;
};

inline constexpr std::size_t kMaxSynOptionBytes = 20;
inline constexpr std::size_t kTimestampsBytes = 12;

/// Writes them in the order and with the padding of Linux, which middleboxes have seen most: MSS, then
/// SACK-permitted and timestamps, then NOP and window scale. Returns the bytes written, a multiple of 4 up to
/// kMaxSynOptionBytes, for which `out` must have room; behind those nothing is touched.
[[nodiscard]] inline std::size_t write_syn_options(std::byte* out, const SynOptions& offer) {
  using Kind = TcpOptionKind;
  std::byte* at = out;
  const auto put = [&at](std::uint32_t word) {
    overlay<BigEndian32>(at) = BigEndian32{word};
    at += sizeof word;
  };
  if (offer.mss) put(detail::word(Kind::kMss, 4, 0, 0) | *offer.mss);
  if (offer.timestamps) {
    put(offer.sack_permitted ? detail::word(Kind::kSackPermitted, 2, Kind::kTimestamps, 10)
                             : detail::word(Kind::kNop, Kind::kNop, Kind::kTimestamps, 10));
    put(offer.timestamps->tsval);
    put(offer.timestamps->tsecr);
  } else if (offer.sack_permitted) {
    put(detail::word(Kind::kNop, Kind::kNop, Kind::kSackPermitted, 2));
  }
  if (offer.window_scale) put(detail::word(Kind::kNop, Kind::kWindowScale, 3, *offer.window_scale));
  return static_cast<std::size_t>(at - out);
}

/// The options of every segment after the handshake: NOP, NOP, timestamps (RFC 7323 appendix A). Writes, and
/// returns, kTimestampsBytes.
inline std::size_t write_timestamps(std::byte* out, TcpTimestamps timestamps) {
  using Kind = TcpOptionKind;
  overlay<BigEndian32>(out) = BigEndian32{detail::word(Kind::kNop, Kind::kNop, Kind::kTimestamps, 10)};
  overlay<detail::TimestampsValue>(out + 4) = {BigEndian32{timestamps.tsval}, BigEndian32{timestamps.tsecr}};
  return kTimestampsBytes;
}

}  // namespace synward::wire
