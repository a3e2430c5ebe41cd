#include "bench/load/attack.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward::load {
namespace {

using namespace wire;
using Flags = TcpFlags;

template <Family kFamily>
using IpHeader = std::conditional_t<kFamily == Family::kIpv4, Ipv4Header, Ipv6Header>;
template <Family kFamily>
constexpr std::size_t kTcpOffset = sizeof(EthernetHeader) + sizeof(IpHeader<kFamily>);

constexpr std::uint16_t kFirstPort = 1024;
constexpr std::size_t kOddSyns = 64;

/// What a system's SYN carries, in its own order and padding. The MSS comes first.
struct Layout {
  std::array<std::uint8_t, 24> options;
  std::size_t options_bytes;
  std::uint16_t window;
};
constexpr std::array<Layout, 3> kLayouts{{
    // Linux, Android: MSS, SACK permitted, timestamps, NOP, window scale
    {{2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}, 20, 64240},
    // macOS, iOS: MSS, NOP, window scale, NOP, NOP, timestamps, SACK permitted, end
    {{2, 4, 0, 0, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0}, 24, 65535},
    // Windows: MSS, NOP, window scale, NOP, NOP, SACK permitted
    {{2, 4, 0, 0, 1, 3, 3, 8, 1, 1, 4, 2}, 12, 64240},
}};
/// NOP, NOP, timestamps: how connections carry them (RFC 7323 appendix A).
constexpr std::array<std::uint8_t, 12> kTimestamps{1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0};

/// Options in any order, up to 40 bytes of them, padded to words.
std::vector<std::uint8_t> odd_options(FastRandom& random) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const auto any = [&] { return static_cast<std::uint8_t>(random()); };
  const std::vector<std::vector<std::uint8_t>> known{
      {2, 4, any(), any()},                                              // MSS: any value
      {3, 3, static_cast<std::uint8_t>(below(16))},                      // window scale: 15 is too much
      {4, 2},                                                            // SACK permitted
      {8, 10, 0, 0, 0, 0, 0, 0, 0, 0},                                   // timestamps
      {1},                                                               // NOP
      {34, 2},                                                           // Fast Open: a request (RFC 7413)
      {34, 10, any(), any(), any(), any(), any(), any(), any(), any()},  // and a cookie
      {30, 12, 1, any(), any(), any(), any(), any(), any(), any(), any(), any()},  // MPTCP (RFC 8684)
      {19, 18, any(), any(), any(), any(), any(), any(), any(), any(), any(), any(), any(), any(), any(),
       any(), any(), any()},                 // MD5 (RFC 2385)
      {253, 6, any(), any(), any(), any()},  // experiments (RFC 6994)
      {254, 4, any(), any()},
      {static_cast<std::uint8_t>(70 + below(100)), 3, any()},  // nobody's
  };
  std::vector<std::uint8_t> options;
  bool timestamps = false;  // the template knows the place of one
  for (std::uint64_t n = below(12); n > 0; --n) {
    const auto& option = known[below(known.size())];
    if (options.size() + option.size() > kMaxTcpOptionBytes || (option[0] == 8 && timestamps)) continue;
    timestamps = timestamps || option[0] == 8;
    options.insert(options.end(), option.begin(), option.end());
  }
  options.resize((options.size() + 3) / 4 * 4, 0);  // 0: the end of them
  return options;
}

/// Where TSval lies among `options`; 0: nowhere.
std::size_t tsval_among(std::span<const std::uint8_t> options) {
  for (std::size_t at = 0; at < options.size();) {
    if (options[at] == TcpOptionKind::kEnd) break;
    if (options[at] == TcpOptionKind::kTimestamps) return at + 2;
    at += options[at] == TcpOptionKind::kNop ? std::size_t{1} : options[at + 1];
  }
  return 0;
}

/// RFC 1071: one sum more, 4 bytes at any offset: where that is odd, its bytes count in the other places.
std::uint64_t sum_at(std::size_t offset, BigEndian32 field) {
  const std::uint64_t sum = sum_of(field);
  return offset % 2 == 0 ? sum : sum << 8;
}

void put(std::byte* at, BigEndian32 field) { std::memcpy(at, &field, sizeof field); }

}  // namespace

