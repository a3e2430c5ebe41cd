#include "bench/load/syn_flood.hpp"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward::load {
namespace {

using namespace wire;

template <Family kFamily>
using IpHeader = std::conditional_t<kFamily == Family::kIpv4, Ipv4Header, Ipv6Header>;

/// What a system's SYN carries, in its own order and padding.
struct Layout {
  std::array<std::uint8_t, 24> options;  // the MSS comes first, and is filled in; so is TSval
  std::size_t options_bytes;
  std::size_t tsval_at;  // among the options; 0: none
  std::uint16_t window;
};
constexpr std::array<Layout, kSynLayouts> kLayouts{{
    // Linux, Android: MSS, SACK permitted, timestamps, NOP, window scale
    {{2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}, 20, 8, 64240},
    // macOS, iOS: MSS, NOP, window scale, NOP, NOP, timestamps, SACK permitted, end
    {{2, 4, 0, 0, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0}, 24, 12, 65535},
    // Windows: MSS, NOP, window scale, NOP, NOP, SACK permitted
    {{2, 4, 0, 0, 1, 3, 3, 8, 1, 1, 4, 2}, 12, 0, 64240},
}};
constexpr std::size_t kMssAt = 2;

constexpr std::array<std::uint8_t, 4> kFlagsOf{TcpFlags::kSyn, TcpFlags::kAck, TcpFlags::kRst,
                                               TcpFlags::kSyn | TcpFlags::kAck};
static_assert(kFlagsOf.size() == std::size_t(FloodKind::kSynAck) + 1);

template <Family kFamily>
constexpr std::size_t kTcpOffset = sizeof(EthernetHeader) + sizeof(IpHeader<kFamily>);

/// RFC 1071: over a header whose checksum field is zero; IPv6 has none.
void finish_ip(Ipv4Header& ip) {
  ip.checksum = {};
  ip.checksum = finish(add_bytes(0, std::as_bytes(std::span{&ip, 1})));
}
void finish_ip(Ipv6Header&) {}

}  // namespace

template <Family kFamily>
SynFlood<kFamily>::SynFlood(const Target& target, const SourcePrefix& sources, const Link& link,
                            std::uint64_t seed, FloodKind kind)
    : kind_{kind},
      prefix_{std::get<Address<kFamily>>(sources.address())},
      prefix_bits_{sources.bits()},
      random_{seed} {
  const handshake::Path<kFamily> path{
      link.local,
      link.remote,
      {prefix_, std::get<Address<kFamily>>(target.address()), Port{0}, target.port()}};
  for (std::size_t n = 0; n < kSynLayouts; ++n) {
    const auto& [options, options_bytes, tsval_at, window] = kLayouts[n];
    // build_frame() knows one order of options, Linux's: the others travel as text, which begins where
    // options do, and the header's length then says what they are.
    const auto text = std::as_bytes(std::span{options}.first(options_bytes));
    Template& made = templates_[n];
    if (kind != FloodKind::kSyn) {
      const handshake::Segment bare{.flags = kFlagsOf[std::size_t(kind)], .window = window};
      made.bytes = build_frame(path, bare, {}, made.frame).size();
      made.tsval_at = 0;
      continue;
    }
    made.bytes = build_frame(path, {.flags = TcpFlags::kSyn, .window = window}, text, made.frame).size();
    std::byte* const tcp = made.frame.data() + kTcpOffset<kFamily>;
    overlay<TcpHeader>(tcp).offset_and_reserved = TcpHeader::offset_of(sizeof(TcpHeader) + text.size());
    constexpr std::uint16_t kMss = kFamily == Family::kIpv4 ? 1460 : 1440;
    overlay<BigEndian16>(tcp + sizeof(TcpHeader) + kMssAt) = BigEndian16{kMss};
    made.tsval_at = tsval_at == 0 ? 0 : kTcpOffset<kFamily> + sizeof(TcpHeader) + tsval_at;
  }
}

template <Family kFamily>
Address<kFamily> SynFlood<kFamily>::random_source() {
  Address<kFamily> source = prefix_;
  std::uint64_t bits = 0;
  for (std::size_t byte = 0; byte < source.bytes.size(); ++byte, bits >>= 8) {
    if (byte % 8 == 0) bits = random_();
    const std::size_t fixed = std::clamp<std::size_t>(prefix_bits_, 8 * byte, 8 * byte + 8) - 8 * byte;
    source.bytes[byte] |= static_cast<std::uint8_t>(bits & (0xffu >> fixed));
  }
  return source;
}

template <Family kFamily>
std::span<std::byte> SynFlood<kFamily>::next(std::span<std::byte, kMaxSynBytes> out) {
  const std::uint64_t bits = random_();
  const Template& from = templates_[bits % kSynLayouts];
  std::ranges::copy(from.frame, out.begin());
  auto& ip = overlay<IpHeader<kFamily>>(out.data() + sizeof(EthernetHeader));
  ip.source = random_source();
  finish_ip(ip);

  const auto tcp_bytes = out.first(from.bytes).subspan(kTcpOffset<kFamily>);
  auto& tcp = overlay<TcpHeader>(tcp_bytes.data());
  tcp.src_port = Port{static_cast<std::uint16_t>(1024 + (bits >> 32) % (65536 - 1024))};
  const std::uint64_t numbers = random_();
  tcp.seq = BigEndian32{static_cast<std::uint32_t>(numbers)};
  if (kind_ != FloodKind::kSyn) tcp.ack = BigEndian32{static_cast<std::uint32_t>(numbers >> 32)};
  if (from.tsval_at != 0)
    overlay<BigEndian32>(out.data() + from.tsval_at) = BigEndian32{static_cast<std::uint32_t>(numbers >> 32)};
  tcp.checksum = {};
  const auto length = static_cast<std::uint16_t>(tcp_bytes.size());
  tcp.checksum =
      finish(add_bytes(pseudo_header_sum(ip.source, ip.destination, IpProtocol::kTcp, length), tcp_bytes));
  return out.first(from.bytes);
}

AnySynFlood make_syn_flood(const Target& target, const SourcePrefix& sources, const Link& link,
                           std::uint64_t seed, FloodKind kind) {
  if (target.address().index() != sources.address().index())
    throw std::invalid_argument("the sources are of another family than the target " + target.text());
  if (target.address().index() == 0) return SynFlood<Family::kIpv4>{target, sources, link, seed, kind};
  return SynFlood<Family::kIpv6>{target, sources, link, seed, kind};
}

template class SynFlood<Family::kIpv4>;
template class SynFlood<Family::kIpv6>;

}  // namespace synward::load
