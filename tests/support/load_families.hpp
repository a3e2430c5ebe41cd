// Times of day and the two families, for typed tests of what synward-load plays.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>

#include "dataplane/wire/net_types.hpp"

namespace synward::load {

inline constexpr std::uint64_t kBegin = 50'000'000, kMillisecond = 1'000, kSecond = 1'000'000;

template <wire::Family kFamilyOf>
struct Of {
  static constexpr wire::Family kFamily = kFamilyOf;
};
using Families = testing::Types<Of<wire::Family::kIpv4>, Of<wire::Family::kIpv6>>;

}  // namespace synward::load
