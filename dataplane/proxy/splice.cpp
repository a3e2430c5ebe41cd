#include "dataplane/proxy/splice.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward::proxy {
namespace {

using wire::BigEndian16;
using wire::BigEndian32;
using wire::Checksum;
using Kind = wire::TcpOptionKind;

constexpr std::size_t kChecksumAt = offsetof(wire::TcpHeader, checksum);

/// Changes fields of a header and keeps count of what that does to the checksum.
class Rewriter {
 public:
  explicit Rewriter(std::span<std::byte> header) : header_{header} {}

  void add(std::size_t at, std::uint32_t difference) {
    auto& field = wire::overlay<BigEndian32>(&header_[at]);
    const BigEndian32 changed{field.host() + difference};
    // At an odd offset a field's bytes lie in the other halves of the words that are summed (RFC 1071 2(B)).
    const int turned = at % 2 == 0 ? 0 : 8;
    change_ += std::rotl(~std::bit_cast<std::uint32_t>(field), turned);
    change_ += std::rotl(std::bit_cast<std::uint32_t>(changed), turned);
    field = changed;
  }
  void put(std::size_t at, BigEndian16 value) {  // at an even offset
    auto& field = wire::overlay<BigEndian16>(&header_[at]);
    change_ += static_cast<std::uint16_t>(~std::bit_cast<std::uint16_t>(field));
    change_ += std::bit_cast<std::uint16_t>(value);
    field = value;
  }
  void put(std::size_t at, std::byte value) {
    const int turned = at % 2 == 0 ? 0 : 8;
    const auto word = [turned](std::byte byte) { return std::to_integer<std::uint32_t>(byte) << turned; };
    change_ += static_cast<std::uint16_t>(~word(header_[at]));
    change_ += word(value);
    header_[at] = value;
  }
  /// The TCP checksum follows, when it is there.
  void update_checksum() {
    if (change_ == 0 || header_.size() < kChecksumAt + sizeof(Checksum)) return;
    auto& field = wire::overlay<BigEndian16>(&header_[kChecksumAt]);
    const auto old = std::bit_cast<std::uint16_t>(field);
    field = wire::finish(static_cast<std::uint16_t>(~old) + change_).wire;
    change_ += static_cast<std::uint16_t>(~old);
    change_ += std::bit_cast<std::uint16_t>(field);
  }
  /// By how much the one's complement sum of all this grew.
  [[nodiscard]] std::uint64_t change() const { return change_; }

