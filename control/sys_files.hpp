// What the kernel tells in files of /sys and /proc. Nothing of it need be there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace synward::control {

/// Empty when there is none.
[[nodiscard]] std::string first_line(const std::filesystem::path& file);
/// The number with which it begins.
[[nodiscard]] std::optional<std::size_t> number_in(const std::filesystem::path& file);
/// What stands behind `key` in its line of `file`: "CapEff:", "MemAvailable:".
[[nodiscard]] std::string value_of(const std::filesystem::path& file, const std::string& key);
/// Sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder);
/// The last name of what `link` leads to.
[[nodiscard]] std::string target(const std::filesystem::path& link);

}  // namespace synward::control
