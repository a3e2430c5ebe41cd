// Segments of connections, of none, and with cookies of every kind, by the kernels of every instruction set
// that this CPU has, beside the stages: the same verdicts, the same bytes. The input is some bursts, raw
// bytes among them, and the time between them.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/lab_pair.hpp"
#include "tests/support/segment_maker.hpp"

namespace synward::fuzz {
namespace {

using test::Bytes;
using test::PipelineLab;

std::vector<test::Outcome> expect_same(test::LabPair& pair, const std::vector<Bytes>& frames,
                                       std::uint16_t port = 0) {
  std::vector<test::Outcome> outcomes;
  const auto differs = pair.run(frames, port, &outcomes);
  if (!differs.empty()) std::fprintf(stderr, "%s\n", differs.c_str());
  expect(differs.empty());
  return outcomes;
}

std::vector<PipelineLab::Sent> expect_same_sent(test::LabPair& pair) {
  auto sent = pair.take_sent();
  expect(sent.has_value());
  return *std::move(sent);
}

void run(Input& input, simd::Isa isa, PipelineLab::Mode mode) {
  test::LabPair pair{isa, PipelineLab::default_services(), mode};
  std::uint64_t now = test::kStartMs;
  const auto wait = [&] {
    now += input.ConsumeIntegralInRange<std::uint32_t>(0, 60'000);
    pair.set_time(now);
  };
  wait();
  pair.let_none_pass();
  test::SegmentMaker maker{
      [&input](std::uint32_t n) { return input.ConsumeIntegralInRange<std::uint32_t>(0, n - 1); }};
  maker.learn(expect_same(pair, maker.syns()));
  for (int bursts = 0; bursts < 4 && input.remaining_bytes() != 0; ++bursts) {
    std::vector<Bytes> frames;
    const auto count = input.ConsumeIntegralInRange<std::size_t>(1, kBurstMax);
    while (frames.size() < count) frames.push_back(input.one_in(32) ? input.some(128) : maker.segment());
    expect_same(pair, frames);
    for (auto answers = test::syn_acks_to(expect_same_sent(pair)); !answers.empty();
         answers = test::syn_acks_to(expect_same_sent(pair))) {
      answers.resize(std::min(answers.size(), kBurstMax));
      expect_same(pair, answers, PipelineLab::kInside);
    }
    if (mode == PipelineLab::Mode::kInline) {
      frames.clear();
      while (frames.size() < count) frames.push_back(input.one_in(32) ? input.some(128) : maker.answer());
      expect_same(pair, frames, PipelineLab::kInside);
    }
    if (input.one_in(4)) wait();
  }
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synward;
  fuzz::Input input{data, size};
  const auto mode =
      input.ConsumeBool() ? test::PipelineLab::Mode::kInline : test::PipelineLab::Mode::kEndpoint;
  const auto isa = simd::kAllIsas[input.ConsumeIntegralInRange<std::size_t>(0, simd::kAllIsas.size() - 1)];
  if (isa != simd::Isa::kScalar && simd::is_supported(isa)) fuzz::run(input, isa, mode);
  return 0;
}
