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

template <wire::Family kFamily>
void check_chunk(const SlotKeys& keys, const Message<kFamily>* messages, const CookieAck* acks,
                 std::optional<Admission>* admissions, std::size_t n) {
  std::fill_n(admissions, n, std::nullopt);
  // One AES call per slot that any ACK leads to: two, as a rule.
  for (const Slot slot : {keys.current(), keys.current().previous(), keys.current().next()}) {
    std::array<Message<kFamily>, kChunk> chosen;
    std::array<std::uint8_t, kChunk> index;
    std::array<crypto::AesBlock, kChunk> macs;
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const SlotCandidates candidates = keys.candidates(slot_parity(acks[i].isn));
      if (std::find(candidates.begin(), candidates.end(), slot) == candidates.end()) continue;
      index[count] = static_cast<std::uint8_t>(i);
      chosen[count++] = messages[i];
    }
    compute_macs<kFamily>(keys, slot, chosen.data(), macs.data(), count);
    for (std::size_t c = 0; c < count; ++c) {
      const std::size_t i = index[c];
      if (!admissions[i]) admissions[i] = check_cookie<kFamily>(macs[c], acks[i], slot, keys.wall_ms());
    }
  }
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
