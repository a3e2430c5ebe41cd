// Mirrors dataplane/simd/isa.hpp.
#include "dataplane/simd/isa.hpp"

#include <gtest/gtest.h>

#include "dataplane/simd/kernels.hpp"

namespace synward::simd {
namespace {

TEST(Isa, IsFoundByItsName) {
  for (const Isa isa : kAllIsas) EXPECT_EQ(isa_named(name_of(isa)), isa);
  EXPECT_EQ(isa_named("avx"), std::nullopt);
  EXPECT_EQ(isa_named(""), std::nullopt);
}

TEST(Isa, ScalarIsEverywhereAndFirst) { EXPECT_EQ(supported_isas().front(), Isa::kScalar); }

TEST(Isa, TheBestIsTheLastWhoseRegistersAreNotTooWide) {
  const std::vector<Isa> all(kAllIsas.begin(), kAllIsas.end());
  EXPECT_EQ(best_isa(512, all), Isa::kAvx512);
  EXPECT_EQ(best_isa(256, all), Isa::kAvx512Vl);
  EXPECT_EQ(best_isa(128, all), Isa::kScalar);
  EXPECT_EQ(best_isa(512, {Isa::kScalar, Isa::kAvx2}), Isa::kAvx2);
  EXPECT_EQ(best_isa(512, {Isa::kScalar}), Isa::kScalar);
}

TEST(Isa, EachHasItsOwnKernelsButScalar) {
  EXPECT_EQ(kernels_of(Isa::kScalar), nullptr);
  EXPECT_NE(kernels_of(Isa::kAvx2), kernels_of(Isa::kAvx512Vl));
  EXPECT_NE(kernels_of(Isa::kAvx512Vl), kernels_of(Isa::kAvx512));
}

}  // namespace
}  // namespace synward::simd
