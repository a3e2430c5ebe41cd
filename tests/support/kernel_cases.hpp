// For tests of the kernels of each instruction set that this CPU has, beside the stages: the same verdicts,
// the same bytes, the same counters.
#pragma once

#include <string>
#include <vector>

#include "tests/support/syn_maker.hpp"

namespace synward::test {

struct KernelCase {
  simd::Isa isa;
  PipelineLab::Mode mode;
};
inline std::vector<KernelCase> kernel_cases() {
  std::vector<KernelCase> all;
  for (const simd::Isa isa : simd::kAllIsas) {
    if (isa == simd::Isa::kScalar || !simd::is_supported(isa)) continue;
    for (const auto mode : {PipelineLab::Mode::kEndpoint, PipelineLab::Mode::kInline})
      all.push_back({isa, mode});
  }
  return all;
}
inline std::string name_of_case(const testing::TestParamInfo<KernelCase>& info) {
  return std::string{simd::name_of(info.param.isa)} +
         (info.param.mode == PipelineLab::Mode::kInline ? "_inline" : "_endpoint");
}

inline std::string hex(const Bytes& frame) {
  std::string text;
  for (const std::byte byte : frame) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

/// Runs one burst by both ways; fails at the first difference. Into `outcomes`, unless that is null, go those
/// of both.
inline void expect_same(LabPair& pair, const std::vector<Bytes>& frames, std::uint16_t port = 0,
                        std::vector<Outcome>* outcomes = nullptr) {
  auto got = pair.fast.run(frames, false, port);
  const auto wanted = pair.reference.run(frames, false, port);
  for (std::size_t i = 0; i < frames.size(); ++i)
    ASSERT_EQ(difference(got[i], wanted[i]), "")
        << "lane " << i << " of " << frames.size() << ": " << hex(frames[i]);
  ASSERT_EQ(difference(read(pair.fast.core.counters), read(pair.reference.core.counters)), "");
  EXPECT_TRUE(std::ranges::all_of(simd::no_frame, [](std::byte b) { return b == std::byte{0}; }));
  if (outcomes != nullptr) *outcomes = std::move(got);
}

}  // namespace synward::test
