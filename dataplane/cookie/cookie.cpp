#include "dataplane/cookie/cookie.hpp"

#include <algorithm>

namespace synward::cookie {
namespace {

constexpr std::size_t kChunk = 64;  // a burst; longer batches go in several

template <wire::Family kFamily>
void make_chunk(const SlotKeys& keys, const Message<kFamily>* messages, const ClientOptions* offered,
                Cookie* cookies, std::size_t n) {
  std::array<crypto::AesBlock, kChunk> macs;
  compute_macs<kFamily>(keys, keys.current(), messages, macs.data(), n);
  for (std::size_t i = 0; i < n; ++i)
    cookies[i] = make_cookie<kFamily>(macs[i], offered[i], keys.current(), keys.wall_ms());
}

/// Numbers of a chunk's ACKs.
struct Indices {
  std::array<std::uint8_t, kChunk> of;
  std::size_t count = 0;
};

/// Checks those of `tried` that have not been admitted under the key of `slot`.
template <wire::Family kFamily>
void check_slot(const SlotKeys& keys, Slot slot, const Indices& tried, const Message<kFamily>* messages,
                const CookieAck* acks, std::optional<Admission>* admissions) {
  std::array<Message<kFamily>, kChunk> chosen;
  std::array<crypto::AesBlock, kChunk> macs;
  for (std::size_t t = 0; t < tried.count; ++t) chosen[t] = messages[tried.of[t]];
  compute_macs<kFamily>(keys, slot, chosen.data(), macs.data(), tried.count);
  for (std::size_t t = 0; t < tried.count; ++t) {
    const std::size_t i = tried.of[t];
    if (!admissions[i]) admissions[i] = check_cookie<kFamily>(macs[t], acks[i], slot, keys.wall_ms());
  }
}

template <wire::Family kFamily>
void check_chunk(const SlotKeys& keys, const Message<kFamily>* messages, const CookieAck* acks,
                 std::optional<Admission>* admissions, std::size_t n) {
  // Sorted without a branch: the parities of strangers are random, and half of the guesses would be wrong.
  std::array<Indices, 2> of_parity;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t parity = slot_parity(acks[i].isn);
    for (const std::uint32_t p : {0u, 1u}) {
      of_parity[p].of[of_parity[p].count] = static_cast<std::uint8_t>(i);
      of_parity[p].count += p == parity ? 1 : 0;
    }
    admissions[i].reset();
  }
  for (const std::uint32_t parity : {0u, 1u})
    for (const Slot slot : keys.candidates(parity))
      check_slot<kFamily>(keys, slot, of_parity[parity], messages, acks, admissions);
}

}  // namespace

template <wire::Family kFamily>
void make_cookies(const SlotKeys& keys, const Message<kFamily>* messages, const ClientOptions* offered,
                  Cookie* cookies, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kChunk)
    make_chunk<kFamily>(keys, messages + i, offered + i, cookies + i, std::min(n - i, kChunk));
}

template <wire::Family kFamily>
void check_cookies(const SlotKeys& keys, const Message<kFamily>* messages, const CookieAck* acks,
                   std::optional<Admission>* admissions, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kChunk)
    check_chunk<kFamily>(keys, messages + i, acks + i, admissions + i, std::min(n - i, kChunk));
}

template void make_cookies<wire::Family::kIpv4>(const SlotKeys&, const Message<wire::Family::kIpv4>*,
                                                const ClientOptions*, Cookie*, std::size_t);
template void make_cookies<wire::Family::kIpv6>(const SlotKeys&, const Message<wire::Family::kIpv6>*,
                                                const ClientOptions*, Cookie*, std::size_t);
template void check_cookies<wire::Family::kIpv4>(const SlotKeys&, const Message<wire::Family::kIpv4>*,
                                                 const CookieAck*, std::optional<Admission>*, std::size_t);
template void check_cookies<wire::Family::kIpv6>(const SlotKeys&, const Message<wire::Family::kIpv6>*,
                                                 const CookieAck*, std::optional<Admission>*, std::size_t);

}  // namespace synward::cookie
