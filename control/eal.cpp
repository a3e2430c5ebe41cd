#include "control/eal.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_timer.h>

#include "control/sys_files.hpp"

namespace synward::control {

bool sets(const std::vector<std::string>& extra, const std::vector<std::string>& options) {
  return std::any_of(extra.begin(), extra.end(), [&](const std::string& word) {
    return std::any_of(options.begin(), options.end(), [&](const std::string& option) {
      const bool is_long = option.starts_with("--");
      return word == option || word.starts_with(is_long ? option + "=" : option);
    });
  });
}

bool sets_lcores(const std::vector<std::string>& extra) { return sets(extra, {"--lcores", "-l", "-c"}); }

std::vector<HugePages> huge_pages(int node, const std::filesystem::path& root) {
  constexpr std::string_view kSize = "hugepages-";  // and so many kB
  const auto folder = node < 0
                          ? root / "sys/kernel/mm/hugepages"
                          : root / "sys/devices/system/node" / ("node" + std::to_string(node)) / "hugepages";
  std::vector<HugePages> sizes;
  for (const auto& name : names_in(folder)) {
    if (!name.starts_with(kSize)) continue;
    sizes.push_back({.page_bytes = 1024 * std::strtoul(name.c_str() + kSize.size(), nullptr, 10),
                     .reserved = number_in(folder / name / "nr_hugepages").value_or(0),
                     .free = number_in(folder / name / "free_hugepages").value_or(0),
                     .folder = folder / name});
  }
  std::ranges::sort(sizes, {}, &HugePages::page_bytes);
  return sizes;
}

std::size_t free_huge_page_bytes(int node, const std::filesystem::path& root) {
  std::size_t bytes = 0;
  for (const HugePages& size : huge_pages(node, root)) bytes += size.free * size.page_bytes;
  return bytes;
}

Eal::Eal(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  std::vector<char*> pointers;
  pointers.reserve(words.size());
  for (auto& word : words) pointers.push_back(word.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    throw std::runtime_error(
        "DPDK does not start (" + std::string{rte_strerror(rte_errno)} +
        "): the EAL lines above say why; its arguments are those behind --, and what the config asks for");
  }
  rte_timer_subsystem_init();  // some driver may have done so already
}

Eal::~Eal() { rte_eal_cleanup(); }

void check_lcores(const std::vector<std::uint16_t>& lcores) {
  for (const auto lcore : lcores) {
    if (rte_lcore_is_enabled(lcore) == 0 || lcore == rte_get_main_lcore()) {
      throw std::runtime_error("workers.lcores names lcore " + std::to_string(lcore) +
                               ", which EAL does not have as a worker: check --lcores behind --");
    }
  }
}

QuietDrivers::QuietDrivers(bool quiet) : before_{rte_log_get_global_level()} {
  if (quiet) rte_log_set_global_level(RTE_LOG_CRIT);
}

QuietDrivers::~QuietDrivers() { rte_log_set_global_level(before_); }

}  // namespace synward::control