 private:
  std::span<std::byte> header_;
  std::uint64_t change_ = 0;  // at most 2^33 a field, and there are fewer than 64
};

/// Calls `visit(kind, offset of the value, its bytes)` for every option that is whole, where receivers would
/// find it: up to the end of the list, or to where it breaks off.
template <typename Visit>
[[gnu::always_inline]] inline void each_option(std::span<const std::byte> header, Visit&& visit) {
  constexpr BigEndian32 kStamped{std::uint32_t{Kind::kNop} << 24 | std::uint32_t{Kind::kNop} << 16 |
                                 std::uint32_t{Kind::kTimestamps} << 8 | 10};
  std::size_t at = sizeof(wire::TcpHeader);
  if (header.size() >= at + wire::kTimestampsBytes &&
      wire::overlay<BigEndian32>(&header[at]) == kStamped) {  // as nearly all begin, known without a walk
    visit(Kind::kTimestamps, at + sizeof kStamped, sizeof(wire::detail::TimestampsValue));
    at += wire::kTimestampsBytes;
  }
  while (at < header.size()) {
    const auto kind = std::to_integer<std::uint8_t>(header[at]);
    if (kind == Kind::kEnd) return;
    if (kind == Kind::kNop) {
      ++at;
      continue;
    }
    const auto bytes = at + 1 < header.size() ? std::to_integer<std::size_t>(header[at + 1]) : 0;
    if (bytes < 2 || at + bytes > header.size()) return;
    visit(kind, at + 2, bytes - 2);
    at += bytes;
  }
}

bool is_timestamps(std::uint8_t kind, std::size_t bytes) {
  return kind == Kind::kTimestamps && bytes == sizeof(wire::detail::TimestampsValue);
}
bool is_sack(std::uint8_t kind, std::size_t bytes) {
  return kind == Kind::kSack && bytes != 0 && bytes % sizeof(wire::SackBlock) == 0;
}

constexpr std::size_t kSeqAt = offsetof(wire::TcpHeader, seq), kAckAt = offsetof(wire::TcpHeader, ack),
                      kWindowAt = offsetof(wire::TcpHeader, window), kTsecrBehindTsval = 4;

/// The window that `field` means at one scale, at another. An open window stays open: the few bytes too many
/// that it may say then are the backend's to refuse, but of a closed one the client would never hear again.
BigEndian16 rescaled(std::uint16_t field, unsigned from, unsigned to) {
  const std::uint32_t window = std::uint32_t{field} << from;
  const std::uint32_t least = field == 0 ? 0 : 1;
  return BigEndian16{static_cast<std::uint16_t>(std::clamp<std::uint32_t>(window >> to, least, 0xffff))};
}

bool has_ack(std::span<const std::byte> header) {
  return (wire::overlay<wire::TcpHeader>(header.data()).flags & wire::TcpFlags::kAck) != 0;
}

/// Of a quoted segment, what belongs to the header.
std::span<std::byte> header_in(std::span<std::byte> quoted) {
  if (quoted.size() < sizeof(wire::TcpHeader)) return quoted;
  const std::size_t bytes = wire::overlay<wire::TcpHeader>(quoted.data()).header_bytes();
  return quoted.first(std::min(quoted.size(), bytes));
}

/// Acknowledgment, SACK edges and TSecr of a client's segment, from one half's numbers to the other's.
void turn_acknowledgments(Rewriter& rewriter, std::span<const std::byte> header, std::uint32_t seq,
                          std::uint32_t ts) {
  rewriter.add(kAckAt, seq);
  each_option(header, [&](std::uint8_t kind, std::size_t at, std::size_t bytes) {
    if (is_timestamps(kind, bytes)) rewriter.add(at + kTsecrBehindTsval, ts);
    if (!is_sack(kind, bytes)) return;
    for (std::size_t edge = 0; edge < bytes; edge += sizeof(BigEndian32)) rewriter.add(at + edge, seq);
  });
}

/// SEG.SEQ and TSval of a backend's segment.
void turn_sequence(Rewriter& rewriter, std::span<const std::byte> header, std::uint32_t seq,
                   std::uint32_t ts) {
  rewriter.add(kSeqAt, seq);
  each_option(header, [&](std::uint8_t kind, std::size_t at, std::size_t bytes) {
    if (is_timestamps(kind, bytes)) rewriter.add(at, ts);
  });
}

void hide_sack(Rewriter& rewriter, std::span<const std::byte> header) {
  each_option(header, [&](std::uint8_t kind, std::size_t at, std::size_t bytes) {
    if (!is_sack(kind, bytes)) return;
    for (std::size_t n = at - 2; n < at + bytes; ++n) rewriter.put(n, std::byte{Kind::kNop});
  });
}

void rescale(Rewriter& rewriter, std::span<const std::byte> header, unsigned from, unsigned to) {
  const std::uint16_t field = wire::overlay<wire::TcpHeader>(header.data()).window.host();
  rewriter.put(kWindowAt, rescaled(field, from, to));
}

}  // namespace

void to_client(std::span<std::byte> header, const Splice& splice) {
  Rewriter rewriter{header};
  turn_sequence(rewriter, header, splice.seq_delta, splice.ts_delta);
  if (splice.promised_scale != splice.backend_scale)
    rescale(rewriter, header, splice.backend_scale, splice.promised_scale);
  rewriter.update_checksum();
}

void to_backend(std::span<std::byte> header, const Splice& splice) {
  Rewriter rewriter{header};
  if (!splice.backend_takes_sack) hide_sack(rewriter, header);
  if (has_ack(header)) turn_acknowledgments(rewriter, header, 0 - splice.seq_delta, 0 - splice.ts_delta);
  if (!splice.backend_scales) rescale(rewriter, header, splice.client_scale, 0);
  rewriter.update_checksum();
}

std::uint64_t quoted_from_client_side(std::span<std::byte> quoted, const Splice& splice) {
  const auto header = header_in(quoted);
  Rewriter rewriter{header};
  turn_sequence(rewriter, header, 0 - splice.seq_delta, 0 - splice.ts_delta);
  rewriter.update_checksum();
  return rewriter.change();
}

std::uint64_t quoted_from_backend_side(std::span<std::byte> quoted, const Splice& splice) {
  const auto header = header_in(quoted);
  if (header.size() < sizeof(wire::TcpHeader) || !has_ack(header)) return 0;
  Rewriter rewriter{header};
  turn_acknowledgments(rewriter, header, splice.seq_delta, splice.ts_delta);
  rewriter.update_checksum();
  return rewriter.change();
}

}  // namespace synward::proxy
