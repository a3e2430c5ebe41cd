// Mirrors control/kernels.hpp.
#include "control/kernels.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synward::control {
namespace {

using simd::Isa;

TEST(Kernels, AutoTakesTheWidestThatFits) {
  const std::vector<Isa> old{Isa::kScalar, Isa::kAvx2};
  EXPECT_EQ(choose_isa("auto", 512, old), Isa::kAvx2);
  EXPECT_EQ(choose_isa("auto", 64, old), Isa::kScalar);
  EXPECT_EQ(choose_isa("auto", 256, {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vl, Isa::kAvx512}),
            Isa::kAvx512Vl);
}

TEST(Kernels, ANameForcesItsOwnHoweverWide) {
  EXPECT_EQ(choose_isa("scalar", 512), Isa::kScalar);
  EXPECT_EQ(choose_isa("avx512", 128, {Isa::kScalar, Isa::kAvx512}), Isa::kAvx512);
}

TEST(Kernels, WhatTheCpuDoesNotHaveIsRefusedWithWhatItHas) {
  try {
    static_cast<void>(choose_isa("avx512", 512, {Isa::kScalar, Isa::kAvx2}));
    FAIL() << "this CPU has no AVX-512";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "--isa avx512: this CPU does not have it; it has scalar, avx2");
  }
}

TEST(Kernels, EveryNameCanBeChosen) {
  EXPECT_THAT(isa_choices(), testing::ElementsAre("auto", "scalar", "avx2", "avx512vl", "avx512"));
}

}  // namespace
}  // namespace synward::control
