// What a SYN-ACK promises, as the kernels have it (simd::SynBatch).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/proxy/profile_word.hpp"
#include "dataplane/service/service_table.hpp"
#include "dataplane/simd/kernels.hpp"

namespace synward {

/// What the built-in acceptor keeps. Never ECN: it does not echo congestion marks, and an ECE in the SYN-ACK
/// would promise that it does (RFC 3168 6.1.1).
[[nodiscard]] inline proxy::Promise promise_of_acceptor(const service::Profile& profile) {
  return {.mss = profile.mss,
          .window = static_cast<std::uint16_t>(std::min<std::uint32_t>(profile.window, 0xffff)),
          .window_scale = profile.window_scale,
          .sack = profile.sack,
          .timestamps = profile.timestamps,
          .ecn = false,
          .known = 0};
}

/// Which options a SYN-ACK has, if the SYN asks for them.
[[nodiscard]] inline std::uint8_t agreed_options(const proxy::Promise& promise) {
  using proxy::OptionSet;
  return static_cast<std::uint8_t>(
      (promise.window_scale ? OptionSet::kScale : 0) | (promise.sack ? OptionSet::kSack : 0) |
      (promise.timestamps ? OptionSet::kTimestamps : 0) | (promise.ecn ? OptionSet::kEcn : 0));
}

/// What a lane of simd::SynBatch has of a promise: 8 bytes.
struct PromiseWords {
  explicit PromiseWords(const proxy::Promise& promise)
      : promised{std::uint32_t{agreed_options(promise)} | std::uint32_t{promise.window_scale.value_or(0)}
                                                              << simd::SynTerms::kShiftBit},
        mss_and_window{std::bit_cast<std::uint32_t>(
            std::array{wire::BigEndian16{promise.mss}, wire::BigEndian16{promise.window}})} {}
  void put(simd::SynBatch& batch, std::size_t lane) const {
    batch.promised[lane] = promised;
    batch.mss_and_window[lane] = mss_and_window;
  }
  std::uint32_t promised, mss_and_window;
};
static_assert(simd::SynTerms::kScale == proxy::OptionSet::kScale &&
              simd::SynTerms::kSack == proxy::OptionSet::kSack &&
              simd::SynTerms::kTimestamps == proxy::OptionSet::kTimestamps &&
              simd::SynTerms::kEcn == proxy::OptionSet::kEcn);

}  // namespace synward
