#include "config/drop_file.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "config/values.hpp"

namespace synward::config {
namespace {

constexpr std::uintmax_t kMostBytes = 256 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr const char* kUnreadable = ": cannot be read: it must be a file that this user may read";
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
  DropFile read;
  std::error_code error;
  std::ifstream file;
  if (std::filesystem::is_regular_file(path, error)) file.open(path, std::ios::binary);  // a pipe might block
  if (!file.is_open()) {
    read.errors.push_back(path + kUnreadable);
    return read;
  }
  if (std::filesystem::file_size(path, error) > kMostBytes) {
    read.errors.push_back(path + ": too long: allowed are " + std::to_string(kMostBytes >> 20) + " MiB");
    return read;
  }
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::string_view text = line;
    if (number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    text = trimmed(text.substr(0, text.find_first_of(";#")));
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
  if (file.bad()) read.errors.push_back(path + kUnreadable);
  if (!read.errors.empty()) read.prefixes.clear();
  return read;
}

}  // namespace synward::config
