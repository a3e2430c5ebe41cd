#include "bench/scale/memory.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace synward::bench {
namespace {

/// Of a line "name:   n kB" among those of `file`; 0 when there is none.
std::size_t kilobytes(std::istream& file, const std::string& name) {
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string word;
    std::size_t n = 0;
    if (words >> word && word == name && words >> n) return n;
  }
  return 0;
}

}  // namespace

std::optional<std::string> shortage(std::size_t bytes) {
  std::ifstream machine{"/proc/meminfo"};
  const std::size_t there = kilobytes(machine, "MemAvailable:") * 1024;
  if (bytes <= there) return std::nullopt;
  constexpr double kGibibyte = 1 << 30;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "needs %.1f GiB of memory, %.1f are free",
                static_cast<double>(bytes) / kGibibyte, static_cast<double>(there) / kGibibyte);
  return text.data();
}

double part_in_large_pages(const void* at) {
  std::ifstream maps{"/proc/self/smaps"};
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words{line};
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    if (!(words >> std::hex >> begin >> dash >> end) || dash != '-') continue;
    const auto address = reinterpret_cast<std::uintptr_t>(at);
    if (address < begin || address >= end) continue;
    const std::size_t resident = kilobytes(maps, "Rss:");
    return resident == 0
               ? 0
               : static_cast<double>(kilobytes(maps, "AnonHugePages:")) / static_cast<double>(resident);
  }
  return 0;
}

}  // namespace synward::bench