FastRandom::FastRandom(std::uint64_t seed) {
  for (auto& word : state_) {  // SplitMix64, as its authors ask for
    seed += 0x9e37'79b9'7f4a'7c15;
    std::uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    word = z ^ z >> 31;
  }
}

std::uint64_t FastRandom::operator()() {
  auto& [a, b, c, d] = state_;
  const std::uint64_t drawn = std::rotl(b * 5, 7) * 9, shifted = b << 17;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = std::rotl(d, 45);
  return drawn;
}

AttackMix AttackMix::only(AttackKind kind) {
  AttackMix mix{.weights = {}};
  mix.weights[std::size_t(kind)] = 1;
  return mix;
}

AttackMix AttackMix::parse(const std::string& text) {
  AttackMix mix{.weights = {}};
  if (text == "mixed") {
    mix.weights.fill(1);
    return mix;
  }
  const auto refuse = [&](const std::string& part) {
    std::vector<std::string_view> labels;
    labels.reserve(kAttackKindTable.size());
    for (const auto& row : kAttackKindTable) labels.push_back(row.label);
    throw std::invalid_argument(fmt::format(
        "{}: an attack is KIND or KIND=WEIGHT, several with commas between them, or mixed; a kind "
        "is one of {}, a weight a number from 1 to 100",
        part.empty() ? "nothing" : part, fmt::join(labels, ", ")));
  };
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, comma - at);
    const auto equals = std::min(part.find('='), part.size());
    const auto row = std::ranges::find(kAttackKindTable, part.substr(0, equals), &AttackKindRow::label);
    unsigned weight = 1;
    if (equals < part.size()) {
      const char* const end = part.data() + part.size();
      const auto read = std::from_chars(part.data() + equals + 1, end, weight);
      if (read.ec != std::errc{} || read.ptr != end) refuse(part);
    }
    if (row == kAttackKindTable.end() || weight < 1 || weight > 100) refuse(part);
    mix.weights[std::size_t(row->value)] = weight;
    at = comma + 1;
  }
  return mix;
}

template <Family kFamily>
void AttackFrames<kFamily>::add(const Link& link, const Target& target, AttackKind kind, std::uint8_t flags,
                                std::uint16_t window, std::span<const std::uint8_t> options) {
  const handshake::Path<kFamily> path{
      link.local, link.remote, {{}, std::get<Address<kFamily>>(target.address()), Port{0}, target.port()}};
  Template made{};
  // build_frame() knows one order of options, Linux's: these travel as text, which begins where options do,
  // and the header's length then says what they are.
  const auto text = std::as_bytes(options);
  made.bytes = static_cast<std::uint16_t>(
      build_frame(path, handshake::Segment{.flags = flags, .window = window}, text, made.frame).size());
  std::byte* const at = made.frame.data();
  auto& tcp = overlay<TcpHeader>(at + kTcpOffset<kFamily>);
  tcp.offset_and_reserved = TcpHeader::offset_of(sizeof(TcpHeader) + text.size());
  tcp.checksum = {};
  const auto segment = std::span{made.frame}.first(made.bytes).subspan(kTcpOffset<kFamily>);
  auto& ip = overlay<IpHeader<kFamily>>(at + sizeof(EthernetHeader));
  if constexpr (kFamily == Family::kIpv4) {
    ip.checksum = {};
    made.ip_sum = add_bytes(0, std::as_bytes(std::span{&ip, 1}));
  }
  made.tcp_sum = fold(add_bytes(pseudo_header_sum(ip.source, ip.destination, IpProtocol::kTcp,
                                                  static_cast<std::uint16_t>(segment.size())),
                                segment));
  if (const std::size_t among = tsval_among(options); among != 0) {
    made.tsval_at = static_cast<std::uint16_t>(kTcpOffset<kFamily> + sizeof(TcpHeader) + among);
    if ((flags & Flags::kAck) != 0) made.tsecr_at = static_cast<std::uint16_t>(made.tsval_at + 4);
  }
  made.kind = kind;
  made.acks = kind != AttackKind::kSyn && kind != AttackKind::kOddSyn;
  templates_.push_back(made);
}

