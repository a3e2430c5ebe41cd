#include "tests/impair/rule.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace synward::impair {
namespace {

constexpr std::uint64_t kMostHoldMs = 60'000;

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw std::invalid_argument("\"" + text + "\": " + why);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in{text + ":"};
  for (std::string word; std::getline(in, word, ':');) words.push_back(word);
  return words;
}

Kind kind_named(const std::string& text, std::string_view name) {
  const auto* row = std::ranges::find(kKinds, name, &Row<Kind>::label);
  if (row != kKinds.end()) return row->value;
  std::string known;
  for (const auto& kind : kKinds) known += (known.empty() ? "" : ", ") + std::string{kind.label};
  refuse(text, "no kind of segment is called \"" + std::string{name} + "\"; there are " + known);
}

std::uint64_t number(const std::string& text, std::string_view digits, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value == 0 || value > most)
    refuse(text, "\"" + std::string{digits} + "\" is not a number from 1 to " + std::to_string(most));
  return value;
}

}  // namespace

Rule parse_rule(Action action, const std::string& text) {
  const auto words = split(text);
  const bool delays = action == Action::kDelay;
  if (words.size() != (delays ? 4 : 3))
    refuse(text, delays ? "is not DIRECTION:KIND:N:MILLISECONDS" : "is not DIRECTION:KIND:N");
  if (words[0] != "ab" && words[0] != "ba") refuse(text, "the direction is ab or ba");
  Rule rule{.action = action,
            .direction = words[0] == "ab" ? Direction::kAToB : Direction::kBToA,
            .kind = kind_named(text, words[1]),
            .nth = number(text, words[2], UINT32_MAX)};
  if (delays) rule.hold = std::chrono::milliseconds{number(text, words[3], kMostHoldMs)};
  return rule;
}

}  // namespace synward::impair
