// The SYN cookie: a connection's whole state, in numbers that the client must send back.
//
//   ISN    31                    8  7  6         0      exclusive-or'ed into the low byte: the tag's top byte
//         +-----------------------+---+-----------+     (so the ISN looks random, and the parity can be read
//         |          tag          | p |  options  |     before any AES)
//         +-----------------------+---+-----------+
//     p = parity of the slot    options, 7 bits:  without timestamps  [6:4] MSS, [3:1] window scale, [0] SACK
//                                                 with timestamps     MSS, one of 128
//   TSval  31                         6  5     2    1      0      only if the client offered timestamps
//         +----------------------------+-------+------+-----+
//         |  offset + milliseconds     | scale | SACK | ECN |     the latest value that is not after the
//         clock
//         +----------------------------+-------+------+-----+     and has these low bits; scale 15: not
//         offered
//
//   o0 o1 o2 o3 = AES-128(K(slot, family), client address, service address, ports, client ISN)
//   tag         = upper 24 bits of o0 + o1 * (options in ISN) + o2 * (timestamps offered? 64 + TSval [5:0] :
//   0) offset      = o3
//
// IPv4's tuple is one block; IPv6's is three, by CBC-MAC. Words are little-endian.
//
// Threat model. The attacker sends SYNs and ACKs at line rate from any address and tuple, and sees only what
// is sent to addresses that are really its own. It knows everything here but the masters.
//
// * Guessing blind: a tag matches with 2^-24, whatever options are claimed; "timestamps offered" is under the
//   tag, but an ACK need not claim it, so tag bits in TSval would stop nobody. At 10 million forged ACKs per
//   second that is one bogus connection every 1.7 s. In the last 5 s of a slot, ACKs of the parity that leads
//   to two candidates match with 2^-23; an attacker who always picks that parity gains 8 % overall.
// * A guess is compared with the one tag of its own tuple, never with other guesses, so there is no birthday
//   bound: it costs about 2^24 tries per accepted slot (an even chance takes 11.6 million). After 2^12 tries
//   the chance is 2^-12, not one half.
// * Altering options: o0 + o1 * x + o2 * y, for x and y of 7 bits, over words of 32, cut to 24, is strongly
//   universal (multiply-add-shift: 7 + 24 - 1 <= 32). Who holds one cookie has the tag of other options under
//   the same tuple and ISN with exactly 2^-24. By asking again with other options a client can learn o0 to
//   o2, of this one tuple, ISN and slot: that lets it claim options which it could have asked for.
// * Replay: a cookie works again until it expires, 64 to 128 s after it was minted on one clock (a skew
//   of 5 s takes or adds as much). On a live connection the second ACK is ordinary traffic; after the close
//   the table's tombstone refuses it for as long as the cookie lives.
// * The client ISN is under the MAC, so a segment that starts behind lost bytes does not validate: only
//   seq = client ISN + 1 does, with data or without.
// * TSval above bit 5 is not under the MAC: a client that echoes something else shifts the timestamps that it
//   will itself receive, by at most two slots.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/cookie/slot_keys.hpp"
#include "dataplane/crypto/aes.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::cookie {

inline constexpr int kTagBits = 24;

/// What goes into the MAC: for IPv4 the bytes of the SYN from the source address to the sequence number, just
/// as they lie there when the header has no options; for IPv6 likewise, padded with zeros.
template <wire::Family kFamily>
using Message = std::conditional_t<kFamily == wire::Family::kIpv4, crypto::AesBlock, crypto::AesBlock3>;

/// Writes all of `message`. `client_isn`: the SYN's seq; the seq of the ACK, or of the first data, less one.
template <wire::Family kFamily>
void fill_message(Message<kFamily>& message, const wire::Address<kFamily>& client,
                  const wire::Address<kFamily>& service, wire::Port client_port, wire::Port service_port,
                  wire::SeqNum client_isn) {
  struct Fields {
    wire::Address<kFamily> client, service;
    wire::Port client_port, service_port;
    wire::BigEndian32 client_isn;
  };
  static_assert(sizeof(Fields) <= sizeof message && std::has_unique_object_representations_v<Fields>);
  const Fields fields{client, service, client_port, service_port, client_isn.wire()};
  std::memcpy(&message, &fields, sizeof fields);
  std::memset(reinterpret_cast<std::byte*>(&message) + sizeof fields, 0, sizeof message - sizeof fields);
}

struct Cookie {
  wire::SeqNum isn;
  std::uint32_t tsval;  ///< for the SYN-ACK's timestamps option; of no use when the client offered none
};

/// What a client that returned a cookie has proved: it received our SYN-ACK, and had asked for these options.
struct Admission {
  ClientOptions options;
  Slot slot;  ///< whose profile and key the SYN-ACK had
  /// With timestamps: this flow's TSval now. Later segments carry it plus the milliseconds passed since; the
  /// client never sees TSval go back (RFC 7323 5.3), also when a node whose clock is ahead minted the cookie.
  std::uint32_t tsval_now;
  std::uint32_t least_age_ms;  ///< the cookie was minted at least so long ago; exact to 64 ms with timestamps
};

/// An ACK that may carry a cookie. One with timestamps proves only a cookie that was minted with them, and
/// one without only one without: a path that strips the option from some segments breaks the handshake.
struct CookieAck {
  wire::SeqNum isn;                    ///< its ack, less one
  std::optional<std::uint32_t> tsecr;  ///< of its timestamps option, if it has one
};

