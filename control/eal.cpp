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

#include "control/memory_plan.hpp"
#include "control/ports.hpp"
#include "control/processors.hpp"
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

std::vector<std::string> eal_arguments(const config::Config& config, const std::vector<std::string>& extra,
                                       bool huge_pages) {
  std::vector<std::string> arguments{"synward"};
  const auto add = [&](const std::string& option, const std::string& value = "") {
    if (sets(extra, {option})) return;
    arguments.push_back(option);
    if (!value.empty()) arguments.push_back(value);
  };
  const auto is_worker = [&](unsigned id) {
    return std::find(config.lcores.begin(), config.lcores.end(), id) != config.lcores.end();
  };
  // An lcore of its own for the control thread, even where it has no processor of its own.
  unsigned id = 0;
  while (is_worker(id)) ++id;
  std::string lcores =
      std::to_string(id) + "@" + std::to_string(plan_control(usable_processors(), config.lcores));
  for (const auto lcore : config.lcores) lcores += "," + std::to_string(lcore) + "@" + std::to_string(lcore);
  if (!sets_lcores(extra)) {
    add("--lcores", lcores);
    add("--main-lcore", std::to_string(id));
  }
  if (huge_pages && !sets(extra, {"--no-huge"})) {
    add("--in-memory");
  } else {
    add("--no-huge");
    add("--no-shconf");
    add("-m", std::to_string(ordinary_memory_mib(config)));
  }
  if (std::all_of(config.ports.begin(), config.ports.end(), is_virtual)) {
    add("--no-pci");
  } else if (!sets(extra, {"-a", "--allow", "-b", "--block"})) {
    for (const config::Port& port : config.ports) {
      if (!is_virtual(port)) add("-a", port.device);  // else EAL takes every device that it has a driver for
    }
  }
  add("--log-level", "warning");
  if (config.telemetry) {
    add("--file-prefix", "synward");            // the name of its folder
    add("--log-level", "lib.telemetry:error");  // it warns that there is nothing of its first version
  } else {
    add("--no-telemetry");
  }
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  return arguments;
}

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
