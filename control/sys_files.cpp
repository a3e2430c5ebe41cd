#include "control/sys_files.hpp"

#include <algorithm>
#include <fstream>

namespace synward::control {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<std::size_t> number_in(const fs::path& file) {
  std::ifstream in{file};
  std::size_t number = 0;
  if (in >> number) return number;
  return {};
}

std::string value_of(const fs::path& file, const std::string& key) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto begin = line.find_first_not_of(" \t", key.size());
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder, error}) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string target(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename();
}

}  // namespace synward::control
