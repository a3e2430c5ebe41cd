// The fuzzer's bytes, as what a program decides by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fuzzer/FuzzedDataProvider.h>

#include "tests/support/bytes.hpp"

namespace synward::fuzz {

class Input : public FuzzedDataProvider {
 public:
  using FuzzedDataProvider::FuzzedDataProvider;

  /// Zeros, which follow where the input ends, say no.
  bool one_in(std::uint8_t n) { return ConsumeIntegralInRange<std::uint8_t>(0, n - 1) == n - 1; }
  test::Bytes some(std::size_t most) {
    return ConsumeBytes<std::byte>(ConsumeIntegralInRange<std::size_t>(0, most));
  }
  /// To be added to a number, in front of it or behind.
  std::uint32_t near() { return static_cast<std::uint32_t>(ConsumeIntegral<std::int8_t>()); }
  void spoil(test::Bytes& frame) {
    if (frame.empty()) return;
    const auto at = ConsumeIntegralInRange<std::size_t>(0, frame.size() - 1);
    if (ConsumeBool()) return frame.resize(at);
    frame[at] ^= std::byte{ConsumeIntegral<std::uint8_t>()};
  }
};

}  // namespace synward::fuzz