template <Family kFamily>
void AttackFrames<kFamily>::add_kind(const Link& link, const Target& target, AttackKind kind) {
  constexpr std::uint16_t kMss = kFamily == Family::kIpv4 ? 1460 : 1440, kWindow = 64240;
  switch (kind) {
    case AttackKind::kSyn:
      for (Layout layout : kLayouts) {
        layout.options[2] = kMss >> 8;
        layout.options[3] = kMss & 0xff;
        add(link, target, kind, Flags::kSyn, layout.window,
            std::span{layout.options}.first(layout.options_bytes));
      }
      return;
    case AttackKind::kOddSyn:
      for (std::size_t n = 0; n < kOddSyns; ++n)
        add(link, target, kind, Flags::kSyn, static_cast<std::uint16_t>(random_()), odd_options(random_));
      return;
    case AttackKind::kAck:
    case AttackKind::kReplay:
      add(link, target, kind, Flags::kAck, kWindow, {});
      add(link, target, kind, Flags::kAck, 502, kTimestamps);
      return;
    case AttackKind::kRst:
      return add(link, target, kind, Flags::kRst, 0, {});
    case AttackKind::kFin:
      return add(link, target, kind, Flags::kFin | Flags::kAck, kWindow, {});
    case AttackKind::kSynAck:
      return add(link, target, kind, Flags::kSyn | Flags::kAck, kWindow, {});
    case AttackKind::kCount:
      break;
  }
}

template <Family kFamily>
AttackFrames<kFamily>::AttackFrames(const Target& target, const SourcePrefix& sources, const Link& link,
                                    std::uint64_t seed, const AttackMix& mix)
    : random_{seed},
      isn_key_{random_()},
      prefix_{std::get<Address<kFamily>>(sources.address())},
      host_mask_{prefix_mask<Address<kFamily>>(static_cast<std::uint8_t>(sources.bits()))} {
  for (auto& byte : host_mask_.bytes) byte = static_cast<std::uint8_t>(~byte);
  unsigned total = 0, below = 0;
  for (const unsigned weight : mix.weights) total += weight;
  for (const auto& row : kAttackKindTable) {
    const unsigned weight = mix.weights[std::size_t(row.value)];
    if (weight == 0) continue;
    const std::size_t first = templates_.size();
    add_kind(link, target, row.value);
    const std::size_t begin = kPicks * below / total, end = kPicks * (below += weight) / total;
    for (std::size_t at = begin; at < end; ++at)
      picks_[at] = static_cast<std::uint16_t>(first + (at - begin) % (templates_.size() - first));
  }
}

template <Family kFamily>
Address<kFamily> AttackFrames<kFamily>::random_source([[maybe_unused]] std::uint32_t bits) {
  if constexpr (kFamily == Family::kIpv4) {
    const auto host = bits & std::bit_cast<std::uint32_t>(host_mask_);
    return std::bit_cast<Ipv4Address>(std::bit_cast<std::uint32_t>(prefix_) | host);
  } else {
    using Words = std::array<std::uint64_t, 2>;
    const auto mask = std::bit_cast<Words>(host_mask_), fixed = std::bit_cast<Words>(prefix_);
    return std::bit_cast<Ipv6Address>(
        Words{fixed[0] | (random_() & mask[0]), fixed[1] | (random_() & mask[1])});
  }
}

/// Murmur3's finalizer: enough that one ISN tells nothing of the next.
template <Family kFamily>
std::uint32_t AttackFrames<kFamily>::isn(const Address<kFamily>& source, Port port) const {
  std::uint64_t mixed = isn_key_ ^ (std::uint64_t{std::bit_cast<std::uint16_t>(port)} << 40);
  if constexpr (kFamily == Family::kIpv4) {
    mixed ^= std::bit_cast<std::uint32_t>(source);
  } else {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(source);
    mixed ^= words[0] ^ std::rotl(words[1], 29);
  }
  mixed = (mixed ^ mixed >> 33) * 0xff51'afd7'ed55'8ccd;
  mixed = (mixed ^ mixed >> 33) * 0xc4ce'b9fe'1a85'ec53;
  return static_cast<std::uint32_t>(mixed >> 32);
}

