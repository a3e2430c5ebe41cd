#include "config/text_file.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace synward::config {
namespace {

constexpr std::uintmax_t kMostBytes = 256 << 20;

}  // namespace

TextFile read_text_file(const std::string& path) {
  TextFile unreadable{{}, path + ": cannot be read: it must be a file that this user may read"};
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return unreadable;
  if (std::filesystem::file_size(path, error) > kMostBytes)
    return {{}, path + ": too long: allowed are " + std::to_string(kMostBytes >> 20) + " MiB"};
  std::ifstream file{path, std::ios::binary};
  if (!file.is_open()) return unreadable;
  std::ostringstream text;
  // operator<< calls it a failure when there is nothing to copy.
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (file.bad() || text.fail()) return unreadable;
  return {text.str(), {}};
}

}  // namespace synward::config
