// Segments go to the core that owns their flow; SYNs are answered where they land.
#include <random>

#include <gtest/gtest.h>

#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

TEST(Steer, HandsOverWhatAnotherCoreOwnsAndOnlyOnce) {
  std::mt19937 random{7};
  Steering::Seed seed;
  for (auto& byte : seed) byte = static_cast<std::uint8_t>(random());
  const Steering steering{seed, 2};
  PipelineLab lab;
  lab.core.steering = &steering;
  int handed_over = 0;
  for (std::uint16_t port = 40000; port < 40064; ++port) {
    const auto owner =
        steering.owner<wire::Family::kIpv4>(kClient4, kService4, wire::Port{port}, wire::Port{kServicePort});
    const auto ack =
        FrameBuilder{}.ipv4(kClient4, kService4).tcp(port, kServicePort, wire::TcpFlags::kAck).build();
    EXPECT_EQ(lab.run(ack).verdict, owner == 0 ? Route::kDrop : Route::kHandOver);
    EXPECT_EQ(lab.run({ack}, true).front().verdict, Route::kDrop);  // already handed over: decided here
    const auto syn =
        FrameBuilder{}.ipv4(kClient4, kService4).tcp(port, kServicePort, wire::TcpFlags::kSyn).build();
    EXPECT_EQ(lab.run(syn).verdict, Route::kSend);
    handed_over += owner;
  }
  EXPECT_GT(handed_over, 16);
  EXPECT_LT(handed_over, 48);
}

}  // namespace
}  // namespace synward::test
