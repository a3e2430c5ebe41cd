#include "bench/load/client_log.hpp"

#include <algorithm>
#include <cmath>

namespace synward::load {

std::uint32_t percentile(std::span<const std::uint32_t> values, double share) {
  if (values.empty()) return 0;
  std::vector<std::uint32_t> sorted{values.begin(), values.end()};
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  const auto at =
      sorted.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, sorted.size()) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

}  // namespace synward::load
