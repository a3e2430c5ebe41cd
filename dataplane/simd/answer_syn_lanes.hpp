// The SYN-ACKs to lanes that match() has recognised, cookies and all.
#pragma once

#include <utility>

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/simd/group_lanes.hpp"

namespace synward::simd {
namespace {

// ---- cookies: cookie/cookie.hpp and cookie/option_tables.hpp ----

/// FineMss::index().
[[gnu::always_inline]] inline V fine_mss_index(V mss) {
  using Fine = cookie::FineMss;
  // A division by kHighStep, exact as far as it goes: 13982 / 2^22 is a little more than 1 / 300.
  constexpr std::uint32_t kSteps = Fine::kCount - 1 - Fine::kHighIndex, kMultiplier = 13982, kShift = 22;
  static_assert([] {
    for (std::uint32_t over = 0; over < (kSteps + 1) * Fine::kHighStep; ++over) {
      if (over * kMultiplier >> kShift != over / Fine::kHighStep) return false;
    }
    return true;
  }());
  static_assert(Fine::kLowStep == 32 && Fine::kMiddleStep == 4 && Fine::kLow == cookie::kLeastMss);
  constexpr std::uint32_t kMost = Fine::kHigh + kSteps * Fine::kHighStep;
  const V low = (mss - Fine::kLow) >> 5;
  const V middle = ((mss - Fine::kMiddle) >> 2) + Fine::kMiddleIndex;
  const V least = mss < kMost ? mss : all(kMost);
  const V high = ((least - Fine::kHigh) * kMultiplier >> kShift) + Fine::kHighIndex;
  return mss < Fine::kMiddle ? low : mss < Fine::kHigh ? middle : high;
}

template <const auto& kTable, std::size_t kIndex>
constexpr std::uint32_t kStep = kTable[kIndex];
template <const auto& kTable, std::size_t... kIndices>
[[gnu::always_inline]] inline V steps(V value, std::index_sequence<kIndices...>) {
  V index{};
  ((index -= reinterpret_cast<V>(value >= kStep<kTable, kIndices + 1>)), ...);
  return index;
}
/// How many of kTable's entries behind the first are not above `value`: the index of a step function.
template <const auto& kTable>
[[gnu::always_inline]] inline V steps(V value) {
  return steps<kTable>(value, std::make_index_sequence<7>{});
}

struct CookieWords {
  V isn, tsval;
};
/// `mac`: o0 to o3. `granted` has ecn only beside timestamps.
template <Family kFamily>
[[gnu::always_inline]] inline CookieWords make_cookies(const Words& mac, V offered, V granted,
                                                       const SynMint& mint) {
  const V mss = offered >> SynTerms::kMssBit;
  const Mask scaled = (granted & SynTerms::kScale) != 0;
  const V shift = scaled ? offered >> SynTerms::kShiftBit & 15 : all(cookie::WindowScaleBits::kNone);
  const Mask stamped = (granted & SynTerms::kTimestamps) != 0;
  const V sack = granted >> 1 & 1;
  static_assert(SynTerms::kSack == 2 && SynTerms::kEcn == 8);
  V isn_bits = fine_mss_index(mss);
  if (zero_lanes(granted & SynTerms::kTimestamps) != 0) {
    const V coarse_shift = scaled ? steps<cookie::WindowScaleBits::kCoarse>(shift) : V{};
    const V coarse = steps<cookie::CoarseMss<kFamily>::kTable>(mss) << 4 | coarse_shift << 1 | sack;
    isn_bits = stamped ? isn_bits : coarse;
  }
  const V stamp_bits =
      (cookie::kTimestampsOffered | shift << 2 | sack << 1 | granted >> 3) & reinterpret_cast<V>(stamped);
  const V tag = (mac.word[0] + mac.word[1] * isn_bits + mac.word[2] * stamp_bits) >> 8;
  const V clock = mac.word[3] + mint.wall_ms;
  return {.isn = tag << 8 | ((isn_bits | mint.slot_parity << 7) ^ tag >> 16),
          .tsval = clock - ((clock - stamp_bits) & cookie::kTsvalOptionMask)};
}

// ---- answers ----

/// From the TCP header's fourth word on, its checksum left out.
struct Answer {
  V seq, ack, offset_flags_window;
  V option[5];  ///< zero behind the end
  V bytes;      ///< of header and options
  V sum;        ///< of all these words
};
template <Family kFamily>
[[gnu::always_inline]] inline Answer make_answer(const SynBatch& batch, std::size_t at, const Words& mac,
                                                 V isn_wire, const SynMint& mint) {
  const V offered = load(batch.offered + at), promised = load(batch.promised + at);
  const V both = offered & promised & 0xf;
  const V granted = both & (~V{} ^ (~both & SynTerms::kTimestamps) << 1);  // ECN only beside timestamps
  const CookieWords cookie = make_cookies<kFamily>(mac, offered, granted, mint);
  const Mask scaled = (granted & SynTerms::kScale) != 0, sack = (granted & SynTerms::kSack) != 0,
             stamped = (granted & SynTerms::kTimestamps) != 0;
  const V sizes = load(batch.mss_and_window + at);
  const V scale = flags_if(scaled, 0x0003'0301) | (promised >> SynTerms::kShiftBit & flags_if(scaled, 15))
                                                      << 24;
  const V stamped_bits = reinterpret_cast<V>(stamped);
  Answer answer;
  answer.option[0] = sizes << 16 | 0x0402;
  answer.option[1] = stamped ? (sack ? all(0x0a08'0204) : all(0x0a08'0101)) : sack ? all(0x0204'0101) : scale;
  answer.option[2] = stamped ? swapped_bytes(cookie.tsval) : scale & reinterpret_cast<V>(sack);
  answer.option[3] = load(batch.tsval + at) & stamped_bits;
  answer.option[4] = scale & stamped_bits;
  answer.bytes =
      24 + (granted & SynTerms::kScale) * 4 + (stamped ? all(12) : (granted & SynTerms::kSack) << 1);
  const V ece = (granted & SynTerms::kEcn) << 11;  // 0x40 in the second byte
  answer.offset_flags_window = answer.bytes << 2 | ece | 0x1200 | (sizes & 0xffff'0000);
  answer.seq = swapped_bytes(cookie.isn);
  answer.ack = swapped_bytes(swapped_bytes(isn_wire) + 1);
  Sum sum;
  for (const V word : {answer.seq, answer.ack, answer.offset_flags_window, answer.option[0], answer.option[1],
                       answer.option[2], answer.option[3], answer.option[4]})
    sum.add(word);
  answer.sum =
      sum.halves() + 0x0600 + (answer.bytes << 8);  // and of what the pseudo-header adds to addresses
  return answer;
}

[[gnu::always_inline]] inline V checksum(V sum) { return folded(sum) ^ 0xffff; }

template <Family kFamily>
void answer_place(const Frames& frames, const Place& place, const SynBatch& batch, const SynMint& mint);

template <>
[[gnu::always_inline]] inline void answer_place<Family::kIpv4>(const Frames& frames, const Place& place,
                                                               const SynBatch& batch, const SynMint& mint) {
  Chunks tuple = load_chunks(place, 12);  // the cookie's message
  const Words question = transposed(tuple.quarter);
  encrypt(mint.key, tuple.quarter);
  const Answer answer =
      make_answer<Family::kIpv4>(batch, place.at, transposed(tuple.quarter), question.word[3], mint);
  const V client = question.word[0], service = question.word[1];
  const V ports = question.word[2] >> 16 | question.word[2] << 16;
  Sum sum;
  sum.add(client);
  sum.add(service);
  const V addresses = sum.halves();
  Sum port_sum;
  port_sum.add(ports);
  const V total_bytes = answer.bytes + 20;
  constexpr std::uint32_t kAtomic = 0x0040'0000, kTtlAndProtocol = 0x0640;
  const V ip_sum = addresses + (total_bytes << 8) + (0x45 + (kAtomic >> 16) + kTtlAndProtocol);
  swap_macs(place);
  store_words(place, 0, total_bytes << 24 | 0x45, all(kAtomic), checksum(ip_sum) << 16 | kTtlAndProtocol,
              service);
  store_words(place, 16, client, ports, answer.seq, answer.ack);
  store_words(place, 32, answer.offset_flags_window, checksum(answer.sum + addresses + port_sum.halves()),
              answer.option[0], answer.option[1]);
  store_words(place, 48, answer.option[2], answer.option[3], answer.option[4], V{});
  store_narrow(frames.frame_bytes + place.at, place.lanes,
               total_bytes + static_cast<std::uint32_t>(place.network));
}

template <>
[[gnu::always_inline]] inline void answer_place<Family::kIpv6>(const Frames& frames, const Place& place,
                                                               const SynBatch& batch, const SynMint& mint) {
  const Chunks client = load_chunks(place, 8), service = load_chunks(place, 24);
  const Chunks tcp = load_chunks(place, 40);
  const Words question = transposed(tcp.quarter);  // ports, seq, and what nobody needs
  V mac[4];
  for (std::size_t q = 0; q < 4; ++q) mac[q] = client.quarter[q];
  encrypt(mint.key, mac);
  for (std::size_t q = 0; q < 4; ++q) mac[q] ^= service.quarter[q];
  encrypt(mint.key, mac);
  for (std::size_t q = 0; q < 4; ++q) mac[q] ^= interleave_low64(tcp.quarter[q], V{});
  encrypt(mint.key, mac);
  const Answer answer = make_answer<Family::kIpv6>(batch, place.at, transposed(mac), question.word[1], mint);
  const V ports = question.word[0] >> 16 | question.word[0] << 16;
  Sum port_sum;
  port_sum.add(ports);
  const V sum = answer.sum + port_sum.halves() + sum_of_addresses(client, service);
  swap_macs(place);
  store_word_pair(place, 0, all(0x60), answer.bytes << 8 | 0x4006'0000);
  store_chunks(place, 8, service.quarter);
  store_chunks(place, 24, client.quarter);
  store_words(place, 40, ports, answer.seq, answer.ack, answer.offset_flags_window);
  store_words(place, 56, checksum(sum), answer.option[0], answer.option[1], answer.option[2]);
  store_word_pair(place, 72, answer.option[3], answer.option[4]);
  store_narrow(frames.frame_bytes + place.at, place.lanes,
               answer.bytes + (40 + static_cast<std::uint32_t>(place.network)));
}

/// In some lanes of a register. Answers are written in whole registers and without a branch: those of the
/// other lanes to nowhere. (Apart, for under a flood all registers are full.)
template <Family kFamily>
[[gnu::noinline]] void answer_some(const Frames& frames, const Place& place, const SynBatch& batch,
                                   const SynMint& mint) {
  alignas(64) std::byte nowhere[128];
  static_assert(sizeof nowhere >= 22 + kMostWritten<Family::kIpv6>);
  std::byte* chosen[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i)
    chosen[i] = (place.lanes >> i & 1) != 0 ? place.frames[i] : nowhere;
  answer_place<kFamily>(frames, {chosen, place.network, place.at, place.lanes}, batch, mint);
}

template <Family kFamily>
[[gnu::always_inline]] inline void answer_near(const Frames& frames, std::size_t network, LaneBits alive,
                                               const SynBatch& batch, const SynMint& mint) {
  for_each_place(frames, network, alive, [&](const Place& place) {
    if (place.lanes == kAllLanes) {
      answer_place<kFamily>(frames, place, batch, mint);
    } else {
      answer_some<kFamily>(frames, place, batch, mint);
    }
  });
}

template <Family kFamily>
[[gnu::noinline]] void answer_grouped(const Frames& frames, std::size_t network, LaneBits alive,
                                      const SynBatch& batch, const SynMint& mint) {
  Group group{frames, alive};
  SynBatch grouped;
  group.gather(batch.offered, grouped.offered);
  group.gather(batch.tsval, grouped.tsval);
  group.gather(batch.promised, grouped.promised);
  group.gather(batch.mss_and_window, grouped.mss_and_window);
  answer_near<kFamily>(group.frames, network, group.all(), grouped, mint);
  group.scatter(group.all(), group.frame_bytes, frames.frame_bytes);
}

template <Family kFamily>
void answer(const Frames& frames, std::size_t network, LaneBits alive, const SynBatch& batch,
            const SynMint& mint) {
  if (are_far_apart(frames, alive)) return answer_grouped<kFamily>(frames, network, alive, batch, mint);
  answer_near<kFamily>(frames, network, alive, batch, mint);
}

}  // namespace
}  // namespace synward::simd
