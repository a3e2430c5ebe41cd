#include "config/drop_file.hpp"

#include <algorithm>
#include <string_view>

#include "config/text_file.hpp"
#include "config/values.hpp"

namespace synward::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMostErrors = 5;   // a file of something else would have one in each line
constexpr std::size_t kShownBytes = 60;  // of such a line

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
}

/// What stands in a line, fit for a terminal.
std::string shown(std::string_view text) {
  std::string printable;
  for (const char c : text.substr(0, kShownBytes)) printable += c >= ' ' && c <= '~' ? c : '?';
  return '"' + printable + (text.size() > kShownBytes ? "\"..." : "\"");
}

}  // namespace

DropFile read_drop_file(const std::string& path, std::size_t most) {
  const auto [all, error] = read_text_file(path);
  if (!error.empty()) return {{}, {error}};
  DropFile read;
  std::string_view left = all;
  if (left.starts_with(kByteOrderMark)) left.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    const std::string_view text = trimmed(line.substr(0, line.find_first_of(";#")));
    if (text.empty()) continue;
    const auto at = [&] { return path + ":" + std::to_string(number) + ": "; };
    const auto prefix = parse_prefix(std::string{text});
    if (!prefix) {
      read.errors.push_back(at() + shown(text) + ": allowed is " + kListed);
      if (read.errors.size() == kMostErrors) break;
    } else if (read.prefixes.size() == most) {
      read.errors.push_back(at() + "too many: allowed are " + std::to_string(kMostListed) + " in all files");
      break;
    } else {
      read.prefixes.push_back(*prefix);
    }
  }
  if (!read.errors.empty()) read.prefixes.clear();
  return read;
}

}  // namespace synward::config