namespace detail {

struct Mac {
  std::uint32_t o0, o1, o2, o3;
};
static_assert(std::endian::native == std::endian::little);

[[nodiscard]] constexpr std::uint32_t tag_of(const Mac& mac, OptionBits bits) {
  return (mac.o0 + mac.o1 * bits.isn + mac.o2 * bits.timestamp) >> (32 - kTagBits);
}

[[nodiscard]] constexpr wire::SeqNum compose_isn(const Mac& mac, OptionBits bits, Slot slot) {
  const std::uint32_t tag = tag_of(mac, bits);
  return wire::SeqNum{tag << 8 | ((slot.parity() << 7 | bits.isn) ^ tag >> 16)};
}

/// The low byte of a cookie, unmasked.
[[nodiscard]] constexpr std::uint32_t low_byte(wire::SeqNum isn) {
  return (isn.value() ^ isn.value() >> 24) & 0xff;
}

/// The latest TSval not after `clock` whose low bits are those of `bits`: so it never runs ahead of the
/// timestamps of the connection, and never goes back when a SYN is answered again.
[[nodiscard]] constexpr std::uint32_t compose_tsval(std::uint32_t clock, OptionBits bits) {
  return clock - ((clock - bits.timestamp) & kTsvalOptionMask);
}

[[nodiscard]] inline std::uint32_t flow_clock(const Mac& mac, std::uint64_t wall_ms) {
  return mac.o3 + static_cast<std::uint32_t>(wall_ms);
}

}  // namespace detail

/// The parity of the slot that minted `isn`, if it is a cookie: for SlotKeys::candidates(), before any AES.
[[nodiscard]] constexpr std::uint32_t slot_parity(wire::SeqNum isn) { return detail::low_byte(isn) >> 7; }

/// `mac`: the message's, under the key of `slot`. `wall_ms`: of which slot is the slot. The same SYN,
/// answered again in the same slot, gets the same ISN. Any thread.
template <wire::Family kFamily>
[[nodiscard]] inline Cookie make_cookie(const crypto::AesBlock& mac, const ClientOptions& offered, Slot slot,
                                        std::uint64_t wall_ms) {
  const auto words = std::bit_cast<detail::Mac>(mac);
  const OptionBits bits = encode_options<kFamily>(offered);
  return {.isn = detail::compose_isn(words, bits, slot),
          .tsval = detail::compose_tsval(detail::flow_clock(words, wall_ms), bits)};
}

/// Empty unless `ack` carries the cookie that this message has under the key of `slot`; one comparison of 32
/// bits decides, so its time tells nothing. `mac` as above. Any thread.
template <wire::Family kFamily>
[[nodiscard]] inline std::optional<Admission> check_cookie(const crypto::AesBlock& mac, const CookieAck& ack,
                                                           Slot slot, std::uint64_t wall_ms) {
  const auto words = std::bit_cast<detail::Mac>(mac);
  const OptionBits bits{.isn = detail::low_byte(ack.isn) & 0x7f,
                        .timestamp = ack.tsecr ? kTimestampsOffered | (*ack.tsecr & kTsvalOptionMask) : 0};
  if (detail::compose_isn(words, bits, slot) != ack.isn) return std::nullopt;
  std::uint32_t tsval_now = detail::flow_clock(words, wall_ms);
  const std::uint64_t slot_end_ms = (std::uint64_t{slot.number} + 1) * kSlotMs;
  auto least_age_ms = static_cast<std::uint32_t>(wall_ms > slot_end_ms ? wall_ms - slot_end_ms : 0);
  if (ack.tsecr) {
    const std::uint32_t age_ms = tsval_now - *ack.tsecr;  // and up to 63 more: the option bits
    if (age_ms <= 2 * kSlotMs) least_age_ms = age_ms > kTsvalOptionMask ? age_ms - kTsvalOptionMask : 0;
    // Minted on a clock ahead of ours, or before ours went back: go on from what the client has seen.
    if (0 - age_ms <= 2 * kSlotMs) tsval_now = *ack.tsecr;
  }
  return Admission{.options = decode_options<kFamily>(bits),
                   .slot = slot,
                   .tsval_now = tsval_now,
                   .least_age_ms = least_age_ms};
}

/// The MACs of `n` messages under the key of `slot`.
template <wire::Family kFamily>
inline void compute_macs(const SlotKeys& keys, Slot slot, const Message<kFamily>* messages,
                         crypto::AesBlock* macs, std::size_t n) {
  const crypto::AesKey& key = keys.key<kFamily>(slot);
  if constexpr (kFamily == wire::Family::kIpv4) {
    keys.aes().encrypt(key, messages, macs, n);
  } else {
    keys.aes().cbc_mac3(key, messages, macs, n);
  }
}

/// Cookies for `n` SYNs, of the current slot: cookies[i] answers the SYN of messages[i] and offered[i]. The
/// core that owns `keys`.
template <wire::Family kFamily>
void make_cookies(const SlotKeys& keys, const Message<kFamily>* messages, const ClientOptions* offered,
                  Cookie* cookies, std::size_t n);

/// Checks `n` ACKs, each under the one or two slots that its parity leads to: admissions[i] is empty unless
/// acks[i] carries the cookie of messages[i]. The core that owns `keys`.
template <wire::Family kFamily>
void check_cookies(const SlotKeys& keys, const Message<kFamily>* messages, const CookieAck* acks,
                   std::optional<Admission>* admissions, std::size_t n);

}  // namespace synward::cookie