template <Family kFamily>
bool AttackFrames<kFamily>::is_source(const Address<kFamily>& address) const {
  Address<kFamily> network = address;
  for (std::size_t i = 0; i < network.bytes.size(); ++i)
    network.bytes[i] &= static_cast<std::uint8_t>(~host_mask_.bytes[i]);
  return network == prefix_;
}

template <Family kFamily>
auto AttackFrames<kFamily>::replayed(std::span<std::byte, kAttackRoom> out) -> Made {
  const auto& frame = remembered_[random_() % remembered_.size()];
  std::ranges::copy(frame, out.begin());
  return {static_cast<std::uint16_t>(frame.size()), AttackKind::kReplay};
}

template <Family kFamily>
auto AttackFrames<kFamily>::next(std::span<std::byte, kAttackRoom> out) -> Made {
  const std::uint64_t bits = random_(), numbers = random_();
  const Template& from = templates_[picks_[bits % kPicks]];
  if (from.kind == AttackKind::kReplay && !remembered_.empty()) return replayed(out);
  std::byte* const at = out.data();
  std::memcpy(at, from.frame.data(), kAttackRoom);

  const auto source = random_source(static_cast<std::uint32_t>(numbers >> 32));
  const Port port{
      static_cast<std::uint16_t>(kFirstPort + ((bits >> 16 & 0xffff'ffff) * (65536 - kFirstPort) >> 32))};
  const auto drawn = static_cast<std::uint32_t>(numbers);
  const BigEndian32 seq{from.acks ? drawn : isn(source, port)};
  std::uint64_t sum = from.tcp_sum + sum_of(port.wire) + sum_of(seq);
  auto& ip = overlay<IpHeader<kFamily>>(at + sizeof(EthernetHeader));
  ip.source = source;
  if constexpr (kFamily == Family::kIpv4) {
    const std::uint64_t source_sum = std::bit_cast<std::uint32_t>(source);
    ip.checksum = finish(from.ip_sum + source_sum);
    sum += source_sum;
  } else {
    const auto words = std::bit_cast<std::array<std::uint32_t, 4>>(source);
    sum += std::uint64_t{words[0]} + words[1] + words[2] + words[3];
  }
  auto& tcp = overlay<TcpHeader>(at + kTcpOffset<kFamily>);
  tcp.src_port = port;
  tcp.seq = seq;
  if (from.acks) {
    tcp.ack = BigEndian32{static_cast<std::uint32_t>(bits >> 32) ^ std::rotl(drawn, 16)};
    sum += sum_of(tcp.ack);
  }
  if (from.tsval_at != 0) {
    const BigEndian32 tsval{drawn ^ 0x5851'f42d};
    put(at + from.tsval_at, tsval);
    sum += sum_at(from.tsval_at, tsval);
  }
  if (from.tsecr_at != 0) {
    const BigEndian32 tsecr{static_cast<std::uint32_t>(bits >> 24)};
    put(at + from.tsecr_at, tsecr);
    sum += sum_at(from.tsecr_at, tsecr);
  }
  tcp.checksum = finish(sum);
  return {from.bytes, from.kind};
}

template <Family kFamily>
void AttackFrames<kFamily>::remember(std::span<const std::byte> ack) {
  if (ack.size() > kAttackRoom) return;
  std::vector<std::byte> frame{ack.begin(), ack.end()};
  if (remembered_.size() < kRemembered) return remembered_.push_back(std::move(frame));
  remembered_[forget_next_++ % kRemembered] = std::move(frame);
}

AnyAttack make_attack(const Target& target, const SourcePrefix& sources, const Link& link, std::uint64_t seed,
                      const AttackMix& mix) {
  if (target.address().index() != sources.address().index())
    throw std::invalid_argument("the sources are of another family than the target " + target.text());
  if (target.address().index() == 0) return AttackFrames<Family::kIpv4>{target, sources, link, seed, mix};
  return AttackFrames<Family::kIpv6>{target, sources, link, seed, mix};
}

template class AttackFrames<Family::kIpv4>;
template class AttackFrames<Family::kIpv6>;

}  // namespace synward::load
