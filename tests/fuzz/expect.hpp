// What a fuzz target says when an invariant does not hold: a crash, so that libFuzzer keeps the input.
#pragma once

#include <cstdlib>

namespace synward::fuzz {

inline void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace synward::fuzz
