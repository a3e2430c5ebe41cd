// SYNs by the kernels of every instruction set that this CPU has, beside the stages: the same verdicts, the
// same bytes. The input is a burst: SYNs of the common layouts with any values, strange ones, and raw bytes;
// and what the services and the backends promise.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/lab_pair.hpp"

namespace synward::fuzz {
namespace {

using simd::Isa;
using test::Bytes;
using test::PipelineLab;

struct Promises {
  explicit Promises(Input& input)
      : profile{.mss = input.ConsumeIntegral<std::uint16_t>(),
                .window = input.ConsumeIntegral<std::uint16_t>(),
                .window_scale = input.ConsumeIntegralInRange<std::uint8_t>(0, 14),
                .sack = input.ConsumeBool(),
                .timestamps = input.ConsumeBool()},
        facts{.mss = profile.mss,
              .window = static_cast<std::uint16_t>(profile.window),
              .scaling = answer(input),
              .scale = profile.window_scale,
              .sack = answer(input),
              .timestamps = answer(input),
              .ecn = answer(input)} {}
  static proxy::Answer answer(Input& input) {
    return input.ConsumeBool() ? proxy::Answer::kAgreed : proxy::Answer::kDeclined;
  }
  service::Profile profile;
  proxy::SynAckFacts facts;
};

std::vector<Bytes> frames_of(Input& input) {
  test::SynMaker maker{
      [&input](std::uint32_t n) { return input.ConsumeIntegralInRange<std::uint32_t>(0, n - 1); }};
  std::vector<Bytes> frames;
  const auto count = input.ConsumeIntegralInRange<std::size_t>(1, kBurstMax);
  while (frames.size() < count) {
    if (input.remaining_bytes() == 0 && !frames.empty()) {
      frames.push_back(frames[frames.size() / 2]);  // full registers, also of short inputs
    } else {
      frames.push_back(input.one_in(16) ? input.some(128) : maker.syn());
    }
  }
  return frames;
}

void expect_same(Isa isa, PipelineLab::Mode mode, const Promises& promises, std::uint64_t now,
                 const std::vector<Bytes>& frames) {
  test::LabPair pair{isa, test::services_of_syn_maker(promises.profile), mode};
  pair.teach(promises.facts);
  pair.set_time(now);
  pair.let_none_pass();
  const auto differs = pair.run(frames);
  if (!differs.empty())
    std::fprintf(stderr, "by %s: %s\n", std::string{simd::name_of(isa)}.c_str(), differs.c_str());
  expect(differs.empty());
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synward;
  fuzz::Input input{data, size};
  const fuzz::Promises promises{input};
  const auto mode =
      input.ConsumeBool() ? test::PipelineLab::Mode::kInline : test::PipelineLab::Mode::kEndpoint;
  const std::uint64_t now = test::kStartMs + input.ConsumeIntegralInRange<std::uint32_t>(0, 200'000);
  const auto frames = fuzz::frames_of(input);
  for (const simd::Isa isa : simd::kAllIsas) {
    if (isa != simd::Isa::kScalar && simd::is_supported(isa))
      fuzz::expect_same(isa, mode, promises, now, frames);
  }
  return 0;
}
