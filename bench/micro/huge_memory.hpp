// Memory as a worker has it: in large pages, so that no figure is one of TLB misses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace synward::bench {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

enum class Pages : std::uint8_t {
  kLarge,  ///< transparent huge pages, where the kernel grants them on request
  kSmall,  ///< of 4 KiB: to see what the large ones save
};

/// Zeroed. Throws std::bad_alloc when there is no address space for it.
class HugeMemory {
 public:
  explicit HugeMemory(std::size_t bytes, Pages pages = Pages::kLarge)
      : mapped_{(bytes / kHugePage + 2) * kHugePage} {
    void* const map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc{};
    map_ = static_cast<std::byte*>(map);
    madvise(map_, mapped_, pages == Pages::kLarge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;
  ~HugeMemory() { munmap(map_, mapped_); }

  /// Begins at a large page.
  [[nodiscard]] std::byte* data() const {
    const auto misaligned = reinterpret_cast<std::uintptr_t>(map_) % kHugePage;
    return map_ + (misaligned == 0 ? 0 : kHugePage - misaligned);
  }

 private:
  std::size_t mapped_;
  std::byte* map_;
};

}  // namespace synward::bench
