// What somebody meant who wrote a word that nobody knows.
#pragma once

#include <string_view>
#include <vector>

namespace synward::config {

/// Of `known`, of which there is at least one, the word with the fewest letters changed, added or taken away
/// (Levenshtein).
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace synward::config
