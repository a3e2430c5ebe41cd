// EAL's life, and what the user tells it behind --.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace synward::control {

/// Whether EAL arguments `extra` set one of `options`, as "-l 1", "-l1", "--lcores 1" or "--lcores=1".
[[nodiscard]] bool sets(const std::vector<std::string>& extra, const std::vector<std::string>& options);
/// Whether they say which lcores there are.
[[nodiscard]] bool sets_lcores(const std::vector<std::string>& extra);

/// EAL's arguments for `config`: lcores with a core for the control thread, memory with or without huge
/// pages, of PCI devices none but those that the config names. What `extra` sets by itself (after -- on the
/// command line) is left to it.
[[nodiscard]] std::vector<std::string> eal_arguments(const config::Config& config,
                                                     const std::vector<std::string>& extra, bool huge_pages);

/// Those of one size.
struct HugePages {
  std::size_t page_bytes, reserved, free;
  std::filesystem::path folder;  ///< of nr_hugepages, by which they are reserved
};
/// Of each size that the kernel has, the smallest first, on NUMA node `node`; negative: on the whole machine.
/// `root`: where sys/ is.
[[nodiscard]] std::vector<HugePages> huge_pages(int node, const std::filesystem::path& root = "/");
/// The same in bytes, of all sizes together.
[[nodiscard]] std::size_t free_huge_page_bytes(int node, const std::filesystem::path& root = "/");

/// EAL up, and down again when the process ends in order.
struct Eal {
  /// Throws std::runtime_error, one sentence, when it does not start.
  explicit Eal(const std::vector<std::string>& arguments);
  ~Eal();
  Eal(Eal&&) = delete;
};

/// Control thread, with EAL up. Throws std::runtime_error, one sentence, when a worker cannot run on one of
/// `lcores`.
void check_lcores(const std::vector<std::uint16_t>& lcores);

/// A port over a kernel interface tells in one sentence why it does not open: while this lives, drivers do
/// not tell it too.
class QuietDrivers {
 public:
  explicit QuietDrivers(bool quiet);
  ~QuietDrivers();
  QuietDrivers(QuietDrivers&&) = delete;

 private:
  std::uint32_t before_;
};

}  // namespace synward::control
