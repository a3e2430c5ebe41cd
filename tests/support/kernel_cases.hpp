// For tests of the kernels of each instruction set that this CPU has, beside the stages: the same verdicts,
// the same bytes, the same counters.
#pragma once

#include <string>
#include <vector>

#include "tests/support/kernel_isas.hpp"
#include "tests/support/lab_pair.hpp"

namespace synward::test {

struct KernelCase {
  simd::Isa isa;
  PipelineLab::Mode mode;
};
inline std::vector<KernelCase> kernel_cases() {
  std::vector<KernelCase> all;
  for (const simd::Isa isa : kernel_isas()) {
    for (const auto mode : {PipelineLab::Mode::kEndpoint, PipelineLab::Mode::kInline})
      all.push_back({isa, mode});
  }
  return all;
}
inline std::string name_of_case(const testing::TestParamInfo<KernelCase>& info) {
  return std::string{simd::name_of(info.param.isa)} +
         (info.param.mode == PipelineLab::Mode::kInline ? "_inline" : "_endpoint");
}

/// Runs one burst by both ways; fails at the first difference. Into `outcomes`, unless that is null, go those
/// of both.
inline void expect_same(LabPair& pair, const std::vector<Bytes>& frames, std::uint16_t port = 0,
                        std::vector<Outcome>* outcomes = nullptr) {
  ASSERT_EQ(pair.run(frames, port, outcomes), "");
  EXPECT_TRUE(std::ranges::all_of(simd::no_frame, [](std::byte b) { return b == std::byte{0}; }));
}

}  // namespace synward::test
