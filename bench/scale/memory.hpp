// What the kernel says about memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace synward::bench {

/// Nothing when `bytes` more can be touched without the kernel ending somebody for it; otherwise what is
/// missing, in one line.
[[nodiscard]] std::optional<std::string> shortage(std::size_t bytes);

/// What part of the memory around `at` lies in large pages, 0 to 1; it must have been touched. Neighbouring
/// maps of one kind count as one.
[[nodiscard]] double part_in_large_pages(const void* at);

}  // namespace synward::bench
